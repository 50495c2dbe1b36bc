// SPDX-License-Identifier: Apache-2.0
// A slow second opinion on narrow formats: a list of all magnitudes, and a choice between the two around a real number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp::reference {

// Facts as a standard prints them: magnitude codes below `finite` are numbers, read by the formula of IEEE
// 754-2019 3.4.
struct Facts {
  int exponent_bits;
  int fraction_bits;
  int bias;
  std::uint64_t finite;  // how many magnitude codes are finite
  bool has_inf;          // whether the next code is Inf; else it is NaN, which is written without a sign
};

inline long double magnitude(Facts f, std::uint64_t code) {
  const auto field = static_cast<int>(code >> f.fraction_bits);
  const auto fraction = static_cast<long double>(code & ((std::uint64_t{1} << f.fraction_bits) - 1));
  const long double significand = std::ldexp(fraction, -f.fraction_bits) + (field > 0 ? 1 : 0);
  return std::ldexp(significand, std::max(field, 1) - f.bias);
}

// All finite magnitudes and one more, as if the exponent went on: the neighbour that stands for overflow.
inline std::vector<long double> magnitudes(Facts f) {
  std::vector<long double> all;
  for (std::uint64_t code = 0; code <= f.finite; ++code) all.push_back(magnitude(f, code));
  return all;
}

inline bool picks_upper(Rounding mode, bool negative, std::uint64_t lower_code, long double to_lower,
                        long double to_upper) {
  switch (mode) {
    case Rounding::nearest_even: return to_upper < to_lower || (to_upper == to_lower && lower_code % 2 == 1);
    case Rounding::nearest_away: return to_upper <= to_lower;
    case Rounding::nearest_to_zero: return to_upper < to_lower;
    case Rounding::toward_zero: return false;
    case Rounding::toward_positive: return !negative;
    case Rounding::toward_negative: return negative;
    case Rounding::to_odd: return lower_code % 2 == 0;
    default: return false;  // the stochastic modes are tested by counting
  }
}

// The code for a finite x != 0 in a format with -0. Distances are exact: two neighbours and x fit 64 bits.
inline std::uint64_t rounded_code(Facts f, const std::vector<long double>& all, Rounding mode, long double x) {
  const bool negative = std::signbit(x);
  const long double size = std::fabs(x);
  const auto above = std::upper_bound(all.begin(), all.end(), size);
  const auto lower = std::min<std::uint64_t>(static_cast<std::uint64_t>(above - all.begin()) - 1, f.finite - 1);
  const long double to_lower = size - all[lower];
  const long double to_upper = all[lower + 1] - size;
  const std::uint64_t code = lower + (to_lower != 0 && picks_upper(mode, negative, lower, to_lower, to_upper) ? 1 : 0);
  const bool nan = code == f.finite && !f.has_inf;
  return code | (negative && !nan ? std::uint64_t{1} << (f.exponent_bits + f.fraction_bits) : 0);
}

}  // namespace lowp::reference
