// SPDX-License-Identifier: Apache-2.0
// FP32 operations with the NaN that x86 processors return: libraries that compute there pass its bits on.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace lowp::recipes {

inline float quieted(float nan) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(nan) | 0x00400000u);
}
// What every operation on numbers gives that has no answer (0/0, Inf/Inf, 0*Inf).
inline float default_nan() {
  return std::bit_cast<float>(0xffc00000u);
}
// The first NaN operand if there is one, else the result.
inline float sse_result(float a, float b, float result) {
  if (std::isnan(a)) return quieted(a);
  if (std::isnan(b)) return quieted(b);
  return std::isnan(result) ? default_nan() : result;
}
inline float sse_multiply(float a, float b) {
  return sse_result(a, b, a * b);
}
inline float sse_divide(float a, float b) {
  return sse_result(a, b, a / b);
}
// torch.clamp: NaN stays.
inline float clamped(float x, float least, float most) {
  return std::isnan(x) ? x : x < least ? least : x > most ? most : x;
}
// XLA's code for CPUs reads and writes no subnormal numbers: zeros of their sign.
inline float xla_flushed(float x) {
  return std::abs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x;
}
inline float xla_reciprocal(float x) {
  return xla_flushed(1.0f / xla_flushed(x));
}
inline float xla_multiply(float a, float b) {
  return xla_flushed(xla_flushed(a) * xla_flushed(b));
}
// log2 rounded to FP32 once, as PyTorch's vector code returns it wherever floor and ceil can tell the difference.
inline float log2_fp32(float x) {
  return static_cast<float>(std::log2(static_cast<double>(x)));
}
// 2^exponent, subnormal results included; 0 and Inf beyond.
inline float power_of_two(int exponent) {
  return std::ldexp(1.0f, exponent);
}

}  // namespace lowp::recipes
