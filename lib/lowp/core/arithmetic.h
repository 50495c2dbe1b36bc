// SPDX-License-Identifier: Apache-2.0
// The operations of IEEE 754-2019 5.4.1: the exact result in integers, for `encode` to round once.
#pragma once

#include <cstdint>

#include "lowp/core/convert.h"
#include "lowp/core/exact.h"
#include "lowp/core/portable.h"

namespace lowp {

// Operands of the exact_* functions come from `decode`, or at least are not sticky and have significands below 2^62.
// Results are the mathematical ones, cut to 63 bits or more and sticky: `encode` rounds them right in every
// deterministic mode, and in the stochastic ones while precision + random.count + 1 <= 63. That is 32 random bits up to
// a precision of 30 and 9 in fp64, where bits a longer draw would look at count as zeros.

// A finite non-zero magnitude too wide for Exact. Same meaning of sticky.
struct Wide {
  bool negative;
  bool sticky;
  std::int32_t exponent;
  uint128 significand;
};

LOWP_HD constexpr int bit_width_128(uint128 word) {
  const auto high = static_cast<std::uint64_t>(word >> 64);
  return high != 0 ? 64 + bit_width(high) : bit_width(static_cast<std::uint64_t>(word));
}

LOWP_HD constexpr Wide widened(Exact x) {
  return {x.negative, false, x.exponent, x.significand};
}

// The top 64 bits; what is cut off is remembered in sticky.
LOWP_HD constexpr Exact narrowed(Wide x) {
  const int width = bit_width_128(x.significand);
  const int dropped = width > 64 ? width - 64 : 0;
  const bool lost = (x.significand & ((uint128{1} << dropped) - 1)) != 0;
  return exact_finite(x.negative, static_cast<std::uint64_t>(x.significand >> dropped), x.exponent + dropped,
                      x.sticky || lost);
}

LOWP_HD constexpr Exact negated(Exact x) {
  x.negative = !x.negative;
  return x;
}

// The sign of an exact sum of zero whose operands differ in sign (IEEE 754-2019 6.3).
LOWP_HD constexpr bool zero_sum_negative(Rounding mode) {
  return mode == Rounding::toward_negative;
}

// a + b. The larger operand's top bit goes to bit 126, so its units reach 126 binades down. Only an operand far below
// loses bits then (at least 2 binades apart, its width being at most 124), so at least 124 bits of the result are true
// and the lost rest is a sticky bit, borrowed from below when subtracting.
LOWP_HD constexpr Exact wide_sum(Wide a, Wide b, Rounding mode) {
  if (a.exponent + bit_width_128(a.significand) < b.exponent + bit_width_128(b.significand)) {
    const Wide swapped = a;
    a = b;
    b = swapped;
  }
  const int up = 127 - bit_width_128(a.significand);
  a.significand <<= up;
  a.exponent -= up;
  const int down = a.exponent - b.exponent;
  const bool lost = down > 0 && (down > 127 || (b.significand & ((uint128{1} << down) - 1)) != 0);
  b.significand = down > 127 ? 0 : down > 0 ? b.significand >> down : b.significand << -down;
  if (a.negative == b.negative) return narrowed({a.negative, lost, a.exponent, a.significand + b.significand});
  if (a.significand == b.significand) return exact_special(Kind::zero, zero_sum_negative(mode));
  if (a.significand < b.significand) {
    return narrowed({b.negative, false, a.exponent, b.significand - a.significand});
  }
  return narrowed({a.negative, lost, a.exponent, a.significand - b.significand - (lost ? 1 : 0)});
}

// a + b; opposite infinities give NaN. `mode` only decides the sign of an exact zero.
LOWP_HD constexpr Exact exact_sum(Exact a, Exact b, Rounding mode) {
  if (a.kind == Kind::nan || b.kind == Kind::nan) return exact_special(Kind::nan, false);
  if (a.kind == Kind::inf) {
    return b.kind == Kind::inf && a.negative != b.negative ? exact_special(Kind::nan, false) : a;
  }
  if (b.kind == Kind::inf) return b;
  if (a.kind == Kind::zero && b.kind == Kind::zero) {
    return exact_special(Kind::zero, a.negative == b.negative ? a.negative : zero_sum_negative(mode));
  }
  if (a.kind == Kind::zero) return b;
  if (b.kind == Kind::zero) return a;
  return wide_sum(widened(a), widened(b), mode);
}

LOWP_HD constexpr Wide wide_product(Exact a, Exact b) {
  return {a.negative != b.negative, false, a.exponent + b.exponent, uint128{a.significand} * b.significand};
}

// The kind a * b has; 0 * Inf gives NaN.
LOWP_HD constexpr Kind product_kind(Exact a, Exact b) {
  if (a.kind == Kind::nan || b.kind == Kind::nan) return Kind::nan;
  const bool zero = a.kind == Kind::zero || b.kind == Kind::zero;
  const bool inf = a.kind == Kind::inf || b.kind == Kind::inf;
  if (zero) return inf ? Kind::nan : Kind::zero;
  return inf ? Kind::inf : Kind::finite;
}

LOWP_HD constexpr Exact exact_product(Exact a, Exact b) {
  const Kind kind = product_kind(a, b);
  if (kind != Kind::finite) return exact_special(kind, kind != Kind::nan && a.negative != b.negative);
  return narrowed(wide_product(a, b));
}

// a * b + c without rounding in between; 0 * Inf + c gives NaN whatever c is.
LOWP_HD constexpr Exact exact_fma(Exact a, Exact b, Exact c, Rounding mode) {
  const Kind kind = product_kind(a, b);
  if (kind == Kind::finite && c.kind == Kind::finite) return wide_sum(wide_product(a, b), widened(c), mode);
  return exact_sum(exact_product(a, b), c, mode);  // at most one of the two is finite: nothing is rounded
}

// a / b; 0 / 0 and Inf / Inf give NaN, x / 0 gives Inf (IEEE 754-2019 7.3), which `encode` treats as an infinite
// source. With both top bits at 63, a * 2^63 / b lies in [2^62, 2^64): a quotient of 63 or 64 bits, its remainder
// sticky.
LOWP_HD constexpr Exact exact_quotient(Exact a, Exact b) {
  if (a.kind == Kind::nan || b.kind == Kind::nan) return exact_special(Kind::nan, false);
  const bool negative = a.negative != b.negative;
  if (a.kind == b.kind && a.kind != Kind::finite) return exact_special(Kind::nan, false);
  if (a.kind == Kind::inf || b.kind == Kind::zero) return exact_special(Kind::inf, negative);
  if (a.kind == Kind::zero || b.kind == Kind::inf) return exact_special(Kind::zero, negative);
  const int a_up = 64 - bit_width(a.significand);
  const int b_up = 64 - bit_width(b.significand);
  const uint128 dividend = uint128{a.significand << a_up} << 63;
  const std::uint64_t divisor = b.significand << b_up;
  return exact_finite(negative, static_cast<std::uint64_t>(dividend / divisor),
                      a.exponent - a_up - 63 - (b.exponent - b_up), dividend % divisor != 0);
}

// The largest root with root^2 <= square, bit by bit; 64 bits for a square of 127 or 128.
LOWP_HD constexpr std::uint64_t floor_root(uint128 square) {
  std::uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const std::uint64_t larger = root | (std::uint64_t{1} << bit);
    if (uint128{larger} * larger <= square) root = larger;
  }
  return root;
}

// Square root; of -0 it is -0, of values below zero NaN. The radicand fills 127 or 128 bits, whichever leaves its
// exponent even, so the root has 64 bits.
LOWP_HD constexpr Exact exact_root(Exact x) {
  if (x.kind == Kind::nan || (x.negative && x.kind != Kind::zero)) return exact_special(Kind::nan, false);
  if (x.kind != Kind::finite) return x;
  const int full = 128 - bit_width(x.significand);
  const int up = (x.exponent - full) % 2 == 0 ? full : full - 1;
  const uint128 square = uint128{x.significand} << up;
  const std::uint64_t root = floor_root(square);
  return exact_finite(false, root, (x.exponent - up) / 2, uint128{root} * root != square);
}

// The operations on codes of one format, rounded once. For operands and results of different formats, call encode on an
// exact_* result of decoded operands.
LOWP_HD constexpr Exact operand(Format f, Conversion how, std::uint64_t code) {
  return decode_source(f, how.subnormals, code);
}
LOWP_HD constexpr std::uint64_t add(Format f, Conversion how, std::uint64_t a, std::uint64_t b,
                                    RandomBits random = {}) {
  return encode(f, how, exact_sum(operand(f, how, a), operand(f, how, b), how.rounding), random);
}
LOWP_HD constexpr std::uint64_t sub(Format f, Conversion how, std::uint64_t a, std::uint64_t b,
                                    RandomBits random = {}) {
  return encode(f, how, exact_sum(operand(f, how, a), negated(operand(f, how, b)), how.rounding), random);
}
LOWP_HD constexpr std::uint64_t mul(Format f, Conversion how, std::uint64_t a, std::uint64_t b,
                                    RandomBits random = {}) {
  return encode(f, how, exact_product(operand(f, how, a), operand(f, how, b)), random);
}
LOWP_HD constexpr std::uint64_t div(Format f, Conversion how, std::uint64_t a, std::uint64_t b,
                                    RandomBits random = {}) {
  return encode(f, how, exact_quotient(operand(f, how, a), operand(f, how, b)), random);
}
LOWP_HD constexpr std::uint64_t sqrt(Format f, Conversion how, std::uint64_t a, RandomBits random = {}) {
  return encode(f, how, exact_root(operand(f, how, a)), random);
}
LOWP_HD constexpr std::uint64_t fma(Format f, Conversion how, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                    RandomBits random = {}) {
  return encode(f, how, exact_fma(operand(f, how, a), operand(f, how, b), operand(f, how, c), how.rounding), random);
}

}  // namespace lowp
