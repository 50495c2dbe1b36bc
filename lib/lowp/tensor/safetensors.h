// SPDX-License-Identifier: Apache-2.0
// The header of one safetensors file, checked.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lowp/tensor/file.h"
#include "lowp/tensor/skip_log.h"

namespace lowp {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // in the data
  std::uint64_t end = 0;
};

// Entries tile the data exactly, in ascending order of offset; names differ; sizes follow from dtype and shape.
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;
};

Result<SafetensorsHeader> read_safetensors_header(const File& file);

// The view of a checked entry; of a dtype that cannot be read, nothing, and a word in `skips`.
std::optional<TensorView> safetensors_view(const std::shared_ptr<const File>& file, const SafetensorsHeader& header,
                                           const SafetensorsEntry& entry, SkipLog& skips);

// What the metadata say of the whole dump: "step" (a whole number), "loss_scale" (a power of two such as 65536, 0.5 or
// 2^16), "loss_dtype". A loss scale that cannot be taken off exactly is a note.
void take_metadata(const SafetensorsHeader& header, Input& input);

}  // namespace lowp
