// SPDX-License-Identifier: Apache-2.0
// What a code means and what an operation yields before rounding: a sign, an integer, a power of two, and a sticky bit.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

namespace lowp {

enum class Kind : std::uint8_t { zero, finite, inf, nan };

// value = (-1)^negative * (significand + sticky*epsilon) * 2^exponent with 0 < epsilon < 1. A finite value has a
// non-zero significand. With `sticky` the significand must carry at least precision + 1 bits of the target. -0 is
// {zero, negative}; the sign of a NaN is kept but never meaningful.
struct Exact {
  Kind kind = Kind::zero;
  bool negative = false;
  bool sticky = false;
  std::int32_t exponent = 0;
  std::uint64_t significand = 0;

  friend constexpr bool operator==(Exact, Exact) = default;
};

LOWP_HD constexpr Exact exact_special(Kind kind, bool negative) {
  return Exact{kind, negative, false, 0, 0};
}

LOWP_HD constexpr Exact exact_finite(bool negative, std::uint64_t significand, std::int32_t exponent,
                                     bool sticky = false) {
  if (significand == 0) return exact_special(Kind::zero, negative);
  return Exact{Kind::finite, negative, sticky, exponent, significand};
}

// Floor of log2 of the magnitude of a finite value.
LOWP_HD constexpr int exponent_of(Exact x) {
  return x.exponent + bit_width(x.significand) - 1;
}

// Whether |a| < |b|, exactly, for zeros and finite values without sticky bits.
LOWP_HD constexpr bool magnitude_less(Exact a, Exact b) {
  if (a.kind == Kind::zero || b.kind == Kind::zero) return a.kind == Kind::zero && b.kind != Kind::zero;
  if (exponent_of(a) != exponent_of(b)) return exponent_of(a) < exponent_of(b);
  return a.significand << (64 - bit_width(a.significand)) < b.significand << (64 - bit_width(b.significand));
}

// x * 2^scale_log2, exactly; every kind keeps its kind and sign.
LOWP_HD constexpr Exact scaled(Exact x, int scale_log2) {
  if (x.kind == Kind::finite) x.exponent += scale_log2;
  return x;
}

}  // namespace lowp
