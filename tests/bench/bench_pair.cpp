// SPDX-License-Identifier: Apache-2.0
#include "bench_pair.h"

#include <time.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace lowp::bench {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Run>
double seconds_of(int repeats, Run run) {
  const double start = thread_seconds();
  for (int i = 0; i < repeats; ++i) {
    run();
    benchmark::ClobberMemory();
  }
  return (thread_seconds() - start) / repeats;
}

template <class Run>
double slowest(int threads, Run run) {
  std::vector<double> seconds(static_cast<std::size_t>(threads));
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back([&, t] { seconds[static_cast<std::size_t>(t)] = run(t); });
  seconds[0] = run(0);
  for (std::thread& other : others) other.join();
  return *std::max_element(seconds.begin(), seconds.end());
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

void measure_against_copy(benchmark::State& state, const Work& work) {
  const std::size_t part = work.bytes / 2 / static_cast<std::size_t>(work.threads);
  const bool own = work.from == nullptr;
  Room<char> memory(own ? 2 * part * static_cast<std::size_t>(work.threads) : 0, 1);  // touched: no page fault is timed
  const char* from = own ? memory.data() : static_cast<const char*>(work.from);
  char* to = own ? memory.data() + memory.size() / 2 : static_cast<char*>(work.to);
  const int repeats = work.bytes < (std::size_t{16} << 20) ? static_cast<int>((std::size_t{64} << 20) / work.bytes) : 1;
  std::vector<double> seconds;
  std::vector<double> ratios;
  std::vector<double> copies;
  const auto copy = [&](int t) {
    const std::size_t at = part * static_cast<std::size_t>(t);
    return seconds_of(repeats, [&] { std::memcpy(to + at, from + at, part); });
  };
  const auto one = [&](int t) { return seconds_of(repeats, [&] { work.run(t); }); };
  slowest(work.threads, one);
  slowest(work.threads, copy);
  for (auto _ : state) {
    copies.push_back(slowest(work.threads, copy));
    seconds.push_back(slowest(work.threads, one));
    ratios.push_back(copies.back() / seconds.back());
    state.SetIterationTime(seconds.back());
  }
  const double elements = static_cast<double>(work.elements);
  state.counters["Gelem_s"] = elements / median(seconds) * 1e-9;
  state.counters["memcpy_Gelem_s"] = elements / median(copies) * 1e-9;
  state.counters["of_memcpy"] = median(ratios);
}

}  // namespace lowp::bench
