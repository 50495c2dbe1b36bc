// SPDX-License-Identifier: Apache-2.0
// Words that all threads of a block, or of the device, add to. On the host the same functions are plain, so that a test
// may run the threads one after another.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

// For what is rare: code that the loop around it should not carry.
#if defined(__CUDACC__)
#define LOWP_NOINLINE __noinline__
#else
#define LOWP_NOINLINE __attribute__((noinline))
#endif

namespace lowp::gpu {

// Each returns what was there before. 64-bit words are only added to, in device memory: shared memory has no such
// instruction, the compiler would write a loop.
LOWP_HD inline std::uint32_t fetch_add(std::uint32_t* at, std::uint32_t more) {
#if defined(__CUDA_ARCH__)
  return atomicAdd(at, more);
#else
  const std::uint32_t before = *at;
  *at += more;
  return before;
#endif
}

LOWP_HD inline std::uint32_t exchange(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  return atomicExch(at, value);
#else
  const std::uint32_t before = *at;
  *at = value;
  return before;
#endif
}

LOWP_HD inline void add(std::uint64_t* at, std::uint64_t more) {
#if defined(__CUDA_ARCH__)
  static_assert(sizeof(unsigned long long) == sizeof *at);
  atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(more));
#else
  *at += more;
#endif
}

LOWP_HD inline void raise_to(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  atomicMax(at, value);
#else
  if (*at < value) *at = value;
#endif
}

LOWP_HD inline void lower_to(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  atomicMin(at, value);
#else
  if (*at > value) *at = value;
#endif
}

}  // namespace lowp::gpu
