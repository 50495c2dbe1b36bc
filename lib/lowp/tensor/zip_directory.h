// SPDX-License-Identifier: Apache-2.0
// The central directory of a zip or zip64 file, held against the local headers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowp/tensor/file.h"

namespace lowp {

// One entry as both its records say.
struct DirectoryRecord {
  std::string name;  // as in the file: any bytes
  std::uint64_t packed_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t local_header = 0;  // offset in the file
  std::uint64_t data_begin = 0;    // likewise
  std::uint32_t crc = 0;
  bool is_deflated = false;  // else stored, and packed_bytes are bytes
};

// The entries in the order of the directory. An Error where the file is not one plain archive from its first byte to its
// last: entries that overlap, are encrypted, packed in another way than by deflate, or contradict their local headers.
Result<std::vector<DirectoryRecord>> read_zip_directory(const File& file);

}  // namespace lowp
