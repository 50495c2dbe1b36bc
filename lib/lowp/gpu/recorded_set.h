// SPDX-License-Identifier: Apache-2.0
// Results of one instruction as a file that accumulate/recorded.h reads. Standard library only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lowp/gpu/backend.h"

namespace lowp::gpu {

// Dot products of `k` codes each: a and b one after the other, c and d codes of the accumulator.
struct RecordedSet {
  std::size_t k = 0;
  std::vector<std::uint32_t> a, b, c, d;
  void add(const MmaRow& row, const TileBatch& batch, const std::vector<std::uint32_t>& results, int tile, int i,
           int j);
  std::size_t rows() const { return d.size(); }
};

// "h100" for "NVIDIA H100 80GB HBM3": the word of the name that accumulate/model.h knows, else the capability.
std::string gpu_word(const Chip& chip);
// "h100-mma-fp16-f32.safetensors"; shapes narrower than the widest of the same formats end in "-k8" and the like.
std::string recorded_file_name(const Chip& chip, const MmaRow& row);

// The file's bytes. `more` joins the metadata: provenance. c is written as FP32, as every such file has it.
std::string recorded_file(const Chip& chip, const MmaRow& row, const RecordedSet& set,
                          const std::map<std::string, std::string>& more);

}  // namespace lowp::gpu
