// SPDX-License-Identifier: Apache-2.0
// One vector of FP32 patterns rounded. Compiled once per instruction set: no ordinary include guard.
#if defined(LOWP_BATCH_ROUND_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWP_BATCH_ROUND_LANES_INL_H_
#undef LOWP_BATCH_ROUND_LANES_INL_H_
#else
#define LOWP_BATCH_ROUND_LANES_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "lowp/batch/batch_plan.h"

HWY_BEFORE_NAMESPACE();
namespace lowp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<std::uint32_t>;
using Floats = hn::ScalableTag<float>;
using Signed = hn::ScalableTag<std::int32_t>;
using V = hn::Vec<Words>;
using M = hn::Mask<Words>;

constexpr std::uint32_t magnitude_bits_of_fp32 = 0x7fffffff;
constexpr std::uint32_t field_bits_of_fp32 = 0x7f800000;

HWY_INLINE V set(std::uint32_t word) {
  return hn::Set(Words(), word);
}
HWY_INLINE hn::Vec<Floats> as_float(V bits) {
  return hn::BitCast(Floats(), bits);
}
HWY_INLINE V as_bits(hn::Vec<Floats> value) {
  return hn::BitCast(Words(), value);
}
HWY_INLINE V ones_where(M mask) {
  return hn::VecFromMask(Words(), mask);
}
HWY_INLINE M is_negative(V bits) {
  return hn::RebindMask(Words(), hn::Lt(hn::BitCast(Signed(), bits), hn::Zero(Signed())));
}
HWY_INLINE V by_sign(M negative, const std::uint32_t (&choice)[2]) {
  return hn::IfThenElse(negative, set(choice[1]), set(choice[0]));
}

// The random bits of each lane: as drawn, and as a word from the top with 16 more bits below where they are asked for.
struct Random {
  V first, word;
};

// The power of two C / unit_factor below, at least the smallest normal number. With cap, no C overflows. Without it a
// huge magnitude yields, where the sum is a fused one, something whose bits are above every finite number: NaN, Inf or
// a negative number, all of which the finishes take for overflow.
template <bool capped>
HWY_INLINE V binade_of(const RoundPlan& p, V bits) {
  V binade = hn::And(bits, set(field_bits_of_fp32));
  if (capped) binade = hn::Min(binade, set(p.cap_bits));
  return hn::Max(binade, set(p.min_normal_bits));
}

// The magnitude rounded by adding C and taking it away (magic_add_is_exact in batch_plan.cpp says when that is right),
// in the rounding of the processor. Products are exact, so targets without FMA give the same.
// Directed: the source with its sign. Odd: truncated; the sum counts units, so its lowest bit is that of the code.
// Nudged: a tie's lowest bit is 0; one step up or down takes it off the tie, and odd patterns, which are no ties, stay.
template <Shape shape, bool capped>
HWY_INLINE V magic_add(const RoundPlan& p, V magnitude, V source) {
  V m = magnitude;
  if (shape == Shape::nudged) {
    const V down = set(p.nudge_down);
    m = hn::Or(hn::Sub(hn::Max(m, down), down), set(1));
  }
  const auto factor = hn::Set(Floats(), p.unit_factor);
  if (shape == Shape::directed) {
    const V sign = set(0x80000000);
    const auto binade = as_float(hn::OrAnd(binade_of<true>(p, m), source, sign));
    const auto sum = hn::MulAdd(binade, factor, as_float(hn::OrAnd(m, source, sign)));
    return hn::And(as_bits(hn::NegMulAdd(binade, factor, sum)), set(magnitude_bits_of_fp32));
  }
  const auto binade = as_float(binade_of<capped>(p, m));
  const auto sum = hn::MulAdd(binade, factor, as_float(m));
  const auto rounded = hn::NegMulAdd(binade, factor, sum);
  if (shape != Shape::odd) return as_bits(rounded);
  const V odd = hn::IfThenElse(hn::Ne(as_bits(rounded), m), hn::Or(as_bits(sum), set(1)), as_bits(sum));
  return as_bits(hn::NegMulAdd(binade, factor, as_float(odd)));
}

// Stochastic rounding is truncation of magnitude + draw, a draw being a fraction of the unit: a fraction v and a draw R
// of n bits carry if v + R / 2^n >= 1 (stochastic_a), v + (2 R + 1) / 2^(n + 1) >= 1 (_b). Cutting the sum to FP32
// first does no harm, since FP32 has all the format's numbers. stochastic_c: v 2^n rounds to at least 2^n - R if v is
// at least the middle below, as in _b, the middle itself only where 2^n - R is even: R too, n being at least 1. There
// the sum is a number of the format, and taking the draw from it gives the source back.
template <Shape shape, bool capped>
HWY_INLINE V magic_draw(const RoundPlan& p, V magnitude, V random) {
  const V bits = hn::OrAnd(set(p.draw_unit >> 8), hn::ShiftLeft<8>(random), set(p.draw_mask >> 8));
  const auto draw = hn::ConvertTo(Floats(), hn::BitCast(Signed(), bits));
  const auto binade = as_float(binade_of<capped>(p, magnitude));
  const auto step = hn::Mul(binade, hn::Set(Floats(), p.draw_factor));
  const auto factor = hn::Set(Floats(), p.unit_factor);
  const auto sum = hn::MulAdd(binade, factor, hn::MulAdd(draw, step, as_float(magnitude)));
  const auto rounded = hn::NegMulAdd(binade, factor, sum);
  if (shape != Shape::stochastic_c) return as_bits(rounded);
  const M odd = hn::TestBit(bits, set(p.draw_parity >> 8));
  const M middle = hn::And(odd, hn::Eq(as_bits(hn::NegMulAdd(draw, step, rounded)), magnitude));
  const auto below = hn::NegMulAdd(step, hn::Set(Floats(), 0x1p24F), rounded);
  return hn::IfThenElse(middle, as_bits(below), as_bits(rounded));
}

// What is added to a magnitude so that cutting its `low` bits off rounds it. `odd` holds the code's parity in bit 0.
template <Shape shape>
HWY_INLINE V increment(const RoundPlan& p, V low, V odd, M negative) {
  if (shape == Shape::directed) return hn::And(low, by_sign(negative, p.away));
  if (shape == Shape::odd) return hn::And(low, hn::Sub(hn::And(odd, set(1)), set(1)));
  const V base = hn::ShiftRight<1>(hn::Add(low, set(p.half_up)));
  return hn::Add(base, hn::And(hn::And(odd, low), set(p.even_mask)));
}

// Whether the draw carries: the definitions of rounds_away in core/rounding.h, with the first 32 bits of the discarded
// fraction in `tail`. fraction + draw >= 1 is tail > ~draw. For stochastic_c bit 0 of tail may be sticky: with at most
// 30 draw bits it lies below the bit that decides rounding to a draw.
template <Shape shape>
HWY_INLINE M carries(const RoundPlan& p, V tail, V word) {
  const V draw = hn::And(word, set(p.draw_mask));
  if (shape == Shape::stochastic_a) return hn::Gt(tail, hn::Not(draw));
  if (shape == Shape::stochastic_b) return hn::Gt(tail, hn::Not(hn::Or(draw, set(p.draw_unit))));
  const V below = set(~p.draw_mask);
  const V lowest = set(p.draw_mask & (~p.draw_mask + 1));  // the lowest bit of a draw, 0 without draws
  const V odd = hn::AndNot(ones_where(hn::Eq(hn::And(tail, lowest), hn::Zero(Words()))), set(1));
  const V nearest = hn::Add(hn::Add(tail, hn::ShiftRight<1>(below)), odd);
  return hn::Or(hn::Lt(nearest, tail), hn::Gt(hn::AndNot(below, nearest), hn::Not(draw)));
}

HWY_INLINE V shifted_to_top(V bits, std::uint32_t count) {  // bits << (32 - count), 0 for count 0
  return hn::ShiftLeft<1>(hn::ShiftLeftSame(bits, static_cast<int>(31 - count)));
}

constexpr bool draws(Shape shape) {
  return shape == Shape::stochastic_a || shape == Shape::stochastic_b || shape == Shape::stochastic_c;
}

// Formats with FP32's exponent range: the low `dropped` bits go, subnormals included. A draw is cut to as many bits and
// added. The cut is harmless: with `b` discarded bits t and a draw of n > b bits, t 2^(n-b) + R >= 2^n if and only if
// t + floor(R / 2^(n-b)) >= 2^b. stochastic_c: as in magic_draw; one less than an odd draw's middle falls short where
// the middle itself is a possible t, and is cut off where it is none.
template <Shape shape>
HWY_INLINE V fixed_unit(const RoundPlan& p, V magnitude, M negative, V word) {
  const V low = set((std::uint32_t{1} << p.dropped) - 1);
  if (draws(shape)) {
    V draw = hn::OrAnd(set(p.draw_unit), word, set(p.draw_mask));
    if (shape == Shape::stochastic_c) {
      draw = hn::IfThenElse(hn::TestBit(word, set(p.draw_parity)), hn::Sub(draw, set(1)), draw);
    }
    return hn::AndNot(low, hn::Add(magnitude, hn::ShiftRightSame(draw, static_cast<int>(32 - p.dropped))));
  }
  const V odd = hn::ShiftRightSame(magnitude, static_cast<int>(p.dropped));
  if (shape == Shape::nearest) {
    const V add = hn::Add(set(p.nearest_base), hn::And(odd, set(p.dropped == 0 ? 0 : p.even_mask)));
    return hn::AndNot(low, hn::Add(magnitude, add));
  }
  return hn::AndNot(low, hn::Add(magnitude, increment<shape>(p, low, odd, negative)));
}

// E8M0: powers of two, the lowest of which is half of FP32's smallest normal number. The binade above it is made to
// look as a normal one with exponent field 0 would; what is lower becomes its lower end, as do results of 0 in the end.
// A code is FP32's exponent field, so its parity is that of the field.
template <Shape shape>
HWY_INLINE V scale_unit(const RoundPlan& p, V magnitude, M negative, V word) {
  const V unit = set(0x00800000);
  const V stretched = hn::Sub(hn::Max(hn::Add(magnitude, magnitude), unit), unit);
  return fixed_unit<shape>(p, hn::Min(magnitude, stretched), negative, word);
}

// The discarded fraction's first 32 bits, for lanes that drop `count` >= 1 bits of a significand below 2^24.
template <Shape shape>
HWY_INLINE V tail_of(V significand, V count) {
  const V left = hn::ShiftLeft<1>(hn::Shl(significand, hn::Sub(set(31), hn::Min(count, set(31)))));
  const V far = hn::Min(hn::Sub(hn::Max(count, set(32)), set(32)), set(31));
  V right = hn::Shr(significand, far);
  if (shape == Shape::stochastic_c) {
    const V lost = hn::AndNot(ones_where(hn::Eq(hn::Shl(right, far), significand)), set(1));
    right = hn::Or(right, lost);
  }
  return hn::IfThenElse(hn::Gt(count, set(31)), right, left);
}

// Any format: below the smallest normal number the significand is shifted until its unit is the quantum, so lanes
// differ in how many bits they drop. More than 31 dropped bits are less than 2^-7 of a unit: 31 do for deterministic
// modes.
template <Shape shape>
HWY_INLINE V moving_unit(const RoundPlan& p, V magnitude, M negative, V word) {
  const V field = hn::ShiftRight<23>(magnitude);
  const V hidden = hn::Min(hn::And(magnitude, set(field_bits_of_fp32)), set(0x00800000));
  const V significand = hn::Or(hn::And(magnitude, set(0x007fffff)), hidden);
  const M small = hn::Lt(magnitude, set(p.min_normal_bits));
  const V far = hn::Sub(set(p.fixed_shift), hn::Max(field, set(1)));  // meaningful in small lanes
  const V count = hn::IfThenElse(small, hn::Min(far, set(31)), set(p.dropped));
  const V bits = hn::IfThenElse(small, significand, magnitude);
  V kept = hn::Shr(bits, count);
  if (draws(shape)) {
    const V tail = hn::IfThenElse(small, tail_of<shape>(significand, far), shifted_to_top(magnitude, p.dropped));
    kept = hn::Sub(kept, ones_where(carries<shape>(p, tail, word)));
  } else {
    const V low = hn::Sub(hn::Shl(set(1), count), set(1));
    const V parity = hn::IfThenElse(small, set(p.parity_subnormal), set(p.parity_normal));
    kept = hn::Shr(hn::Add(bits, increment<shape>(p, low, hn::Add(kept, parity), negative)), count);
  }
  const auto quanta = hn::ConvertTo(Floats(), hn::BitCast(Signed(), kept));
  const V multiple = as_bits(hn::Mul(quanta, hn::Set(Floats(), p.quantum)));
  return hn::IfThenElse(small, multiple, hn::ShiftLeftSame(kept, static_cast<int>(p.dropped)));
}

HWY_INLINE V zero_where_zero(V rounded, V value) {
  return hn::IfThenZeroElse(hn::Eq(rounded, hn::Zero(Words())), value);
}

// Special values over the rounded magnitude; see ResultRule.
template <ResultRule finish>
HWY_INLINE V finished(const RoundPlan& p, V rounded, V source, V magnitude, M negative) {
  constexpr bool bare_zero = finish == ResultRule::nan_on_top_bare_zero || finish == ResultRule::signed_top_bare_zero;
  const V sign = set(0x80000000);
  const M over = hn::Gt(rounded, set(p.largest_bits));
  if (finish == ResultRule::nan_on_top || finish == ResultRule::nan_on_top_bare_zero) {
    const V value = hn::OrAnd(rounded, source, sign);
    return hn::IfThenElse(over, set(p.nan), bare_zero ? zero_where_zero(rounded, value) : value);
  }
  if (finish == ResultRule::positive) {
    const V value = hn::IfThenElse(over, set(p.beyond[0]), hn::Max(rounded, set(p.least_bits)));
    const M is_nan = hn::And(hn::Gt(source, set(p.nan_above)), hn::Ne(source, sign));  // -0 is no negative number
    return hn::IfThenElse(is_nan, set(p.nan), value);
  }
  const M is_nan = hn::Gt(magnitude, set(p.nan_above));
  if (finish == ResultRule::signed_top || finish == ResultRule::signed_top_bare_zero) {
    const V value = hn::OrAnd(hn::IfThenElse(over, set(p.beyond[0]), rounded), source, sign);
    return hn::IfThenElse(is_nan, set(p.nan), bare_zero ? zero_where_zero(rounded, value) : value);
  }
  V value = hn::OrAnd(rounded, source, set(finish == ResultRule::full ? p.sign_mask : 0x80000000));
  V compared = rounded;
  if (finish == ResultRule::small_too || finish == ResultRule::full) {
    value = hn::IfThenElse(hn::Lt(rounded, set(p.least_bits)), by_sign(negative, p.tiny), value);
  }
  if (finish == ResultRule::full) compared = hn::Or(rounded, by_sign(negative, p.forced));
  value = hn::IfThenElse(hn::Gt(compared, set(p.largest_bits)), by_sign(negative, p.beyond), value);
  if (finish != ResultRule::small_too) {
    const M is_inf = hn::Eq(magnitude, set(field_bits_of_fp32));
    value = hn::IfThenElse(is_inf, by_sign(negative, p.inf), value);
  }
  value = hn::IfThenElse(is_nan, set(p.nan), value);
  if (finish != ResultRule::full) return value;
  return hn::IfThenElse(hn::Eq(magnitude, hn::Zero(Words())), by_sign(negative, p.zero), value);
}

// Denormals-are-zero for the source, where the conversion asks for it; else flushed_below is 0.
HWY_INLINE V source_magnitude(const RoundPlan& p, V magnitude) {
  return hn::IfThenZeroElse(hn::Lt(magnitude, set(p.flushed_below)), magnitude);
}

enum class Method { magic_add, magic_draw, fixed_unit, moving_unit, scale_unit };

template <Method method, Shape shape, ResultRule finish>
HWY_INLINE V round_lanes(const RoundPlan& p, V source, Random random) {
  constexpr bool capped = finish == ResultRule::full || !HWY_NATIVE_FMA;
  V magnitude = hn::And(source, set(magnitude_bits_of_fp32));
  if (finish == ResultRule::full) magnitude = source_magnitude(p, magnitude);
  const M negative = is_negative(source);
  V rounded;
  if constexpr (method == Method::magic_add) {
    rounded = magic_add<shape, capped>(p, magnitude, source);
  } else if constexpr (method == Method::magic_draw) {
    rounded = magic_draw<shape, capped>(p, magnitude, random.first);
  } else if constexpr (method == Method::fixed_unit) {
    rounded = fixed_unit<shape>(p, magnitude, negative, random.word);
  } else if constexpr (method == Method::scale_unit) {
    rounded = scale_unit<shape>(p, magnitude, negative, random.word);
  } else {
    rounded = moving_unit<shape>(p, magnitude, negative, random.word);
  }
  return finished<finish>(p, rounded, source, magnitude, negative);
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();
#endif
