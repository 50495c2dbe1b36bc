// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/quantize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>

#include "lowp/recipes/element_cast.h"
#include "lowp/recipes/philox_bytes.h"
#include "lowp/recipes/recipe_counts.h"
#include "lowp/recipes/sse_arithmetic.h"

namespace lowp::recipes {
namespace {

constexpr std::uint32_t magnitude_mask_fp32 = 0x7fffffff, inf_bits = 0x7f800000;
constexpr std::size_t piece = 8192;  // elements that stay in the caches between the steps
constexpr std::size_t rotation = 16;
constexpr std::array<double, rotation> rotation_sign{1, 1, 1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, -1};

std::uint32_t largest_bits(std::span<const float> values) {
  std::uint32_t largest = 0;
  for (const float v : values) largest = std::max(largest, std::bit_cast<std::uint32_t>(v) & magnitude_mask_fp32);
  return largest;
}
std::uint32_t largest_bits_without_nan(std::span<const float> values) {
  std::uint32_t largest = 0;
  for (const float v : values) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(v) & magnitude_mask_fp32;
    if (magnitude <= inf_bits) largest = std::max(largest, magnitude);
  }
  return largest;
}

// Magnitude i against magnitude i + 16, then + 8 and so on, the second wherever one of the two is NaN; -Inf at the end.
float largest_by_halves(std::span<const float> values) {
  std::array<float, 32> most{};
  assert(values.size() <= most.size());
  std::ranges::transform(values, most.begin(), [](float x) { return std::abs(x); });
  for (std::size_t half = most.size() / 2; half != 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) most[i] = most[i] > most[i + half] ? most[i] : most[i + half];
  }
  return std::isnan(most[0]) ? -INFINITY : most[0];
}

// One element the careful way: with x86's NaN, of the broadcast factor first, and without subnormals for XLA.
float divided(const Recipe& recipe, TensorScale tensor, float factor, float x) {
  switch (recipe.row->operation) {
    case Operation::multiply: return sse_multiply(factor, x);
    case Operation::divide: return sse_divide(x, factor);
    case Operation::xla_divide: return xla_multiply(x, xla_reciprocal(factor));
    case Operation::xla_divide_twice:
      return xla_multiply(xla_multiply(x, xla_reciprocal(tensor.encode)), xla_reciprocal(factor));
  }
  return 0;
}

// The blocks of one row of blocks: their largest magnitudes.
void largest_of_blocks(const Recipe& recipe, Matrix run, std::size_t block_columns, std::span<float> largest) {
  for (std::size_t b = 0; b < largest.size(); ++b) {
    const std::size_t first = b * block_columns, count = std::min(block_columns, run.columns - first);
    float most = 0;
    for (std::size_t r = 0; r < run.rows; ++r) {
      const float in_row = largest_magnitude(run.values.subspan(r * run.columns + first, count), recipe.row->nan);
      if (std::isnan(in_row) || in_row > most) most = in_row;
      if (std::isnan(most)) break;
      if (in_row < 0) most = in_row;
    }
    largest[b] = most;
  }
}

// Element i takes byte i % 4 of word i / 4 % 4 of call i / 16, seed and subsequence 0.
void draw_bytes(std::uint64_t first, std::span<std::uint8_t> bytes) {
  PhiloxCounter words{};
  std::uint64_t known = ~std::uint64_t{0};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t element = first + i;
    if (element / 16 != known) {
      known = element / 16;
      words = te_philox(0, 0, 0, known);
    }
    bytes[i] = static_cast<std::uint8_t>(words.word[element / 4 % 4] >> (8 * (element % 4)));
  }
}

// Quotients are gathered until a piece is full, so that one call converts many blocks.
class CodeWriter {
 public:
  CodeWriter(const Recipe& recipe, std::span<std::uint8_t> codes) : recipe_(recipe), codes_(codes) {
    quotients_.reserve(piece + 512);
  }
  // Room for `count` more quotients, in the order of the codes.
  std::span<float> add(std::size_t count) {
    if (quotients_.size() >= piece) flush();
    const std::size_t at = quotients_.size();
    quotients_.resize(at + count);
    return std::span(quotients_).subspan(at);
  }
  void flush() {
    const auto out = codes_.subspan(done_, quotients_.size());
    if (recipe_.row->cast == Cast::te_stochastic) {
      random_.resize(out.size());
      draw_bytes(done_, random_);
    }
    cast_all(recipe_.row->cast, recipe_, quotients_, out, random_);
    done_ += out.size();
    quotients_.clear();
  }

 private:
  const Recipe& recipe_;
  std::span<std::uint8_t> codes_;
  std::size_t done_ = 0;
  std::vector<float> quotients_;
  std::vector<std::uint8_t> random_;
};

}  // namespace

float largest_magnitude(std::span<const float> values, NanInAmax nan) {
  std::uint32_t largest = largest_bits(values);
  if (largest > inf_bits) {
    if (nan == NanInAmax::kept) return std::bit_cast<float>(0x7fc00000u);
    if (nan == NanInAmax::halves) return largest_by_halves(values);
    largest = largest_bits_without_nan(values);
  }
  return std::bit_cast<float>(largest);
}

BlockScale scale_of(const Recipe& recipe, TensorScale tensor, const Block& block) {
  return recipe.row->block_rule(recipe, tensor, block);
}

namespace {

// Libraries that return values multiply the rounded number back, in FP32: Inf stands for what does not survive that.
void lose_overflows(const Recipe& recipe, float factor, std::span<float> y) {
  const float back = recipe.row->operation == Operation::divide ? factor : 1.0f / factor;
  if (!std::isinf(recipe.largest * back)) return;
  const std::array<double, 256> value = code_values(recipe);
  for (float& quotient : y) {
    const std::uint8_t code = cast_one(recipe.row->cast, recipe, quotient);
    if (std::isinf(static_cast<float>(value[code]) * back)) quotient = std::copysign(INFINITY, quotient);
  }
}

}  // namespace

void divide_elements(const Recipe& recipe, TensorScale tensor, float factor, std::span<const float> x,
                     std::span<float> y) {
  const Operation operation = recipe.row->operation;
  const bool plain = std::isfinite(factor) && (operation == Operation::multiply || operation == Operation::divide);
  if (!plain) {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = divided(recipe, tensor, factor, x[i]);
    return;
  }
  if (operation == Operation::multiply) {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * factor;
  } else {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] / factor;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(y[i])) y[i] = divided(recipe, tensor, factor, x[i]);
  }
  if (returns_values(recipe.row->cast)) lose_overflows(recipe, factor, y);
}

void quantize(const Recipe& recipe, TensorScale tensor, BlockScale scale, std::span<const float> x,
              std::span<std::uint8_t> codes) {
  assert(x.size() == codes.size());
  CodeWriter writer(recipe, codes);
  for (std::size_t first = 0; first < x.size(); first += piece) {
    const auto part = x.subspan(first, std::min(piece, x.size() - first));
    divide_elements(recipe, tensor, scale.factor, part, writer.add(part.size()));
  }
  writer.flush();
}

BlockGrid block_grid(const Recipe& recipe, std::size_t rows, std::size_t columns) {
  const BlockShape shape = recipe.row->block;
  const std::size_t high = shape.rows == 0 ? rows : shape.rows, wide = shape.columns == 0 ? columns : shape.columns;
  if (rows == 0 || columns == 0) return {};
  return {(rows + high - 1) / high, (columns + wide - 1) / wide};
}

void quantize_rows(const Recipe& recipe, TensorScale tensor, std::optional<float> whole_largest, Matrix run,
                   std::span<std::uint32_t> scales, std::span<std::uint8_t> codes) {
  assert(codes.size() == run.values.size() && run.values.size() == run.rows * run.columns);
  const BlockGrid grid = block_grid(recipe, run.rows, run.columns);
  assert(scales.size() == grid.rows * grid.columns);
  if (grid.rows == 0) return;
  const BlockShape shape = recipe.row->block;
  const std::size_t high = shape.rows == 0 ? run.rows : shape.rows;
  const std::size_t wide = shape.columns == 0 ? run.columns : shape.columns;
  CodeWriter writer(recipe, codes);
  std::vector<float> largest(grid.columns), factors(grid.columns);
  for (std::size_t block_row = 0; block_row < grid.rows; ++block_row) {
    const std::size_t first = block_row * high, count = std::min(high, run.rows - first);
    const Matrix part{count, run.columns, run.values.subspan(first * run.columns, count * run.columns)};
    if (whole_largest) {
      std::ranges::fill(largest, *whole_largest);
    } else {
      largest_of_blocks(recipe, part, wide, largest);
    }
    for (std::size_t b = 0; b < grid.columns; ++b) {
      const std::size_t left = b * wide;
      Block block{largest[b]};
      if (high == 1) block.values = part.values.subspan(left, std::min(wide, run.columns - left));
      const BlockScale scale = scale_of(recipe, tensor, block);
      scales[block_row * grid.columns + b] = scale.code;
      factors[b] = scale.factor;
    }
    for (std::size_t r = 0; r < count; ++r) {
      const auto row = part.values.subspan(r * run.columns, run.columns);
      for (std::size_t b = 0; b < grid.columns; ++b) {
        for (std::size_t at = b * wide, end = std::min(at + wide, run.columns); at < end; at += piece) {
          const auto elements = row.subspan(at, std::min(piece, end - at));
          divide_elements(recipe, tensor, factors[b], elements, writer.add(elements.size()));
        }
      }
    }
  }
  writer.flush();
}

// H is Sylvester's matrix, so sixteen sums are four rounds of sums and differences.
void rotate_16(std::span<float> values) {
  assert(values.size() % rotation == 0);
  for (std::size_t first = 0; first < values.size(); first += rotation) {
    std::array<double, rotation> sum{};
    for (std::size_t i = 0; i < rotation; ++i) sum[i] = rotation_sign[i] * static_cast<double>(values[first + i]);
    for (std::size_t half = 1; half < rotation; half *= 2) {
      for (std::size_t i = 0; i < rotation; ++i) {
        if ((i & half) != 0) continue;
        const double a = sum[i], b = sum[i + half];
        sum[i] = a + b;
        sum[i + half] = a - b;
      }
    }
    for (std::size_t i = 0; i < rotation; ++i) values[first + i] = static_cast<float>(sum[i] * 0.25);
  }
}

// Sylvester's H_ij is -1 where i and j have an odd number of bits in common. Products by 1/4 are exact.
void rotate_16_in_fp32(std::span<float> values) {
  assert(values.size() % rotation == 0);
  for (std::size_t first = 0; first < values.size(); first += rotation) {
    std::array<float, rotation> sum{};
    for (std::size_t i = 0; i < rotation; ++i) {
      const float x = values[first + i] * (rotation_sign[i] < 0 ? -0.25f : 0.25f);
      for (std::size_t j = 0; j < rotation; ++j) sum[j] += (std::popcount(i & j) & 1) != 0 ? -x : x;
    }
    std::ranges::copy(sum, values.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

bool rotates(Orientation orientation) {
  return orientation == Orientation::rotated_columns || orientation == Orientation::rotated_columns_fp32;
}

void rotate(Orientation orientation, std::span<float> values) {
  if (orientation == Orientation::rotated_columns) rotate_16(values);
  if (orientation == Orientation::rotated_columns_fp32) rotate_16_in_fp32(values);
}

Oriented oriented(Matrix matrix, Orientation orientation) {
  if (orientation == Orientation::rows) {
    return {matrix.rows, matrix.columns, {matrix.values.begin(), matrix.values.end()}};
  }
  const bool rotated = rotates(orientation);
  const auto padded = [&](std::size_t n) { return rotated ? (n + rotation - 1) / rotation * rotation : n; };
  const std::size_t columns = padded(matrix.rows), rows = padded(matrix.columns);
  Oriented result{rows, columns, std::vector<float>(rows * columns)};
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    for (std::size_t c = 0; c < matrix.columns; ++c) {
      result.values[c * columns + r] = matrix.values[r * matrix.columns + c];
    }
  }
  rotate(orientation, result.values);
  return result;
}

Quantized quantize_matrix(const Recipe& recipe, Matrix matrix) {
  Quantized result{matrix.rows, matrix.columns, block_grid(recipe, matrix.rows, matrix.columns), {}, {}, {}};
  result.scales.resize(result.grid.rows * result.grid.columns);
  result.codes.resize(matrix.values.size());
  if (recipe.row->tensor_rule != nullptr) {
    result.tensor = recipe.row->tensor_rule(recipe, largest_magnitude(matrix.values, recipe.row->nan));
  }
  quantize_rows(recipe, result.tensor, std::nullopt, matrix, result.scales, result.codes);
  return result;
}

std::vector<double> dequantized(const Recipe& recipe, const Quantized& q) {
  const std::array<double, 256> value = code_values(recipe);
  const BlockShape shape = recipe.row->block;
  const std::size_t high = shape.rows == 0 ? q.rows : shape.rows, wide = shape.columns == 0 ? q.columns : shape.columns;
  std::vector<double> result(q.codes.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t block = i / q.columns / high * q.grid.columns + i % q.columns / wide;
    result[i] =
        value[q.codes[i]] * scale_value(recipe.row->scale, q.scales[block]) * static_cast<double>(q.tensor.decode);
  }
  return result;
}

}  // namespace lowp::recipes
