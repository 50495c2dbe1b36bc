// SPDX-License-Identifier: Apache-2.0
// Zip archives as named ranges of bytes: stored entries at any place, deflated ones front to back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/file.h"

namespace lowp {

struct ZipEntry {
  std::string name;  // as in the file: any bytes
  std::uint64_t index = 0;
  std::uint64_t bytes = 0;  // when unpacked, as the directory claims
  std::uint32_t crc = 0;
  std::optional<std::uint64_t> data_begin;  // offset in the file of a stored entry's data, where that is certain
};

// What a wrong CRC-32 is, once all of an entry was read: an Error of that read, or the source's doubt().
enum class Checksums { enforced, noted };

// The directory of a zip file, checked: stored or deflated entries that differ in name, are not encrypted, agree with
// their local headers and together fit into the file. Streams over one archive may run in different threads.
class ZipArchive {
 public:
  static Result<std::shared_ptr<const ZipArchive>> open(std::shared_ptr<const File> file, Checksums checksums);
  virtual ~ZipArchive() = default;

  virtual const File& file() const = 0;
  virtual const std::vector<ZipEntry>& entries() const = 0;
  // nullptr if there is none.
  virtual const ZipEntry* find(std::string_view name) const = 0;
  // `size` bytes of an entry from `begin` on, which the caller has checked against entry.bytes.
  virtual std::shared_ptr<const ByteSource> range(const ZipEntry& entry, std::uint64_t begin,
                                                  std::uint64_t size) const = 0;
  // All of a small entry; an Error if it is larger than `limit`.
  Result<std::string> read_all(const ZipEntry& entry, std::uint64_t limit) const;
  // "FILE: ENTRY", for Errors whose offset is inside the entry.
  std::string where(const ZipEntry& entry) const;
};

}  // namespace lowp
