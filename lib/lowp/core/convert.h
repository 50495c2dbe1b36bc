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

LOWP_HD constexpr bool overflows(Format f, Rounded r) {
  return r.ordinal > max_finite_ordinal(f);
}

// Rounds finite non-zero x to a multiple of the unit in the last place that its binade has in `f`.
// Why it is right: the kept bits with the exponent above them count representable magnitudes, so one step away from
// zero is + 1, into the next binade included; below the smallest normal the unit stops shrinking. A sticky x is right
// while its significand has the bits the mode looks at: precision + 1, in stochastic modes precision + random.count
// + 1.
LOWP_HD constexpr Rounded round_magnitude(Format f, Rounding mode, Exact x, RandomBits random = {}) {
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
  const bool odd = (code_of_ordinal(f, truncated) & 1) != 0;
  const bool away = rounds_away(mode, x.negative, odd, tail, random);
  return {truncated + (away ? 1 : 0), !is_zero(tail)};
}

// The code of a finite magnitude's ordinal (at most max_finite_ordinal) with its sign. Two's complement is symmetric
// here: its most negative code is read but never written (OCP MX v1.0 5.3.4 permits that for MXINT8).
LOWP_HD constexpr std::uint64_t signed_code(Format f, bool negative, std::uint64_t ordinal) {
  const std::uint64_t magnitude = code_of_ordinal(f, ordinal);
  if (!negative) return magnitude;
  if (f.sign == SignRule::complement) return (~magnitude + 1) & code_mask(f);
  if (magnitude == 0 && !has_negative_zero(f)) return 0;
  return magnitude | sign_bit(f);
}

// Code of NaN, or what stands for it where the format has none.
LOWP_HD constexpr std::uint64_t encode_nan(Format f, NanResult substitute = NanResult::largest) {
  if (has_nan(f)) return nan_code(f);
  switch (substitute) {
    case NanResult::largest: return max_finite_code(f);
    case NanResult::zero: return 0;
    case NanResult::negative_zero: return signed_code(f, true, 0);
  }
  return 0;
}

// Code of Inf; NaN where the format has no Inf, the largest number where it has neither.
LOWP_HD constexpr std::uint64_t encode_inf(Format f, bool negative) {
  if (f.has_inf) return inf_code(f) | (negative ? sign_bit(f) : 0);
  return has_nan(f) ? nan_code(f) : signed_code(f, negative, max_finite_ordinal(f));
}

LOWP_HD constexpr std::uint64_t encode_zero(Format f, Conversion how, bool negative) {
  if (!f.has_zero && how.zero == ZeroResult::nan) return encode_nan(f, how.nan);
  return signed_code(f, negative && has_negative_zero(f), 0);
}

// A value below zero for an unsigned format where its magnitude is not wanted.
LOWP_HD constexpr std::uint64_t encode_below_zero(Format f, Conversion how, bool infinite) {
  const bool clamped = how.negative == NegativeResult::smallest && (!infinite || how.overflow.saturate_inf);
  return clamped ? 0 : encode_nan(f, how.nan);
}

// The code that x rounds to. One rounding, whatever x came from. -0 stays -0 where the format has it, else becomes 0;
// a result too small for the format keeps the sign of x likewise.
LOWP_HD constexpr std::uint64_t encode(Format f, Conversion how, Exact x, RandomBits random = {}) {
  if (x.kind == Kind::nan) return encode_nan(f, how.nan);
  if (x.kind == Kind::zero) return encode_zero(f, how, x.negative);
  if (x.negative && !is_signed(f)) {
    if (how.negative != NegativeResult::magnitude) return encode_below_zero(f, how, x.kind == Kind::inf);
    x.negative = false;
  }
  const std::uint64_t largest = signed_code(f, x.negative, max_finite_ordinal(f));
  if (x.kind == Kind::inf) return how.overflow.saturate_inf ? largest : encode_inf(f, x.negative);
  const Rounded rounded = round_magnitude(f, how.rounding, x, random);
  if (overflows(f, rounded)) {
    const bool max_is_odd = (max_finite_code(f) & 1) != 0;
    const bool finite = how.overflow.saturate_finite || overflow_stays_finite(how.rounding, x.negative, max_is_odd);
    return finite ? largest : encode_inf(f, x.negative);
  }
  if (how.subnormals.flush_results && is_subnormal(f, code_of_ordinal(f, rounded.ordinal))) {
    return signed_code(f, x.negative, 0);
  }
  return signed_code(f, x.negative, rounded.ordinal);
}

LOWP_HD constexpr std::uint64_t encode(Format f, Rounding mode, Overflow overflow, Exact x, RandomBits random = {}) {
  return encode(f, Conversion{.rounding = mode, .overflow = overflow}, x, random);
}

// What an operation reads: the exact value of `code`, subnormals as zeros of their sign where the rules say so.
LOWP_HD constexpr Exact decode_source(Format f, Subnormals rules, std::uint64_t code) {
  const Exact x = decode(f, code);
  return rules.flush_sources && is_subnormal(f, code) && x.kind == Kind::finite ? exact_special(Kind::zero, x.negative)
                                                                                : x;
}

// From any format to any other with one rounding.
LOWP_HD constexpr std::uint64_t convert(Format from, Format to, Conversion how, std::uint64_t code,
                                        RandomBits random = {}) {
  return encode(to, how, decode_source(from, how.subnormals, code), random);
}

}  // namespace lowp
