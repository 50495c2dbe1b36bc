// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/recipe_counts.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::recipes {
namespace {

constexpr Format fp64 = find_format("fp64").format;

// What the elements of one block are counted with.
struct BlockView {
  double scale;    // of the block
  double decode;   // of the tensor
  double largest;  // largest number times both
  double beyond;   // that and half of its unit
};

struct Counter {
  const Recipe& recipe;
  RecipeCounts& counts;
  std::array<double, 256> value;
  std::array<bool, 256> is_small{};

  Counter(const Recipe& r, RecipeCounts& c) : recipe(r), counts(c), value(code_values(r)) {
    for (std::size_t code = 0; code < value.size(); ++code) is_small[code] = is_subnormal(r.element, code);
  }

  void add(const BlockView& block, std::span<const float> x, std::span<const std::uint8_t> codes) {
    std::uint64_t zero_in = 0, flushed = 0, subnormal = 0, saturated = 0, beyond = 0, nonfinite = 0;
    std::uint64_t nonfinite_zeros = 0, zero_codes = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto wide = static_cast<double>(x[i]);
      const double scaled = value[codes[i]] * block.scale;
      const double result = scaled * block.decode;
      const bool zero = wide == 0, lost = scaled == 0;
      zero_in += zero;
      flushed += !zero && lost;
      subnormal += is_small[codes[i]];
      zero_codes += value[codes[i]] == 0;
      saturated += std::abs(wide) > block.largest && !lost;
      beyond += std::abs(wide) > block.beyond && !lost;
      if (std::isfinite(result)) {
        const double error = wide - result;
        if (error != 0) counts.error.add(error * error);
      } else {
        ++(zero ? nonfinite_zeros : nonfinite);
      }
      if (!zero) counts.signal.add(wide * wide);
    }
    counts.elements += x.size();
    counts.zero_in += zero_in;
    counts.flushed += flushed;
    counts.subnormal += subnormal;
    counts.zero_codes += zero_codes;
    counts.saturated += saturated;
    counts.saturated_beyond_half += beyond;
    counts.nonfinite += nonfinite;
    counts.nonfinite_zeros += nonfinite_zeros;
    if (block.scale == 0) counts.in_zero_blocks += x.size() - zero_in;
  }
};

// Half a unit of the largest number beyond it.
double beyond_largest(const Recipe& recipe) {
  const double unit = std::ldexp(1.0, recipe.largest_exponent - fraction_bits(recipe.element));
  return static_cast<double>(recipe.largest) + unit / 2;
}

}  // namespace

void RecipeCounts::merge(const RecipeCounts& other) {
  elements += other.elements;
  zero_in += other.zero_in;
  flushed += other.flushed;
  subnormal += other.subnormal;
  zero_codes += other.zero_codes;
  saturated += other.saturated;
  saturated_beyond_half += other.saturated_beyond_half;
  in_zero_blocks += other.in_zero_blocks;
  nonfinite += other.nonfinite;
  nonfinite_zeros += other.nonfinite_zeros;
  blocks += other.blocks;
  zero_blocks += other.zero_blocks;
  lost_blocks += other.lost_blocks;
  error.merge(other.error);
  signal.merge(other.signal);
}

std::optional<double> RecipeCounts::snr_db() const {
  const double s = signal.to_double(), e = error.to_double();
  if (!(s > 0) || !(e > 0) || !std::isfinite(s) || !std::isfinite(e)) return {};
  return 10 * std::log10(s / e);
}

void ScaleHistogram::add(double scale) {
  if (scale == 0) {
    ++zero;
  } else if (!std::isfinite(scale)) {
    ++nonfinite;
  } else {
    ++blocks[static_cast<std::size_t>(std::clamp(std::ilogb(scale) - lowest, 0, count - 1))];
  }
}
void ScaleHistogram::merge(const ScaleHistogram& other) {
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] += other.blocks[i];
  zero += other.zero;
  nonfinite += other.nonfinite;
}

std::array<double, 256> code_values(const Recipe& recipe) {
  std::array<double, 256> value{};
  const std::size_t codes = std::size_t{1} << recipe.element.width;
  for (std::size_t code = 0; code < value.size(); ++code) {
    value[code] = code < codes ? std::bit_cast<double>(convert(recipe.element, fp64, Conversion{}, code)) : NAN;
  }
  return value;
}

void count_run(const Recipe& recipe, TensorScale tensor, Matrix run, std::span<const std::uint32_t> scales,
               std::span<const std::uint8_t> codes, RecipeCounts& counts, ScaleHistogram* histogram) {
  const BlockGrid grid = block_grid(recipe, run.rows, run.columns);
  if (grid.rows == 0) return;
  const BlockShape shape = recipe.row->block;
  const std::size_t high = shape.rows == 0 ? run.rows : shape.rows;
  const std::size_t wide = shape.columns == 0 ? run.columns : shape.columns;
  const auto decode = static_cast<double>(tensor.decode);
  Counter counter(recipe, counts);
  for (std::size_t r = 0; r < grid.rows; ++r) {
    for (std::size_t c = 0; c < grid.columns; ++c) {
      const double scale = scale_value(recipe.row->scale, scales[r * grid.columns + c]);
      const double whole = scale * decode;
      const BlockView block{scale, decode, static_cast<double>(recipe.largest) * whole, beyond_largest(recipe) * whole};
      const std::uint64_t before = counts.zero_in, all = counts.elements;
      const std::size_t left = c * wide, width = std::min(wide, run.columns - left);
      for (std::size_t at = r * high, end = std::min(at + high, run.rows); at < end; ++at) {
        const std::size_t first = at * run.columns + left;
        counter.add(block, run.values.subspan(first, width), codes.subspan(first, width));
      }
      const bool all_zero = counts.zero_in - before == counts.elements - all;
      ++counts.blocks;
      counts.zero_blocks += all_zero;
      counts.lost_blocks += scale == 0 && !all_zero;
      if (histogram != nullptr) histogram->add(whole);
    }
  }
}

}  // namespace lowp::recipes
