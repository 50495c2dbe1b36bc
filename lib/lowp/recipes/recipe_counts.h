// SPDX-License-Identifier: Apache-2.0
// What a recipe did to a tensor: what is lost is counted on code * scale, never on codes alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "lowp/exact/exact_sum.h"
#include "lowp/recipes/quantize.h"

namespace lowp::recipes {

struct RecipeCounts {
  std::uint64_t elements = 0, zero_in = 0;
  std::uint64_t flushed = 0;    // not zero before, code * scale is zero
  std::uint64_t zero_codes = 0; // codes of zero, whatever the scale: what a count of codes sees
  std::uint64_t subnormal = 0;  // the code is of a number below the format's smallest normal one
  std::uint64_t saturated = 0;  // |x| beyond largest * scale, and the result is not zero
  std::uint64_t saturated_beyond_half = 0;  // beyond the largest number and half of its unit
  std::uint64_t in_zero_blocks = 0;         // not zero before, in a block whose scale is zero
  std::uint64_t nonfinite = 0;              // results that are no numbers, of elements that are not zero
  std::uint64_t nonfinite_zeros = 0;        // and of zeros
  std::uint64_t blocks = 0, zero_blocks = 0;  // zero_blocks: every element zero before
  std::uint64_t lost_blocks = 0;              // scale zero, though an element is not
  ExactSum error, signal;                     // of squares in FP64; errors of finite results

  void merge(const RecipeCounts& other);
  std::uint64_t nonzero() const { return elements - zero_in; }
  // 10 log10(signal / error); nothing where there is no error or no signal.
  std::optional<double> snr_db() const;
};

// How many blocks have a scale of each power of two: exponent -150 to 127 of the scale times `decode`, rounded down.
struct ScaleHistogram {
  static constexpr int lowest = -150, count = 300;
  std::array<std::uint64_t, count> blocks{};
  std::uint64_t zero = 0, nonfinite = 0;
  void add(double scale);
  void merge(const ScaleHistogram& other);
};

// Adds a run that quantize_rows has quantized.
void count_run(const Recipe& recipe, TensorScale tensor, Matrix run, std::span<const std::uint32_t> scales,
               std::span<const std::uint8_t> codes, RecipeCounts& counts, ScaleHistogram* histogram = nullptr);

// Values of the 256 codes of an element format; NaN for codes that are none, no_code included in formats below 8 bits.
std::array<double, 256> code_values(const Recipe& recipe);

}  // namespace lowp::recipes
