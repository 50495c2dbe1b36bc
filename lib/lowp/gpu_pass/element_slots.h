// SPDX-License-Identifier: Apache-2.0
// The bits of an IEEE element of 16 or 32 bits, and the slot of its binade.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

namespace lowp::gpu {

template <int width_, int exponent_bits>
struct Layout {
  static constexpr int width = width_;
  static constexpr int fraction_bits = width - 1 - exponent_bits;
  static constexpr std::uint32_t sign = std::uint32_t{1} << (width - 1);
  static constexpr std::uint32_t magnitude = sign - 1;
  static constexpr std::uint32_t fraction = (std::uint32_t{1} << fraction_bits) - 1;
  static constexpr std::uint32_t inf = magnitude & ~fraction;
  // Of one sign: slot 0 is zero, slot s > 0 the binade quantum_exponent + s - 1, the last one Inf and NaN.
  static constexpr std::uint32_t slots = static_cast<std::uint32_t>(fraction_bits) + (1u << exponent_bits);
};
using Fp32Layout = Layout<32, 8>;
using Bf16Layout = Layout<16, 8>;
using Fp16Layout = Layout<16, 5>;

// lowp::bit_width for half the width: one instruction less than half of what 64 bits cost on a GPU.
LOWP_HD constexpr std::uint32_t bit_width_of(std::uint32_t word) {
  if (__builtin_is_constant_evaluated()) return static_cast<std::uint32_t>(bit_width(word));
#if defined(__CUDA_ARCH__)
  return 32 - static_cast<std::uint32_t>(__clz(static_cast<int>(word)));
#else
  return static_cast<std::uint32_t>(bit_width(word));
#endif
}

// A subnormal of w bits lies in the w-th binade from below, and so does, w bits further up, each exponent field.
template <class L>
LOWP_HD constexpr std::uint32_t slot_of(std::uint32_t magnitude) {
  return magnitude <= L::fraction ? bit_width_of(magnitude) : (magnitude >> L::fraction_bits) + L::fraction_bits;
}

static_assert(slot_of<Fp32Layout>(0) == 0 && slot_of<Fp32Layout>(1) == 1 && slot_of<Fp32Layout>(0x007fffff) == 23 &&
              slot_of<Fp32Layout>(0x00800000) == 24 && slot_of<Fp32Layout>(0x7fc00000) == Fp32Layout::slots - 1);

}  // namespace lowp::gpu
