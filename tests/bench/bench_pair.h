// SPDX-License-Identifier: Apache-2.0
// One piece of work timed in turns with a plain copy of the same traffic, so that a noisy machine disturbs both alike.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <new>
#include <vector>

namespace lowp::bench {

// Room that begins at a 64-byte boundary, as tensors of PyTorch and JAX do.
template <class T>
struct AtCacheLine {
  using value_type = T;
  AtCacheLine() = default;
  template <class U>
  AtCacheLine(const AtCacheLine<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* at, std::size_t) { ::operator delete(at, std::align_val_t{64}); }
  friend bool operator==(AtCacheLine, AtCacheLine) { return true; }
};
template <class T>
using Room = std::vector<T, AtCacheLine<T>>;

// `run(thread)` handles `elements` elements, reading and writing `bytes` in total; each thread has its own part of the
// data. Short work is repeated within one measurement. Counters: Gelem_s (median), of_memcpy (median over turns of copy
// time / work time; the copy reads bytes / 2 and writes as many), memcpy_Gelem_s. Time is processor time of the slowest
// thread: what others run on the machine takes turns, not time.
// The copy goes from `from` to `to`, each of bytes / 2, where they are given: the very memory the work uses, so that
// both have the same pages. Without them it has memory of its own.
struct Work {
  std::size_t elements = 0;
  std::size_t bytes = 0;
  int threads = 1;
  std::function<void(int thread)> run;
  const void* from = nullptr;
  void* to = nullptr;
};
void measure_against_copy(benchmark::State& state, const Work& work);

}  // namespace lowp::bench
