// SPDX-License-Identifier: Apache-2.0
// Rounding modes, overflow and special-value rules, and the one switch that decides which way a number goes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lowp/core/portable.h"

namespace lowp {

// The stochastic modes (P3109 v4.0, 4.7.4) compare the discarded fraction v with N random bits R; see rounds_away.
enum class Rounding : std::uint8_t {
  nearest_even,     // IEEE 754 roundTiesToEven
  nearest_away,     // IEEE 754 roundTiesToAway
  toward_zero,      // IEEE 754 roundTowardZero
  toward_positive,  // IEEE 754 roundTowardPositive, "up"
  toward_negative,  // IEEE 754 roundTowardNegative, "down"
  nearest_to_zero,  // IEEE 754-2019 9.5 roundTiesToZero
  to_odd,           // inexact results take the odd code of their two neighbours: rounding again later is then safe
  stochastic_a,     // floor(v 2^N) + R >= 2^N: never more often than v asks for
  stochastic_b,     // floor(v 2^(N+1)) + 2R + 1 >= 2^(N+1): off by at most half a draw
  stochastic_c,     // roundTiesToEven(v 2^N) + R >= 2^N: the nearest probability N bits can express
};
LOWP_HD constexpr bool is_stochastic(Rounding mode) {
  return mode == Rounding::stochastic_a || mode == Rounding::stochastic_b || mode == Rounding::stochastic_c;
}

// N = count random bits, the low ones of `bits`, for one rounding; at most 32. None are needed by deterministic modes;
// with none the stochastic modes round deterministically (a: truncates, b: ties away, c: ties toward zero).
struct RandomBits {
  std::uint32_t bits = 0;
  int count = 0;
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

// Subnormals replaced by zeros of their sign: results (flush-to-zero, decided after rounding) and sources
// (denormals-are-zero, decided by the format the source is stored in).
struct Subnormals {
  bool flush_results = false;
  bool flush_sources = false;

  friend constexpr bool operator==(Subnormals, Subnormals) = default;
};

// What NaN becomes in a format that has none (OCP MX leaves it open).
enum class NanResult : std::uint8_t { largest, zero, negative_zero };
// What values below zero become in an unsigned format: NaN, their magnitude's code, or the smallest number (-Inf does
// so only where Inf saturates, else it is NaN).
enum class NegativeResult : std::uint8_t { nan, magnitude, smallest };
// What a zero source becomes in a format that has no zero (E8M0).
enum class ZeroResult : std::uint8_t { smallest, nan };

// Everything a conversion may decide beside the two formats. The default is IEEE 754 with roundTiesToEven.
struct Conversion {
  Rounding rounding = Rounding::nearest_even;
  Overflow overflow{};
  Subnormals subnormals{};
  NanResult nan = NanResult::largest;
  NegativeResult negative = NegativeResult::nan;
  ZeroResult zero = ZeroResult::smallest;

  friend constexpr bool operator==(Conversion, Conversion) = default;
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
    RoundingName{"nearest_to_zero", "rnz", Rounding::nearest_to_zero, "to the nearest number, ties toward zero"},
    RoundingName{"to_odd", "odd", Rounding::to_odd, "inexact results to the neighbour with the odd code"},
    RoundingName{"stochastic_a", "sra", Rounding::stochastic_a, "up when the fraction cut to N bits + R carries"},
    RoundingName{"stochastic_b", "srb", Rounding::stochastic_b, "up when the fraction cut to N+1 bits + 2R+1 carries"},
    RoundingName{"stochastic_c", "src", Rounding::stochastic_c, "up when the fraction rounded to N bits + R carries"},
};

constexpr std::string_view rounding_name(Rounding mode) {
  for (const RoundingName& row : rounding_names) {
    if (row.mode == mode) return row.name;
  }
  return "unknown";
}

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

constexpr std::string_view overflow_name(Overflow rule) {
  for (const OverflowName& row : overflow_names) {
    if (row.rule == rule) return row.name;
  }
  return "custom";  // Inf saturates and finite overflow does not
}

// The part of a number that rounding removes, as a fraction of one unit in the last kept place.
struct Tail {
  std::uint64_t leading;  // the first 64 bits below the kept ones: 2^63 is one half
  bool sticky;            // anything not zero further below
};
LOWP_HD constexpr bool is_zero(Tail t) {
  return t.leading == 0 && !t.sticky;
}

// roundTiesToEven(v 2^count) for the fraction v of `tail`: a 64-bit number's high part, rounded by its low part.
LOWP_HD constexpr std::uint64_t nearest_draw(Tail tail, int count) {
  const std::uint64_t whole = shift_right(tail.leading, 64 - count);
  const std::uint64_t rest = tail.leading << count;
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  return whole + (rest > half || (rest == half && (tail.sticky || (whole & 1) != 0)) ? 1 : 0);
}

// Whether the magnitude grows to the next representable one. `odd` is the parity of the code it would stay at.
LOWP_HD constexpr bool rounds_away(Rounding mode, bool negative, bool odd, Tail tail, RandomBits random = {}) {
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  const std::uint64_t draws = std::uint64_t{1} << random.count;
  const std::uint64_t draw = random.bits & (draws - 1);
  switch (mode) {
    case Rounding::nearest_even: return tail.leading > half || (tail.leading == half && (tail.sticky || odd));
    case Rounding::nearest_away: return tail.leading >= half;
    case Rounding::nearest_to_zero: return tail.leading > half || (tail.leading == half && tail.sticky);
    case Rounding::toward_zero: return false;
    case Rounding::toward_positive: return !negative && !is_zero(tail);
    case Rounding::toward_negative: return negative && !is_zero(tail);
    case Rounding::to_odd: return !odd && !is_zero(tail);
    case Rounding::stochastic_a: return shift_right(tail.leading, 64 - random.count) + draw >= draws;
    case Rounding::stochastic_b: return (tail.leading >> (63 - random.count)) + 2 * draw + 1 >= 2 * draws;
    case Rounding::stochastic_c: return nearest_draw(tail, random.count) + draw >= draws;
  }
  return false;
}

// Whether finite overflow stops at the largest finite number although nothing saturates (IEEE 754-2019 7.4). For to_odd
// the two candidates are that number and the code after it, of which the odd one wins: the largest number in IEEE 754
// formats (as in Berkeley SoftFloat), Inf in P3109 signed extended formats, NaN in OFP8 E4M3 (which leaves it open).
LOWP_HD constexpr bool overflow_stays_finite(Rounding mode, bool negative, bool max_is_odd) {
  switch (mode) {
    case Rounding::nearest_even:
    case Rounding::nearest_away:
    case Rounding::nearest_to_zero:
    case Rounding::stochastic_a:
    case Rounding::stochastic_b:
    case Rounding::stochastic_c: return false;
    case Rounding::toward_zero: return true;
    case Rounding::toward_positive: return negative;
    case Rounding::toward_negative: return !negative;
    case Rounding::to_odd: return max_is_odd;
  }
  return false;
}

}  // namespace lowp
