// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/accumulate/gemm_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "lowp/accumulate/gemm_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace lowp::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A product has at most 27 bits below 2^31, so a shift by 31 leaves nothing, as any longer one would.
void fused_sums(const StepOperands& step, std::int32_t* largest, std::int32_t* sums) {
  const hn::CappedTag<std::int32_t, panel_columns> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto longest_shift = hn::Set(d, 31);
  for (int column = 0; column < panel_columns; column += static_cast<int>(hn::Lanes(d))) {
    const std::int32_t* b_exponent = step.b_exponent + column;
    auto top = hn::LoadU(d, largest + column);
    for (int k = 0; k < step.products; ++k) {
      const auto exponent = hn::Add(hn::Set(d, step.a_exponent[k]), hn::LoadU(d, b_exponent + k * panel_columns));
      top = hn::Max(top, exponent);
    }
    hn::StoreU(top, d, largest + column);
    std::int32_t* out = sums + column;
    for (int begin = 0; begin < step.products; begin += chunk_products, out += panel_columns) {
      const int end = begin + chunk_products < step.products ? begin + chunk_products : step.products;
      auto sum = hn::Zero(d);
      for (int k = begin; k < end; ++k) {
        const auto product =
            hn::Mul(hn::Set(d, step.a_significand[k]), hn::LoadU(d, step.b_significand + column + k * panel_columns));
        const auto exponent = hn::Add(hn::Set(d, step.a_exponent[k]), hn::LoadU(d, b_exponent + k * panel_columns));
        const auto shift = hn::Min(hn::Sub(top, exponent), longest_shift);
        const auto cut = hn::BitCast(d, hn::Shr(hn::BitCast(du, hn::Abs(product)), hn::BitCast(du, shift)));
        const auto sign = hn::ShiftRight<31>(product);
        sum = hn::Add(sum, hn::Sub(hn::Xor(cut, sign), sign));
      }
      hn::StoreU(sum, d, out);
    }
  }
}

}  // namespace lowp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowp {
HWY_EXPORT(fused_sums);

void fused_sums(const StepOperands& step, std::int32_t* largest, std::int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(fused_sums)(step, largest, sums);
}

}  // namespace lowp
#endif
