// SPDX-License-Identifier: Apache-2.0
// decode: a code's exact value. encode: the one place in the project that rounds.
#pragma once

#include <cstdint>

#include "lowp/core/exact.h"
#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp {

// Exact value of `code`. Total: bits above the width are ignored, every code has an answer. NaNs lose their payload.
LOWP_HD constexpr Exact decode(Format f, std::uint64_t code) {
  code &= code_mask(f);
  const bool negative = (code & sign_bit(f)) != 0;
  if (f.nan == NanRule::negative_zero && code == sign_bit(f)) return exact_special(Kind::nan, false);
  if (f.sign == SignRule::complement && negative) {
    return exact_finite(true, (~code & code_mask(f)) + 1, quantum_exponent(f));
  }
  const std::uint64_t magnitude = code & magnitude_mask(f);
  if (magnitude > max_finite_code(f)) {
    const bool inf = f.has_inf && magnitude == inf_code(f);
    return exact_special(inf ? Kind::inf : Kind::nan, negative);
  }
  const std::uint64_t ordinal = ordinal_of_code(f, magnitude);
  return exact_finite(negative, ordinal_significand(f, ordinal), ordinal_exponent(f, ordinal));
}

// A finite magnitude rounded with the exponent unbounded above: `ordinal` may exceed max_finite_ordinal, which is the
// meaning of overflow (IEEE 754-2019 7.4: round first, then compare).
struct Rounded {
  std::uint64_t ordinal;
  bool inexact;
};

LOWP_HD constexpr bool overflows(Format f, Rounded r) { return r.ordinal > max_finite_ordinal(f); }

// Rounds finite non-zero x to a multiple of the unit in the last place that its binade has in `f`.
// Why it is right: the kept bits with the exponent above them count representable magnitudes, so one step away from
// zero is + 1, into the next binade included; below the smallest normal the unit stops shrinking.
LOWP_HD constexpr Rounded round_magnitude(Format f, Rounding mode, Exact x) {
  const int shift_to_top = 64 - bit_width(x.significand);
  const std::uint64_t significand = x.significand << shift_to_top;
  const int binade = exponent_of(x);
  if (binade > max_exponent(f)) return {max_finite_ordinal(f) + 1, true};
  const int unit_binade = binade < min_exponent(f) ? min_exponent(f) : binade;
  const int dropped = 64 - f.precision + (unit_binade - binade);  // bits of the 64 that are below the last kept place
  const std::uint64_t kept = shift_right(significand, dropped);
  const Tail tail{dropped <= 64 ? shift_left(significand, 64 - dropped) : shift_right(significand, dropped - 64),
                  x.sticky || (dropped > 64 && (significand & low_bits(dropped < 128 ? dropped - 64 : 64)) != 0)};
  const std::uint64_t binades_up = static_cast<std::uint64_t>(unit_binade - min_exponent(f));
  const std::uint64_t truncated = (binades_up << fraction_bits(f)) + kept;
  const bool away = rounds_away(mode, x.negative, (truncated & 1) != 0, tail);
  return {truncated + (away ? 1 : 0), !is_zero(tail)};
}

// The code of a finite magnitude's ordinal (at most max_finite_ordinal) with its sign.
LOWP_HD constexpr std::uint64_t signed_code(Format f, bool negative, std::uint64_t ordinal) {
  const std::uint64_t magnitude = code_of_ordinal(f, ordinal);
  if (!negative) return magnitude;
  if (f.sign == SignRule::complement) return (~magnitude + 1) & code_mask(f);
  if (magnitude == 0 && !has_negative_zero(f)) return 0;
  return magnitude | sign_bit(f);
}

// Code of NaN; where the format has none, the largest number (as the CUDA FP6 and FP4 conversions give).
LOWP_HD constexpr std::uint64_t encode_nan(Format f) { return has_nan(f) ? nan_code(f) : max_finite_code(f); }

// Code of Inf; NaN where the format has no Inf, the largest number where it has neither.
LOWP_HD constexpr std::uint64_t encode_inf(Format f, bool negative) {
  if (f.has_inf) return inf_code(f) | (negative ? sign_bit(f) : 0);
  return has_nan(f) ? nan_code(f) : signed_code(f, negative, max_finite_ordinal(f));
}

// The code that x rounds to. One rounding, whatever x came from. -0 stays -0 where the format has it, else becomes 0;
// negative values in an unsigned format become NaN.
LOWP_HD constexpr std::uint64_t encode(Format f, Rounding mode, Overflow overflow, Exact x) {
  if (x.kind == Kind::nan) return encode_nan(f);
  if (x.negative && x.kind != Kind::zero && !is_signed(f)) return encode_nan(f);
  if (x.kind == Kind::zero) return signed_code(f, x.negative && has_negative_zero(f), 0);
  if (x.kind == Kind::inf) {
    return overflow.saturate_inf ? signed_code(f, x.negative, max_finite_ordinal(f)) : encode_inf(f, x.negative);
  }
  const Rounded rounded = round_magnitude(f, mode, x);
  if (!overflows(f, rounded)) return signed_code(f, x.negative, rounded.ordinal);
  if (overflow.saturate_finite || overflow_stays_finite(mode, x.negative)) {
    return signed_code(f, x.negative, max_finite_ordinal(f));
  }
  return encode_inf(f, x.negative);
}

}  // namespace lowp
