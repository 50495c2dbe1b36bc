// SPDX-License-Identifier: Apache-2.0
// Two tensors of a dump as the operands of a matrix product: which axis is shared, which outputs are computed, and what
// rounding to an input format, with one factor or with block scales, makes of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lowp/accumulate/fdpa.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/recipe.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

// A matrix of doubles with the shared axis last: row i is what output i needs.
struct Values {
  std::size_t rows = 0, k = 0;
  std::vector<double> value;
  std::vector<std::size_t> chosen = {};  // the rows of the whole matrix that these are
  std::vector<float> whole = {};         // all of it in FP32, for recipes: their scales may depend on every element
};

struct GemmInputs {
  std::string orientation;  // "A B", "A^T B", "A B^T"
  Values a, b;
  std::size_t all_rows = 0, all_columns = 0;  // of the whole product
};

// Leading axes are joined. The shared length decides the orientation: A B, else A^T B (a weight gradient), else A B^T.
// At most 256 rows and columns, evenly chosen. Unsigned integers in a safetensors file that names their format as
// "input" (and "input_b") in its metadata are codes of it. The whole matrices are kept where `whole` says so.
Result<GemmInputs> read_gemm_inputs(const Input& input, const std::string& a, const std::string& b, bool whole = false);

// One operand in an input format: codes of value * 2^scale_log2, or of value / (scale of its block * tensor_scale).
struct OperandRows {
  Format format;
  std::size_t rows = 0, k = 0;
  std::vector<std::uint64_t> code;  // tf32 as FP32 bits
  int scale_log2 = 0;
  std::size_t block = 0, blocks = 0;  // elements that share a scale, scales per row; 0 without scales
  Format scale_format = format;
  std::vector<std::uint64_t> scale;
  bool outside = false;  // one scale per row, which a sum is multiplied with after the instruction
  double tensor_scale = 1;

  bool scaled_inside() const { return block != 0 && !outside; }
  // What every sum of row i is multiplied with.
  double factor(std::size_t i) const;
  // The elements of row i, each times its block's scale if that is part of the sum.
  std::vector<Exact> exact_row(std::size_t i) const;
  // The first elements of row i as `row` reads them; their scales as well.
  std::vector<Operand> operands(const TensorCore& row, std::size_t i) const;
  std::vector<Operand> scales(std::size_t i) const;
  // The same with each block's scale multiplied in, as an ideal instruction would read them.
  std::vector<Operand> exact_operands(std::size_t i) const;
};

// Nearest even, saturating. The factor is the power of two that brings the largest magnitude to the last binade but one
// of a format of at most 8 bits, and to [1, 2) in FP16; 1 for formats with the range of FP32, and where every value is
// one of the format's already.
OperandRows rounded(const Values& v, Format f);
// MX: scale 2^(floor(log2 of the largest magnitude) - the element's largest exponent), OCP MX v1.0 section 6.3. NVFP4:
// tensor_scale in FP32 brings the largest magnitude to 448 * 6, each block's scale its own to 6; both to nearest even.
OperandRows block_rounded(const Values& v, const BlockFormat& block);
// As the recipe rounds the whole matrix, which `v` must hold, the shared axis last; K of recipes that rotate is a
// multiple of 16. Scales for all of K are applied outside.
// What instructions call the format of a recipe's scales. Those of E4M3 are never negative: they are UE4M3's codes too.
std::string_view scale_format_name(const recipes::Recipe& recipe);
OperandRows recipe_rounded(const Values& v, const recipes::Recipe& recipe);

}  // namespace lowp::training
