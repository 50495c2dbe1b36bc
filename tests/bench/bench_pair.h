// SPDX-License-Identifier: Apache-2.0
// One piece of work timed in turns with a plain copy of the same traffic, so that a noisy machine disturbs both alike.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>

namespace lowp::bench {

// `work(thread, repeat)` handles `elements` elements, reading and writing `bytes` in total; each thread has its own
// part of the data. Short work is repeated within one measurement. Counters: Gelem_s (median), of_memcpy (median
// over turns of copy time / work time; the copy moves bytes / 2 to elsewhere), memcpy_Gelem_s. Time is processor time
// of the slowest thread: what others run on the machine takes turns, not time.
struct Work {
  std::size_t elements = 0;
  std::size_t bytes = 0;
  int threads = 1;
  std::function<void(int thread)> run;
};
void measure_against_copy(benchmark::State& state, const Work& work);

}  // namespace lowp::bench
