// SPDX-License-Identifier: Apache-2.0
// One vector of FP32 values that a format holds exactly to its codes, and back. Compiled once per instruction set.
#if defined(LOWP_BATCH_CODE_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWP_BATCH_CODE_LANES_INL_H_
#undef LOWP_BATCH_CODE_LANES_INL_H_
#else
#define LOWP_BATCH_CODE_LANES_INL_H_
#endif

#include "lowp/batch/round_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowp {
namespace HWY_NAMESPACE {

// Nothing is rounded here: the bits shifted out are zeros.
HWY_INLINE V codes_of(const CodePlan& p, V source) {
  const V magnitude = hn::And(source, set(magnitude_bits_of_fp32));
  const V hidden = hn::Min(hn::And(magnitude, set(field_bits_of_fp32)), set(0x00800000));
  const V significand = hn::Or(hn::And(magnitude, set(0x007fffff)), hidden);
  const V far = hn::Sub(set(p.fixed_shift), hn::Max(hn::ShiftRight<23>(magnitude), set(1)));
  const V multiple = hn::Shr(significand, hn::Min(far, set(31)));
  const V normal = hn::Sub(hn::ShiftRightSame(magnitude, static_cast<int>(p.dropped)), set(p.field_offset));
  const M small = hn::Lt(magnitude, set(p.min_normal_bits));
  V code = hn::Sub(hn::IfThenElse(small, multiple, normal), set(p.ordinal_offset));
  code = hn::IfThenElse(hn::Eq(magnitude, set(field_bits_of_fp32)), set(p.inf_code), code);
  if (p.complement) {
    const V minus = ones_where(is_negative(source));
    return hn::And(hn::Sub(hn::Xor(code, minus), minus), set(p.code_mask));
  }
  const V sign = hn::And(hn::ShiftRightSame(source, static_cast<int>(p.sign_shift)), set(p.sign_bit));
  return hn::IfThenElse(hn::Gt(magnitude, set(field_bits_of_fp32)), set(p.nan_code), hn::Or(code, sign));
}

// Below linear_ordinals a value is its ordinal times the quantum, an exact product of a small integer and a power of
// two; above, the ordinal is the top of the FP32 pattern up to an offset.
HWY_INLINE V values_of(const CodePlan& p, V code) {
  const V sign = hn::ShiftLeftSame(hn::And(code, set(p.sign_bit)), static_cast<int>(p.sign_shift));
  V magnitude = hn::And(code, set(p.magnitude_mask));
  if (p.complement) {
    const V minus = ones_where(is_negative(sign));
    magnitude = hn::And(hn::Sub(hn::Xor(code, minus), minus), set(p.code_mask));
  }
  const V ordinal = hn::Add(magnitude, set(p.ordinal_offset));
  const auto quanta = hn::ConvertTo(Floats(), hn::BitCast(Signed(), ordinal));
  const V multiple = as_bits(hn::Mul(quanta, hn::Set(Floats(), p.quantum)));
  const V normal = hn::ShiftLeftSame(hn::Add(ordinal, set(p.field_offset)), static_cast<int>(p.dropped));
  const V value = hn::Or(hn::IfThenElse(hn::Lt(ordinal, set(p.linear_ordinals)), multiple, normal), sign);
  if (p.complement) return value;
  const V inf = hn::IfThenElse(hn::Eq(magnitude, set(p.inf_code)), hn::OrAnd(set(p.inf_value), sign, set(p.inf_sign)),
                               set(0x7fc00000));
  const V known = hn::IfThenElse(hn::Gt(magnitude, set(p.max_finite_code)), inf, value);
  if (!p.has_nan_at) return known;
  return hn::IfThenElse(hn::Eq(hn::And(code, set(p.code_mask)), set(p.nan_at)), set(0x7fc00000), known);
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();
#endif
