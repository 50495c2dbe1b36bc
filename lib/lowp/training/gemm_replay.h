// SPDX-License-Identifier: Apache-2.0
// Two tensors of a dump multiplied on emulated instruction paths, against the exact product.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/accumulate/error_statistics.h"
#include "lowp/accumulate/library_gemm.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/recipe.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

// A path with the format both operands are rounded to. `name` as the user gave it: "h100:wgmma:e4m3:f32+4".
struct NamedPath {
  std::string name;
  std::string input;                   // name of a format, of a block format, or of a recipe
  const BlockFormat* block = nullptr;  // of block_format_table where the row has scales and no recipe makes them
  const recipes::Recipe* recipe = nullptr;
  GemmPath path;  // its row may have scales
  KSplit split;
  const SplitRule* rule = nullptr;  // where the split's order comes from; nothing where K is not split
};
// GPU:PATH:INPUT:ACCUMULATOR[+N][/P[p][:FORMAT]]: N instructions until promotion (cuBLASLt's slow accumulation promotes
// every 128 elements: +4 for FP8), K split in P parts, added pairwise with p, kept in FORMAT (fp32 unless bf16 or
// fp16). "ideal:INPUT" is FP32 to nearest, in the order of k, INPUT there a format, a block format or a recipe. Paths
// with scales take their elements' format as INPUT. "@RECIPE" at the end: operands as that recipe rounds them, its
// scales those of the path, or one for all of K, which is applied after the sum.
Result<NamedPath> parse_path(std::string_view word);

// What a product is stored in unless told otherwise: the input format if it has 16 bits, BF16 for narrower inputs, FP64
// for FP64, else FP32.
Accumulator result_format(const NamedPath& path);

struct GemmOptions {
  std::string a, b;  // names of tensors
  std::vector<NamedPath> paths;
  std::optional<Accumulator> result;  // what products are stored in, of formats up to FP32; else result_format(path)
  int threads = 0;
};

// A path over the first k products of every output. Errors count outputs whose value is finite.
struct GemmOutcome {
  std::size_t path = 0, k = 0;
  std::uint64_t not_finite = 0;  // stored results
  std::uint64_t misrounded = 0;  // sums that are not the exact one rounded to nearest, Inf and NaN too
  ErrorStatistics inputs;        // exact products of rounded inputs against exact products of the values as dumped
  ErrorStatistics instruction;   // sums without a split against exact products of rounded inputs
  ErrorStatistics error;         // sums as the path makes them, with its split, against the same
  ErrorStatistics storing;       // stored results against the sums
  ErrorStatistics total;         // stored results against exact products of the values as dumped
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
  std::vector<Accumulator> stored_in;         // per path
  std::vector<int> result_scale;              // per path: log2 of scale_result, 0 but for 8-bit results
  std::vector<GemmOutcome> outcomes;
  std::vector<Divergence> divergences;
};

// The product of two tensors (see read_gemm_inputs) on every path, over the first 32, 64, ... and all of K. Paths with
// a split are compared with exact products, but not instruction by instruction with others.
Result<GemmResult> replay_gemm(const Input& input, const GemmOptions& options);

}  // namespace lowp::training
