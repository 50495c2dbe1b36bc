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

HWY_INLINE V negated_where(M negative, V code) {
  const V minus = ones_where(negative);
  return hn::Sub(hn::Xor(code, minus), minus);
}

// Nothing is rounded here: the bits shifted out are zeros, and sums are exact. NaN has no sign, so that one whose code
// is the one after the largest number's needs nothing more.
HWY_INLINE V codes_of(const CodePlan& p, V source) {
  const V magnitude = hn::And(source, set(magnitude_bits_of_fp32));
  const V bounded = hn::Min(magnitude, set(p.end_bits));
  V code = hn::Sub(hn::ShiftRightSame(bounded, static_cast<int>(p.dropped)), set(p.field_offset));
  if (p.has_small) {
    const V sum = as_bits(hn::Add(as_float(bounded), as_float(set(p.quanta_bits))));
    code = hn::IfThenElse(hn::Lt(bounded, set(p.min_normal_bits)), hn::Sub(sum, set(p.quanta_offset)), code);
  }
  if (p.complement) return hn::And(negated_where(is_negative(source), code), set(p.code_mask));
  code = hn::OrAnd(code, hn::ShiftRightSame(source, static_cast<int>(p.sign_shift)), set(p.sign_bit));
  if (!p.nan_apart) return code;
  return hn::IfThenElse(hn::Gt(magnitude, set(field_bits_of_fp32)), set(p.nan_code), code);
}

HWY_INLINE V values_of(const CodePlan& p, V code) {
  const V sign = hn::ShiftLeftSame(hn::And(code, set(p.sign_bit)), static_cast<int>(p.sign_shift));
  V magnitude = hn::And(code, set(p.magnitude_mask));
  if (p.complement) magnitude = hn::And(negated_where(is_negative(sign), code), set(p.code_mask));
  V value = hn::ShiftLeftSame(hn::Add(magnitude, set(p.field_offset)), static_cast<int>(p.dropped));
  if (p.has_small) {
    const auto sum = as_float(hn::Add(magnitude, set(p.quanta_offset)));
    const V small = as_bits(hn::Sub(sum, as_float(set(p.quanta_bits))));
    value = hn::IfThenElse(hn::Lt(magnitude, set(p.small_codes)), small, value);
  }
  value = hn::Or(value, sign);
  if (p.complement) return value;
  const V nan = set(0x7fc00000);
  value = hn::IfThenElse(hn::Gt(magnitude, set(p.max_finite_code)), nan, value);
  if (p.has_inf)
    value = hn::IfThenElse(hn::Eq(magnitude, set(p.inf_code)), hn::Or(set(field_bits_of_fp32), sign), value);
  if (!p.has_nan_at) return value;
  return hn::IfThenElse(hn::Eq(hn::And(code, set(p.code_mask)), set(p.nan_at)), nan, value);
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();
#endif
