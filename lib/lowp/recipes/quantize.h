// SPDX-License-Identifier: Apache-2.0
// A recipe applied to matrices: scales and codes, block by block, elements through lowp::batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lowp/recipes/recipe.h"

namespace lowp::recipes {

// FP32 values, row after row. A tensor is a matrix by its name and shape; see matrix_shape.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::span<const float> values;
};

// What NaN counts for is the recipe's; 0 of none. Infinities count.
float largest_magnitude(std::span<const float> values, NanInAmax nan);

BlockScale scale_of(const Recipe& recipe, TensorScale tensor, const Block& block);
// x * factor, x / factor and so on, in FP32: what the cast rounds.
void divide_elements(const Recipe& recipe, TensorScale tensor, float factor, std::span<const float> x,
                     std::span<float> y);
// Codes of the elements of one block under its scale.
void quantize(const Recipe& recipe, TensorScale tensor, BlockScale scale, std::span<const float> x,
              std::span<std::uint8_t> codes);

struct BlockGrid {
  std::size_t rows = 0, columns = 0;  // of scales
};
BlockGrid block_grid(const Recipe& recipe, std::size_t rows, std::size_t columns);

// A run of whole block rows: scales by rows of blocks and codes by rows of elements. Missing elements at the right and
// at the bottom count as zeros. `whole_largest` is what the blocks of a recipe share that reach beyond the run (one
// scale per tensor, rows cut in pieces). Stochastic recipes draw from Philox, seed 0, one byte per element of the run.
void quantize_rows(const Recipe& recipe, TensorScale tensor, std::optional<float> whole_largest, Matrix run,
                   std::span<std::uint32_t> scales, std::span<std::uint8_t> codes);

// A matrix as an orientation sees it: itself, transposed, or transposed, padded with zeros to multiples of 16 and rotated.
struct Oriented {
  std::size_t rows = 0, columns = 0;
  std::vector<float> values;
};
Oriented oriented(Matrix matrix, Orientation orientation);

struct Quantized {
  std::size_t rows = 0, columns = 0;  // of the codes
  BlockGrid grid;
  TensorScale tensor;
  std::vector<std::uint32_t> scales;
  std::vector<std::uint8_t> codes;
};
// A matrix that is already oriented.
Quantized quantize_matrix(const Recipe& recipe, Matrix matrix);

// code * scale * decode of every element, exact in FP64; NaN where a code or scale is none.
std::vector<double> dequantized(const Recipe& recipe, const Quantized& quantized);

// sum over 16 of x_i sign_i H_ij / 4, groups of 16; the sum in FP64, rounded to FP32 once.
void rotate_16(std::span<float> values);
// The same, added in FP32 from i = 0 on.
void rotate_16_in_fp32(std::span<float> values);
// As the orientation does it; nothing for the two that do not rotate.
bool rotates(Orientation orientation);
void rotate(Orientation orientation, std::span<float> values);

}  // namespace lowp::recipes
