// SPDX-License-Identifier: Apache-2.0
// THE TABLE of FP8, FP6 and FP4 recipes: one row per implementation whose scale bytes and element codes are equalled.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/core/format.h"

namespace lowp::recipes {

struct Recipe;

// How a block's scale is written: E8M0 (power of two), E4M3, or an FP32 number.
enum class ScaleKind : std::uint8_t { e8m0, e4m3, fp32 };
// What a NaN element does to a block's largest magnitude: fmaxf of a GPU kernel drops it, amax of PyTorch keeps it. XLA on
// a CPU (arrays of 128 rows or more) compares halves and takes the second where one is NaN: some elements go unseen.
enum class NanInAmax : std::uint8_t { dropped, kept, halves };
// What an element becomes before it is rounded to its format: x * factor or x / factor, rounded to FP32.
enum class Operation : std::uint8_t {
  multiply,
  divide,
  xla_divide,        // x * (1 / factor) as XLA on a CPU: subnormal operands and results are zeros
  xla_divide_twice,  // the same, first by the TensorScale's `encode`
};
// The transposed copy that a backward pass reads, also after the 16-point Hadamard transform of Transformer Engine, whose
// sums are rounded once, or as its Python reference adds them: in FP32, one after the other.
enum class Orientation : std::uint8_t { rows, columns, rotated_columns, rotated_columns_fp32 };

// Rows and columns of elements that share a scale; 0 means all of them.
struct BlockShape {
  std::uint32_t rows, columns;
  friend constexpr bool operator==(BlockShape, BlockShape) = default;
};

// What a tensor's largest magnitude decides: `encode` brings it to the top of the two formats, values are code * scale *
// `decode`. Both 1 where a recipe has one level.
struct TensorScale {
  float encode = 1, decode = 1;
  float largest = 0;  // the magnitude itself, where a rule asks for it
};
// A block as a scale rule sees it. `values` are the elements of a block that lies in one row, padding left out; empty
// for other blocks.
struct Block {
  float largest;  // magnitude, with NaN as NanInAmax says; 0 if every element is 0
  std::span<const float> values = {};
};
// `code`: the scale's byte, or the bits of the FP32 number that codes are multiplied with. `factor`: of Operation.
struct BlockScale {
  std::uint32_t code;
  float factor;
};

// How the quotient becomes a code; see element_cast.h.
enum class Cast : std::uint8_t {
  saturate,      // nearest even, beyond the largest number and Inf saturate; NaN, or the largest number without one
  torch,         // Tensor.to(float8): E4M3 saturates, E5M2 goes to Inf
  torch_bits,    // torchao's integer code for formats below 8 bits: what it makes of NaN depends on the payload
  values,        // a library that returns values: what is no number of the format has no code; +0 for every zero source
  values_even,   // as values, by floor(|y| + 0.5) in FP32: one ulp below half the smallest number rounds up
  values_away,   // the same, ties away from zero
  values_plus,   // as values; whatever rounds to zero is +0, and Inf has no code
  values_nan8,   // as values; NaN has the code of -0, what overflows when it is multiplied back that of +0
  gfloat,        // as saturate; NaN is refused for the whole block where the format has none
  te_reference,  // cast_to_fp4x2: NaN is +0, so is -0
  te_stochastic,  // E2M1 by one random byte per element
  modelopt_mx,   // ties toward zero; zero and NaN have the code of -0
  modelopt_nv,   // nearest even; NaN is the largest number, -0 is +0
  xla,           // as saturate; NaN without a code for it is -0
  mlx_fp8,       // as saturate; NaN saturates with its sign
  mlx_fp4,       // the first of the nearest numbers, by |y - number| in FP32
};

// The rules are pure functions. `tensor` may be null: one level.
using TensorRule = TensorScale (*)(const Recipe&, float largest);
using BlockRule = BlockScale (*)(const Recipe&, TensorScale, const Block&);

struct RecipeRow {
  std::string_view name;      // "mx-rceil-te"; a recipe's name has the element format behind it
  std::string_view elements;  // element formats, space-separated
  BlockShape block;
  ScaleKind scale;
  NanInAmax nan;
  TensorRule tensor_rule;
  BlockRule block_rule;
  Operation operation;
  Cast cast;
  Orientation orientation;     // that it is meant for
  std::string_view rule;       // how the largest magnitude becomes the scale, in the order of the operations
  std::string_view specials;   // zero blocks, Inf and NaN
  std::string_view source;     // implementation and version
  std::string_view cells;      // of recorded results that it reproduces, "{}" for the element format
};
std::span<const RecipeRow> recipe_rows();

// A row with one of its element formats.
struct Recipe {
  const RecipeRow* row = nullptr;
  std::string name;          // "mx-rceil-te-e4m3"
  std::string element_name;  // "e4m3"
  Format element{};
  float largest = 0;         // number of the element format
  int largest_exponent = 0;  // floor(log2(largest))
};
// Every recipe in the order of the table.
const std::vector<Recipe>& all_recipes();
const Recipe* find_recipe(std::string_view name);
// The recipe that reproduces a recorded cell such as "mx/e4m3/rceil#te_host", and what it is applied to.
struct CellRecipe {
  const Recipe* recipe = nullptr;
  Orientation orientation = Orientation::rows;
};
CellRecipe find_cell(std::string_view cell);

// Value of a scale's code, times one. NaN codes are NaN.
double scale_value(ScaleKind kind, std::uint32_t code);
// "1x32", "tensor", "row", "128x128"
std::string block_text(BlockShape block);
std::string_view scale_text(ScaleKind kind);

}  // namespace lowp::recipes
