// SPDX-License-Identifier: Apache-2.0
// Words that all threads of a block, or of the device, add to. The same on the host, so that a test may run the threads
// one after another or all at once.
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
  return __atomic_fetch_add(at, more, __ATOMIC_RELAXED);
#endif
}

LOWP_HD inline std::uint32_t exchange(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  return atomicExch(at, value);
#else
  return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
#endif
}

LOWP_HD inline void add(std::uint64_t* at, std::uint64_t more) {
#if defined(__CUDA_ARCH__)
  static_assert(sizeof(unsigned long long) == sizeof *at);
  atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(more));
#else
  __atomic_fetch_add(at, more, __ATOMIC_RELAXED);
#endif
}

LOWP_HD inline void raise_to(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  atomicMax(at, value);
#else
  std::uint32_t held = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (held < value && !__atomic_compare_exchange_n(at, &held, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
#endif
}

LOWP_HD inline void lower_to(std::uint32_t* at, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
  atomicMin(at, value);
#else
  std::uint32_t held = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (held > value && !__atomic_compare_exchange_n(at, &held, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
#endif
}

// A flag that anybody may set and nobody clears.
LOWP_HD inline void set_flag(std::uint32_t* at) {
#if defined(__CUDA_ARCH__)
  if (*at == 0) *at = 1;
#else
  __atomic_store_n(at, 1u, __ATOMIC_RELAXED);
#endif
}

}  // namespace lowp::gpu
