// SPDX-License-Identifier: Apache-2.0
// Products and comparisons as the frameworks make them.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace lowp::scaling {

// The nearest FP32 value, ties to even. A product of two FP32 values in double is exact: fl32(a * b) rounds once.
inline double fl32(double x) {
  return static_cast<double>(static_cast<float>(x));
}
double fl16(double x);  // the nearest FP16 value; from 65520 on Inf

// XLA on a processor: FP32 subnormals are zero.
inline double flushed32(double x) {
  return std::fabs(x) < 0x1p-126 ? std::copysign(0.0, x) : x;
}

// Python's `count % window == 0`; false for a window of 0, where Python raises ZeroDivisionError.
inline bool is_multiple(std::int64_t count, double window) {
  return window != 0 && std::fmod(static_cast<double>(count), window) == 0;
}
inline bool equals(std::int64_t count, double value) {
  return static_cast<double>(count) == value;
}

// A count from a setting; None is 0.
inline std::int64_t whole(double x) {
  return std::isnan(x) ? 0 : static_cast<std::int64_t>(std::fmin(std::fmax(x, -0x1p53), 0x1p53));
}

// Python's max(a, b) and min(a, b): the first unless the second is beyond it.
inline double python_max(double a, double b) {
  return b > a ? b : a;
}
inline double python_min(double a, double b) {
  return b < a ? b : a;
}
// None and 0 mean that there is no bound.
inline bool is_bound(double x) {
  return !std::isnan(x) && x != 0;
}

inline constexpr double none = std::numeric_limits<double>::quiet_NaN();
inline constexpr double fp32_max = std::numeric_limits<float>::max();
inline constexpr double fp32_tiny = std::numeric_limits<float>::min();

}  // namespace lowp::scaling
