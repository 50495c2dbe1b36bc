// SPDX-License-Identifier: Apache-2.0
// What a conversion to a format makes of the elements of a tensor at one loss scale.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lowp/summary/interval.h"
#include "lowp/summary/question.h"

namespace lowp {

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

struct ClassCounts {
  std::array<Interval, element_classes> of{};

  Interval& operator[](ElementClass c) { return of[static_cast<std::size_t>(c)]; }
  Interval operator[](ElementClass c) const { return of[static_cast<std::size_t>(c)]; }
};

// Errors of x' = r / S against x over the elements that are neither overflowed nor NaN or Inf, zeros included. Each
// number is an exact sum, rounded once. Shares are of sum_squared; all 0 when that is 0.
struct ErrorMoments {
  double sum_abs = 0;
  double sum_squared = 0;
  std::optional<double> bias;    // mean of x' - x; nothing without elements
  std::optional<double> snr_db;  // 10 log10(sum x^2 / sum_squared); nothing when either is 0 or an element overflowed
  std::array<double, 4> share_of_squared{};  // flushed, subnormal, normal, saturated
};

// Counts are exact or intervals that hold the truth, as the evidence allows; what it does not know at all is missing.
struct Outcome {
  int scale_log2 = 0;
  std::uint64_t elements = 0;
  Interval zero_in;
  std::uint64_t nan_in = 0, inf_in = 0;
  ClassCounts counts;
  std::optional<Interval> exact;  // of all classes: r = y
  std::optional<ErrorMoments> error;

  Interval nonzero() const { return Interval::exactly(elements - nan_in - inf_in) - zero_in; }
};

// For each format of a question, one outcome per scale.
using Outcomes = std::vector<std::vector<Outcome>>;

}  // namespace lowp
