// SPDX-License-Identifier: Apache-2.0
// Rounding modes, overflow rules, and the one switch that decides which way a number goes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lowp/core/portable.h"

namespace lowp {

enum class Rounding : std::uint8_t {
  nearest_even,     // IEEE 754 roundTiesToEven
  nearest_away,     // IEEE 754 roundTiesToAway
  toward_zero,      // IEEE 754 roundTowardZero
  toward_positive,  // IEEE 754 roundTowardPositive, "up"
  toward_negative,  // IEEE 754 roundTowardNegative, "down"
};

// Two switches, since libraries differ in each: what a finite value beyond the largest number becomes, and what an
// infinite source becomes. `saturate_*` gives the largest finite number with the sign of the source. Otherwise finite
// overflow follows IEEE 754-2019 7.4 (Inf, or the largest number when the mode rounds towards it), and where the format
// has no Inf it gives NaN, where it has neither the largest number.
struct Overflow {
  bool saturate_finite = false;
  bool saturate_inf = false;

  friend constexpr bool operator==(Overflow, Overflow) = default;
};

struct RoundingName {
  std::string_view name;
  std::string_view alias;
  Rounding mode;
  std::string_view meaning;
};
inline constexpr std::array rounding_names{
    RoundingName{"nearest_even", "rne", Rounding::nearest_even, "to the nearest number, ties to the even code"},
    RoundingName{"nearest_away", "rna", Rounding::nearest_away, "to the nearest number, ties away from zero"},
    RoundingName{"toward_zero", "rtz", Rounding::toward_zero, "truncation"},
    RoundingName{"toward_positive", "up", Rounding::toward_positive, "to the next number above"},
    RoundingName{"toward_negative", "down", Rounding::toward_negative, "to the next number below"},
};

struct OverflowName {
  std::string_view name;
  Overflow rule;
  std::string_view meaning;
};
inline constexpr std::array overflow_names{
    OverflowName{"ieee", {false, false}, "overflow gives Inf, or NaN where the format has no Inf"},
    OverflowName{"saturate", {true, true}, "overflow and Inf give the largest number (OCP SAT, P3109 SatFinite)"},
    OverflowName{"saturate_finite", {true, false}, "overflow saturates, Inf stays (P3109 SatPropagate)"},
};

// The part of a number that rounding removes, as a fraction of one unit in the last kept place.
struct Tail {
  std::uint64_t leading;  // the first 64 bits below the kept ones: 2^63 is one half
  bool sticky;            // anything not zero further below
};
LOWP_HD constexpr bool is_zero(Tail t) { return t.leading == 0 && !t.sticky; }

// Whether the magnitude grows to the next representable one. `odd` is the last kept bit.
LOWP_HD constexpr bool rounds_away(Rounding mode, bool negative, bool odd, Tail tail) {
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  switch (mode) {
    case Rounding::nearest_even: return tail.leading > half || (tail.leading == half && (tail.sticky || odd));
    case Rounding::nearest_away: return tail.leading >= half;
    case Rounding::toward_zero: return false;
    case Rounding::toward_positive: return !negative && !is_zero(tail);
    case Rounding::toward_negative: return negative && !is_zero(tail);
  }
  return false;
}

// Whether finite overflow stops at the largest finite number although nothing saturates (IEEE 754-2019 7.4).
LOWP_HD constexpr bool overflow_stays_finite(Rounding mode, bool negative) {
  switch (mode) {
    case Rounding::nearest_even:
    case Rounding::nearest_away: return false;
    case Rounding::toward_zero: return true;
    case Rounding::toward_positive: return negative;
    case Rounding::toward_negative: return !negative;
  }
  return false;
}

}  // namespace lowp
