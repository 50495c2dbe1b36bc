// SPDX-License-Identifier: Apache-2.0
// Deflated data unpacked front to back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lowp/tensor/file.h"

namespace lowp {

// One deflated entry of an archive: RFC 1951, without a header of its own.
struct Deflated {
  std::uint64_t begin = 0, packed_bytes = 0;  // in the file
  std::uint64_t bytes = 0;                    // when unpacked, as its archive claims
  std::uint32_t crc = 0;
  std::string where;                  // names the entry in Errors, whose offset counts unpacked bytes
  std::function<void()> wrong_crc;    // told in place of an Error; empty: a wrong CRC is one
};

// `size` unpacked bytes from `begin` on; what comes before is unpacked and dropped, what is claimed but not there is an
// Error of the read that meets its end. The caller has checked them against `bytes`, and the packed ones against the file.
Result<std::unique_ptr<ByteStream>> inflated_stream(std::shared_ptr<const File> file, Deflated entry, std::uint64_t begin,
                                                    std::uint64_t size);

}  // namespace lowp
