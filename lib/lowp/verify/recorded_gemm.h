// SPDX-License-Identifier: Apache-2.0
// Whole matrix products that a GPU's library returned, replayed through instruction, split and epilogue.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowp/accumulate/library_gemm.h"
#include "lowp/base/result.h"

namespace lowp {

inline constexpr std::string_view recorded_gemm_kind = "lowp-gemm-vectors/1";

// One call of the library. a is m x k, b n x k (row j is output column j), both of 8-bit codes; d is m x n, row by row.
struct RecordedGemm {
  std::size_t m = 0, n = 0, k = 0;
  Format format_a, format_b;
  const TensorCore* row = nullptr;
  GemmPath path;  // slow accumulation: the accumulator restarts every 128 elements
  KSplit split;
  Epilogue epilogue;
  std::size_t a_at = 0, b_at = 0, d_at = 0;  // in codes, codes, and bytes of d
};

// One file: safetensors of kind lowp-gemm-vectors/1 with `cases` [n, 16] U32 (columns named in the metadata), `codes`
// U8 and `d` U8. Operands may be shared by cases.
struct RecordedGemms {
  std::string path, gpu, capability, library;
  std::vector<RecordedGemm> cases;
  std::vector<std::uint64_t> codes, d;

  std::uint64_t recorded(const RecordedGemm& one, std::size_t output) const;  // the stored code, little-endian
};

// Everything in the file is checked: shapes, offsets, formats, and that the table knows the instruction.
Result<RecordedGemms> read_recorded_gemms(const std::string& path);

// FP32 accumulators before the epilogue, m x n.
std::vector<std::uint64_t> accumulators_of(const RecordedGemms& file, const RecordedGemm& one, int threads);
// What the library stores. K = 0: zeros, and no scale is looked at.
std::vector<std::uint64_t> outputs_of(const RecordedGemms& file, const RecordedGemm& one, int threads);

struct GemmMismatch {
  std::size_t number = 0, output = 0;  // of the case, in the case
  std::uint64_t recorded = 0, emulated = 0;
};
struct GemmReplay {
  std::size_t outputs = 0, mismatches = 0;
  std::vector<GemmMismatch> first;  // at most three
};
GemmReplay replay(const RecordedGemms& file, int threads);

}  // namespace lowp
