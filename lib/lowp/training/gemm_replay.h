// SPDX-License-Identifier: Apache-2.0
// Two tensors of a dump multiplied on emulated instruction paths, against the exact product.
#pragma once

#include <string>
#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/accumulate/error_statistics.h"
#include "lowp/accumulate/gemm.h"
#include "lowp/core/formats.h"
#include "lowp/tensor/step_series.h"

namespace lowp {

// A path with the format both operands are rounded to. `name` as the user gave it: "h100:wgmma:e4m3:f32+4".
struct NamedPath {
  std::string name;
  std::string input;                   // name of a format, or of a block format
  const BlockFormat* block = nullptr;  // of block_format_table where the row has scales
  GemmPath path;                       // its row may have scales
  int split = 1;                       // split-K: parts of K, each rounded to output_format, then added in it
};
// Where partial sums of split-K are kept: the input format if it has 16 bits, BF16 for narrower ones, else FP32.
Accumulator output_format(const NamedPath& path);
// GPU:PATH:INPUT:ACCUMULATOR[+N][/P], N instructions until promotion, P parts of K; "ideal:INPUT" is FP32 to nearest,
// in the order of k, INPUT there a format or a block format. Paths with scales take their elements' format as INPUT.
Result<NamedPath> parse_path(std::string_view word);

struct GemmOptions {
  std::string a, b;  // names of tensors
  std::vector<NamedPath> paths;
  int threads = 0;
};

// A path over the first k products of every output.
struct GemmOutcome {
  std::size_t path = 0, k = 0;
  std::uint64_t not_finite = 0, misrounded = 0;  // misrounded: not the exact sum rounded to nearest, Inf and NaN too
  ErrorStatistics error;                         // of finite outputs
};
// Where two paths with the same input part: the first instruction after which the accumulators differ.
struct Divergence {
  std::size_t first = 0, second = 0;  // paths
  std::size_t instruction = 0;        // products of one, the wider of the two
  std::uint64_t outputs = 0, differing = 0;
  std::size_t earliest = 0;  // k after the first differing instruction, over the outputs looked at
};
struct GemmResult {
  std::string orientation;                    // "A^T B"
  std::size_t rows = 0, columns = 0, k = 0;   // computed
  std::size_t all_rows = 0, all_columns = 0;  // of the whole product
  std::vector<int> a_scale, b_scale;          // per path: log2 of the factor before rounding to the input format
  std::vector<GemmOutcome> outcomes;
  std::vector<Divergence> divergences;
};

// Paths with split-K are compared with exact products, but not instruction by instruction with others.
// The product of two tensors (see read_gemm_inputs) on every path, over the first 32, 64, ... and all of K.
Result<GemmResult> replay_gemm(const Input& input, const GemmOptions& options);

}  // namespace lowp
