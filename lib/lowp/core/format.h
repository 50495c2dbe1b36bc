// SPDX-License-Identifier: Apache-2.0
// A number format is a value: seven independent facts. Everything else about it is derived here, once.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

namespace lowp {

// Which codes are NaN.
enum class NanRule : std::uint8_t {
  none,           // every code is a number (OCP FP6, FP4)
  ieee,           // largest exponent field, fraction not zero (IEEE 754-2019 3.4)
  top_code,       // the largest magnitude only, above Inf (OCP OFP8 E4M3, OCP MX E8M0, P3109 unsigned)
  negative_zero,  // the code of -0 (FNUZ formats, P3109 signed)
};

// How negative values are written.
enum class SignRule : std::uint8_t {
  none,        // no negative values (E8M0, UE4M3, P3109 unsigned)
  magnitude,   // a sign bit above the magnitude (IEEE 754)
  complement,  // two's complement of the magnitude (OCP MXINT8)
};

// The independent facts. The magnitude bits of a code are an exponent field above precision-1 fraction bits, and
// ascending magnitude codes are ascending values: finite numbers first, then Inf if there is one, then NaNs.
struct Format {
  std::int16_t width;      // bits of a code, sign included; at most 64
  std::int16_t precision;  // significand bits, the implicit one included (IEEE 754 "p"); at most 53
  std::int32_t bias;       // exponent = field - bias for normal numbers
  bool has_inf;
  NanRule nan;
  SignRule sign = SignRule::magnitude;
  bool has_zero = true;  // false: field 0 is one more binade of normal numbers (E8M0)

  friend constexpr bool operator==(Format, Format) = default;
};

LOWP_HD constexpr std::uint64_t low_bits(int count) {
  return shift_right(~std::uint64_t{0}, 64 - count);
}

LOWP_HD constexpr int fraction_bits(Format f) {
  return f.precision - 1;
}
LOWP_HD constexpr bool is_signed(Format f) {
  return f.sign != SignRule::none;
}
LOWP_HD constexpr int magnitude_bits(Format f) {
  return f.width - (is_signed(f) ? 1 : 0);
}
LOWP_HD constexpr int exponent_bits(Format f) {
  return magnitude_bits(f) - fraction_bits(f);
}
LOWP_HD constexpr std::uint64_t sign_bit(Format f) {
  return is_signed(f) ? std::uint64_t{1} << magnitude_bits(f) : 0;
}
LOWP_HD constexpr std::uint64_t code_mask(Format f) {
  return low_bits(f.width);
}
LOWP_HD constexpr std::uint64_t magnitude_mask(Format f) {
  return low_bits(magnitude_bits(f));
}
LOWP_HD constexpr bool has_nan(Format f) {
  return f.nan != NanRule::none;
}
LOWP_HD constexpr bool has_negative_zero(Format f) {
  return f.sign == SignRule::magnitude && f.nan != NanRule::negative_zero;
}

// How many of the top magnitude codes are NaN.
LOWP_HD constexpr std::uint64_t nan_codes_on_top(Format f) {
  if (f.nan == NanRule::ieee) return low_bits(fraction_bits(f));
  return f.nan == NanRule::top_code ? 1 : 0;
}
// Magnitude code of Inf; meaningful only where has_inf.
LOWP_HD constexpr std::uint64_t inf_code(Format f) {
  return magnitude_mask(f) - nan_codes_on_top(f);
}

// A format with IEEE NaNs gives its whole largest exponent field to specials, Inf or not.
LOWP_HD constexpr std::uint64_t max_finite_code(Format f) {
  return inf_code(f) - ((f.has_inf || f.nan == NanRule::ieee) ? 1 : 0);
}

// The one NaN this library writes: quiet, positive, no payload. Meaningful only where has_nan.
LOWP_HD constexpr std::uint64_t nan_code(Format f) {
  if (f.nan == NanRule::negative_zero) return sign_bit(f);
  if (f.nan == NanRule::top_code) return magnitude_mask(f);
  return inf_code(f) + (std::uint64_t{1} << (fraction_bits(f) - 1));
}

// Exponent of the smallest normal number, and of one unit in the last place down there: the subnormal quantum.
LOWP_HD constexpr int min_exponent(Format f) {
  return (f.has_zero ? 1 : 0) - f.bias;
}
LOWP_HD constexpr int quantum_exponent(Format f) {
  return min_exponent(f) - fraction_bits(f);
}

// Finite magnitudes in ascending order have ordinals 0 (zero), 1, 2, ...; ordinal 1 is one quantum. Above the largest
// finite number the count goes on as if the exponent were unbounded: that is where overflow is seen.
LOWP_HD constexpr std::uint64_t ordinal_of_code(Format f, std::uint64_t magnitude) {
  return magnitude + (f.has_zero ? 0 : 1);
}
LOWP_HD constexpr std::uint64_t code_of_ordinal(Format f, std::uint64_t ordinal) {
  if (f.has_zero) return ordinal;
  return ordinal == 0 ? 0 : ordinal - 1;  // no zero to go to: the smallest number
}
LOWP_HD constexpr std::uint64_t max_finite_ordinal(Format f) {
  return ordinal_of_code(f, max_finite_code(f));
}
LOWP_HD constexpr std::uint64_t min_normal_ordinal(Format f) {
  return std::uint64_t{1} << fraction_bits(f);
}

// Whether `code` is a non-zero number below the smallest normal one, where precision is lost. Formats of
// precision 1, formats without a zero, and fixed-point formats (two's complement) have none.
LOWP_HD constexpr bool is_subnormal(Format f, std::uint64_t code) {
  const std::uint64_t magnitude = code & magnitude_mask(f);
  return f.has_zero && f.sign != SignRule::complement && magnitude != 0 && magnitude < min_normal_ordinal(f);
}

// Value of an ordinal as significand * 2^exponent, the significand below 2^precision.
LOWP_HD constexpr std::uint64_t ordinal_significand(Format f, std::uint64_t ordinal) {
  const std::uint64_t hidden = min_normal_ordinal(f);
  return ordinal < hidden ? ordinal : hidden | (ordinal & (hidden - 1));
}
LOWP_HD constexpr int ordinal_exponent(Format f, std::uint64_t ordinal) {
  const int field = static_cast<int>(ordinal >> fraction_bits(f));
  return quantum_exponent(f) + (field == 0 ? 0 : field - 1);
}
// Exponent of the binade that holds the largest finite number (floor of its log2).
LOWP_HD constexpr int max_exponent(Format f) {
  const std::uint64_t top = max_finite_ordinal(f);
  return ordinal_exponent(f, top) + bit_width(ordinal_significand(f, top)) - 1;
}

// What a row of the format table must satisfy for the derivations above to hold. 16 exponent bits are the widest of
// P3109 (K = 16, P = 1); exponents stay far inside 32 bits.
LOWP_HD constexpr bool is_valid(Format f) {
  if (f.width < 2 || f.width > 64 || f.precision < 1 || f.precision > 53) return false;
  if (exponent_bits(f) < 0 || exponent_bits(f) > 16 || f.bias < -65536 || f.bias > 65536) return false;
  if ((exponent_bits(f) == 0) != (f.sign == SignRule::complement)) return false;
  if (f.sign == SignRule::complement && (f.has_inf || has_nan(f) || !f.has_zero)) return false;
  if (f.nan == NanRule::ieee && f.precision < 2) return false;
  if (f.nan == NanRule::negative_zero && f.sign != SignRule::magnitude) return false;
  if (!f.has_zero && (f.precision != 1 || is_signed(f))) return false;
  return max_finite_code(f) >= 1 && max_finite_code(f) <= magnitude_mask(f);
}

}  // namespace lowp
