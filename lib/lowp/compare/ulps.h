// SPDX-License-Identifier: Apache-2.0
// Units in the last place: how many steps from number to number of a format lie between two values.
#pragma once

#include <cstdint>

#include "lowp/core/format.h"

namespace lowp::compare {

// The place of x among the numbers of `f` in ascending order: 0 for zeros of both signs, 1 and -1 for the smallest
// magnitudes. x is rounded to nearest even first; beyond the largest number, Inf included, there is one place more on
// each side. Rounding is monotone, and so is this. NaN has no place: x must not be one. `f` has signs and a zero.
std::int64_t ulp_position(Format f, double x);

// Of the finite number that a code of `f` is: its place without rounding.
constexpr std::int64_t code_position(Format f, std::uint64_t code) {
  const auto place = static_cast<std::int64_t>(ordinal_of_code(f, code & magnitude_mask(f)));
  return (code & sign_bit(f)) != 0 ? -place : place;
}

// Steps from one place to another, across zero too.
constexpr std::uint64_t ulp_distance(std::int64_t a, std::int64_t b) {
  return a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
               : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
}

// The one with fewer significand bits; of two with as many, the one with fewer bits.
constexpr Format narrower(Format a, Format b) {
  if (a.precision != b.precision) return a.precision < b.precision ? a : b;
  return b.width < a.width ? b : a;
}

}  // namespace lowp::compare
