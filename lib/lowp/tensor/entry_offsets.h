// SPDX-License-Identifier: Apache-2.0
// Where the data of zip entries lie in the file, so that stored entries can be read at any place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lowp/tensor/file.h"

namespace lowp {

// One record of the central directory.
struct DirectoryRecord {
  std::string name;
  std::uint64_t packed_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t local_header = 0;  // offset in the file
};

// The central directory of a zip or zip64 file, in order; nothing where it is not one plain archive from the first byte
// of the file to its last. Whoever asks compares it with what libzip says.
std::optional<std::vector<DirectoryRecord>> read_directory(const File& file);

// Offset of the record's data, after its local header; nothing if that header is not there or the data do not fit.
std::optional<std::uint64_t> data_offset(const File& file, const DirectoryRecord& record);

}  // namespace lowp
