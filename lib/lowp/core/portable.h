// SPDX-License-Identifier: Apache-2.0
// The one file that knows CUDA exists: host-and-device functions and the bit operations they need.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define LOWP_HD __host__ __device__
#else
#define LOWP_HD
#endif

namespace lowp {

__extension__ using uint128 = unsigned __int128;

// Number of bits needed to write `word`; 0 for 0. Plain loop in constant expressions, one instruction elsewhere.
LOWP_HD constexpr int bit_width(std::uint64_t word) {
  if (__builtin_is_constant_evaluated()) {
    int width = 0;
    for (; word != 0; word >>= 1) ++width;
    return width;
  }
#if defined(__CUDA_ARCH__)
  return 64 - __clzll(static_cast<long long>(word));
#else
  return word == 0 ? 0 : 64 - __builtin_clzll(word);
#endif
}

// Shifts that are total: every count has an answer, and counts of 64 or more shift everything out.
LOWP_HD constexpr std::uint64_t shift_right(std::uint64_t word, int count) {
  return count >= 64 ? 0 : word >> count;
}
LOWP_HD constexpr std::uint64_t shift_left(std::uint64_t word, int count) {
  return count >= 64 ? 0 : word << count;
}

}  // namespace lowp
