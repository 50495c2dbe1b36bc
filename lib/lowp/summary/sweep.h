// SPDX-License-Identifier: Apache-2.0
// From a binade table to what a format does to its elements at any power-of-two scale.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/core/format.h"
#include "lowp/core/rounding.h"
#include "lowp/summary/binade_table.h"

namespace lowp {

// What every element is converted to, deterministically. Formats of signed numbers only: see is_auditable().
struct Target {
  std::string name;
  Format format;
  Rounding rounding = Rounding::nearest_even;
  Overflow overflow;
};
bool is_auditable(Format format);  // sign and magnitude, a zero, a fraction, the largest number near a binade's end

// Scales 2^low .. 2^high by steps of one. The dump was taken with the loss already scaled by 2^dump: its elements are
// divided by that, exactly, before anything else.
struct ScaleRange {
  int low = -8;
  int high = 32;
  int dump = 0;

  std::size_t size() const { return static_cast<std::size_t>(high - low + 1); }
  bool contains(int scale_log2) const { return low <= scale_log2 && scale_log2 <= high; }
  std::size_t index(int scale_log2) const { return static_cast<std::size_t>(scale_log2 - low); }
};
inline constexpr int scale_log2_limit = 160;  // of each of the three numbers, in absolute value

// The classes of an element x whose scaled value y rounds to r. Every non-zero finite element is in exactly one.
enum class ElementClass : std::uint8_t {
  flushed,     // r = 0
  subnormal,   // 0 < |r| < smallest normal
  normal,      // smallest normal <= |r| <= largest finite
  saturated,   // beyond the largest finite number and given that number
  overflowed,  // beyond the largest finite number and given Inf or NaN
};
inline constexpr std::size_t element_classes = 5;
std::string_view class_name(ElementClass element_class);

// The class of finite non-zero y, already scaled.
ElementClass class_of(const Target& target, Exact y);

struct ClassCounts {
  std::array<std::uint64_t, element_classes> of{};
  std::uint64_t exact = 0;  // of all classes: r = y

  std::uint64_t& operator[](ElementClass c) { return of[static_cast<std::size_t>(c)]; }
  std::uint64_t operator[](ElementClass c) const { return of[static_cast<std::size_t>(c)]; }
};

// Errors of x' = r / S against x over the elements that are neither overflowed nor NaN or Inf, zeros included. Each
// number is an exact sum, rounded once. Shares are of sum_squared; all 0 when that is 0.
struct ErrorMoments {
  double sum_abs = 0;
  double sum_squared = 0;
  std::optional<double> bias;                // mean of x' - x; nothing without elements
  std::optional<double> snr_db;              // 10 log10(sum x^2 / sum_squared); nothing when either is 0
  std::array<double, 4> share_of_squared{};  // flushed, subnormal, normal, saturated
};

struct Outcome {
  int scale_log2 = 0;
  std::uint64_t elements = 0, zero_in = 0, nan_in = 0, inf_in = 0;
  ClassCounts counts;
  ErrorMoments error;
  bool counts_only = false;  // the error and the number of exact results were not asked for: unknown

  std::uint64_t nonzero() const { return elements - zero_in - nan_in - inf_in; }
};

Outcome without_errors(Outcome outcome);

// The options of a pass whose table answers for all `targets` (which share one rounding mode) over `scales`.
PassOptions plan_pass(std::span<const Target> targets, const ScaleRange& scales, int fraction_bits);

// A table prepared for one rounding mode: the mode of the targets that will be asked for.
struct Prepared {
  const BinadeTable* table;
  std::vector<PageMoments> pages;
};
Prepared prepare(const BinadeTable& table, Rounding rounding);

Outcome measure(const Prepared& prepared, const Target& target, const ScaleRange& scales, int scale_log2);

// The largest scale_log2 at which magnitude x (finite, not zero) neither overflows nor saturates.
int largest_safe_scale_log2(const Target& target, Exact x);

}  // namespace lowp
