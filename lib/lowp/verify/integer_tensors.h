// SPDX-License-Identifier: Apache-2.0
// Tensors of unsigned integers in a safetensors file: codes and bits that hardware recorded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/safetensors.h"

namespace lowp {

// The header was checked against the file's size, so no allocation is larger than eight times the file.
class IntegerTensors {
 public:
  IntegerTensors(const File& file, const SafetensorsHeader& header) : file_(file), header_(header) {}

  const SafetensorsEntry* find(std::string_view name) const;
  // Elements of U8, U16, U32 or U64; an Error for another dtype, another shape or no such tensor.
  Result<std::vector<std::uint64_t>> read(std::string_view name, std::vector<std::uint64_t> shape) const;

 private:
  const File& file_;
  const SafetensorsHeader& header_;
};

// The value of a metadata key, "" where there is none.
std::string metadata_of(const SafetensorsHeader& header, const std::string& key);

}  // namespace lowp
