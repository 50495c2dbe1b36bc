// SPDX-License-Identifier: Apache-2.0
// Results that real hardware returned, replayed through the table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowp/accumulate/fdpa.h"
#include "lowp/base/result.h"

namespace lowp {

// One file of dot products D = C + sum(a_k * b_k). safetensors with metadata gpu, compute_capability, instruction_path,
// input (and input_b where b differs), accumulator; tensors a, b [rows, K] codes of the input formats (tf32 as FP32
// bits), c [rows] FP32 bits (an f16 accumulator starts from them rounded to nearest even), d [rows] bits of the
// accumulator's format; a_scale, b_scale [rows, blocks] where the row of the table has scales.
struct RecordedVectors {
  std::string path;
  std::string gpu, capability, instruction_path, input, input_b, accumulator;
  const TensorCore* row = nullptr;  // emulated
  std::size_t rows = 0, k = 0, scale_blocks = 0;
  std::vector<std::uint64_t> a, b, c, d, a_scale, b_scale;
};

// Everything in the file is checked; a GPU or instruction that the table does not know is an Error.
Result<RecordedVectors> read_recorded_vectors(const std::string& path);

struct RecordedMismatch {
  std::size_t row = 0;
  std::uint64_t recorded = 0, emulated = 0;
};
struct RecordedReplay {
  std::size_t rows = 0, mismatches = 0;
  std::vector<RecordedMismatch> first;  // at most three
};
RecordedReplay replay(const RecordedVectors& vectors);

// One row again, with what happened in each step.
struct RecordedTrace {
  std::uint64_t result = 0;
  std::vector<StepTrace> steps;
};
RecordedTrace trace_row(const RecordedVectors& vectors, std::size_t row);

}  // namespace lowp
