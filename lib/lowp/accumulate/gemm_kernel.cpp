// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/accumulate/gemm_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <cstring>

#include "lowp/accumulate/gemm_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace lowp::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class V>
struct ColumnSums {
  V largest, first, second;  // the sums of the two chunks
};

// A product has at most 27 bits below 2^31, so a shift by 31 leaves nothing, as any longer one would.
template <class D, class V = hn::Vec<D>>
ColumnSums<V> sums_of(D d, const StepOperands& step, int column, V largest) {
  const hn::RebindToUnsigned<D> du;
  const auto longest_shift = hn::Set(d, 31);
  const std::int32_t* b_exponent = step.b_exponent + column;
  const std::int32_t* b_significand = step.b_significand + column;
  const auto exponent_of = [&](int k) HWY_ATTR {
    return hn::Add(hn::Set(d, step.a_exponent[k]), hn::LoadU(d, b_exponent + k * panel_columns));
  };
  for (int k = 0; k < step.products; ++k) largest = hn::Max(largest, exponent_of(k));
  const auto chunk = [&](int begin) HWY_ATTR {
    const int end = begin + chunk_products < step.products ? begin + chunk_products : step.products;
    auto sum = hn::Zero(d);
    for (int k = begin; k < end; ++k) {
      const auto product = hn::Mul(hn::Set(d, step.a_significand[k]), hn::LoadU(d, b_significand + k * panel_columns));
      const auto shift = hn::Min(hn::Sub(largest, exponent_of(k)), longest_shift);
      const auto cut = hn::BitCast(d, hn::Shr(hn::BitCast(du, hn::Abs(product)), hn::BitCast(du, shift)));
      const auto sign = hn::ShiftRight<31>(product);
      sum = hn::Add(sum, hn::Sub(hn::Xor(cut, sign), sign));
    }
    return sum;
  };
  return {largest, chunk(0), chunk(chunk_products)};
}

void fused_sums(const StepOperands& step, std::int32_t* largest, std::int32_t* sums) {
  const hn::CappedTag<std::int32_t, panel_columns> d;
  for (int column = 0; column < panel_columns; column += static_cast<int>(hn::Lanes(d))) {
    const auto sum = sums_of(d, step, column, hn::LoadU(d, largest + column));
    hn::StoreU(sum.largest, d, largest + column);
    hn::StoreU(sum.first, d, sums + column);
    hn::StoreU(sum.second, d, sums + panel_columns + column);
  }
}

// What a step adds up for each column, in units of 2^unit.
struct StepTerms {
  std::int32_t first[panel_columns], second[panel_columns], accumulator[panel_columns], unit[panel_columns];
};

void step_terms(const StepOperands& step, const FusedAccumulator& kind, const std::uint32_t* held, StepTerms& terms) {
  const hn::CappedTag<std::int32_t, panel_columns> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto zero = hn::Zero(d);
  for (int column = 0; column < panel_columns; column += static_cast<int>(hn::Lanes(d))) {
    const auto code = hn::BitCast(d, hn::LoadU(du, held + column));
    const auto magnitude = hn::And(code, hn::Set(d, 0x7FFFFFFF));
    const auto field = hn::ShiftRight<23>(magnitude);
    const auto exponent = hn::IfThenElse(hn::Eq(magnitude, zero), hn::Set(d, kind.zero_exponent),
                                         hn::Sub(hn::Max(field, hn::Set(d, 1)), hn::Set(d, 127)));
    const auto sums = sums_of(d, step, column, exponent);
    const auto hidden = hn::IfThenZeroElse(hn::Eq(field, zero), hn::Set(d, 0x800000));
    const auto significand = hn::Or(hn::And(magnitude, hn::Set(d, 0x7FFFFF)), hidden);
    const auto right = hn::Min(hn::Add(hn::Sub(sums.largest, exponent), hn::Set(d, kind.down)), hn::Set(d, 31));
    const auto cut = hn::Shr(hn::Shl(significand, hn::Set(d, kind.up)), right);
    const auto sign = hn::ShiftRight<31>(code);
    // A step of zeros alone has a sum of 0, whatever its unit.
    const auto unit = hn::Max(hn::Sub(sums.largest, hn::Set(d, kind.fraction_bits)), hn::Set(d, -1000));
    hn::StoreU(sums.first, d, terms.first + column);
    hn::StoreU(sums.second, d, terms.second + column);
    hn::StoreU(hn::Sub(hn::Xor(cut, sign), sign), d, terms.accumulator + column);
    hn::StoreU(unit, d, terms.unit + column);
  }
}

// Terms are integers below 2^32 and units lie between 2^-1000 and 2^300, so FP64 holds every value exactly; what is
// left after the cut is an FP32 number, or beyond the largest one and becomes Inf.
bool fused_step(const StepOperands& step, const FusedAccumulator& kind, std::uint32_t* held) {
  const hn::CappedTag<double, panel_columns> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::int32_t, decltype(d)> dterm;
  const hn::Rebind<float, decltype(d)> dresult;
  const auto kept = hn::Set(di, static_cast<std::int64_t>(~std::uint64_t{0} << (52 - kind.kept_fraction_bits)));
  const auto smallest_normal = hn::Set(d, 0x1p-126);
  StepTerms terms;
  step_terms(step, kind, held, terms);
  float result[panel_columns];
  auto subnormal = hn::Zero(d);  // any that is not normal shows as not 0
  for (int column = 0; column < panel_columns; column += static_cast<int>(hn::Lanes(d))) {
    const auto load = [&](const std::int32_t* from) HWY_ATTR { return hn::LoadU(dterm, from + column); };
    const auto products = hn::Add(hn::PromoteTo(d, load(terms.first)), hn::PromoteTo(d, load(terms.second)));
    const auto sum = hn::Add(products, hn::PromoteTo(d, load(terms.accumulator)));
    const auto biased = hn::Add(hn::PromoteTo(di, load(terms.unit)), hn::Set(di, 1023));
    const auto cut =
        hn::Mul(hn::BitCast(d, hn::And(hn::BitCast(di, sum), kept)), hn::BitCast(d, hn::ShiftLeft<52>(biased)));
    subnormal = hn::Or(subnormal, hn::IfThenElseZero(hn::Lt(hn::Abs(cut), smallest_normal), cut));
    hn::StoreU(hn::DemoteTo(dresult, cut), dresult, result + column);
  }
  if (!hn::AllTrue(d, hn::Eq(subnormal, hn::Zero(d)))) return false;
  for (int j = 0; j < panel_columns; ++j) {
    if ((held[j] & 0x7F800000) != 0x7F800000) std::memcpy(held + j, result + j, sizeof(float));
  }
  return true;
}

}  // namespace lowp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowp {
HWY_EXPORT(fused_sums);
HWY_EXPORT(fused_step);

void fused_sums(const StepOperands& step, std::int32_t* largest, std::int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(fused_sums)(step, largest, sums);
}

bool fused_step(const StepOperands& step, const FusedAccumulator& kind, std::uint32_t* held) {
  return HWY_DYNAMIC_DISPATCH(fused_step)(step, kind, held);
}

}  // namespace lowp
#endif
