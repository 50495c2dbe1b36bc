// SPDX-License-Identifier: Apache-2.0
// The one pass over FP32 words and what follows from it, against a copy of the same words in the same process.
// Names: pass/formats x scales/errors or counts/data set/log2 of elements/threads.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "bench_data.h"
#include "bench_pair.h"
#include "lowp/core/formats.h"
#include "lowp/summary/binade_counter.h"
#include "lowp/summary/cut_counter.h"
#include "lowp/summary/sweep.h"

namespace lowp::bench {
namespace {

constexpr std::size_t in_second_level_pass = std::size_t{1} << 16;  // elements: a quarter of a megabyte, only read

struct Asked {
  std::string name;
  Question question;
};

Asked asked(std::string name, std::initializer_list<const char*> formats, int low, int high) {
  Asked made{std::move(name), {{}, Rounding::nearest_even, {}, {low, high}}};
  for (const char* format : formats) made.question.formats.push_back({format, find_format(format).format});
  return made;
}
const Asked one = asked("1x1", {"fp16"}, 16, 16);
const Asked usual = asked("4x41", {"fp16", "bf16", "e4m3", "e5m2"}, -8, 32);
const Asked many = asked("8x64", {"fp16", "bf16", "e4m3", "e5m2", "e4m3fnuz", "e3m2", "e2m3", "e2m1"}, -31, 32);

struct Case {
  const Asked* asked;
  bool counts_only = false;
  std::string_view data = "A";
  std::size_t elements = in_memory;
  int threads = 1;
};

Room<float>& memory_with(std::string_view data) {
  static Room<float> memory(in_memory);
  static std::string_view holds;
  if (holds != data) std::copy(data_set(data).begin(), data_set(data).end(), memory.begin());
  holds = data;
  return memory;
}

// One tensor from its words to every answer: the counter gives its table, then each format at each scale.
template <class Counter>
std::uint64_t answer(Counter& counter, std::span<const std::byte> words, const Question& question) {
  if (!counter.count(*find_dtype("f32"), words)) std::abort();
  const Evidence evidence{counter.take()};
  const auto sweep = Sweep::of(evidence, question);
  std::uint64_t flushed = 0;
  for (std::size_t format = 0; format < question.formats.size(); ++format) {
    for (int scale = question.scales.low; scale <= question.scales.high; ++scale) {
      flushed += sweep->at(format, scale).counts[ElementClass::flushed].most;
    }
  }
  return flushed;
}

template <class Counter>
void run_case(benchmark::State& state, const Case& c, std::vector<Counter>& counters) {
  const std::size_t part = c.elements / static_cast<std::size_t>(c.threads);
  // What fits a cache is gone through again and again, as one tensor of 2^24 elements would be.
  const std::span<const float> in = std::span<const float>(memory_with(c.data)).first(c.elements);
  const auto work = [&](int thread) {
    const auto words = std::as_bytes(in.subspan(part * static_cast<std::size_t>(thread), part));
    benchmark::DoNotOptimize(answer(counters[static_cast<std::size_t>(thread)], words, c.asked->question));
  };
  Room<float> to(c.elements, 1);
  measure_against_copy(state, {c.elements, 2 * c.elements * sizeof(float), c.threads, work, in.data(), to.data()});
}

// Counting alone, many times over the same words in the cache: the counter is neither emptied nor asked.
template <class Counter>
void run_kernel(benchmark::State& state, const Case& c, Counter& counter) {
  const std::span<const float> in = std::span<const float>(memory_with(c.data)).first(c.elements);
  Room<float> to(c.elements, 1);
  const auto work = [&](int) { (void)counter.count(*find_dtype("f32"), std::as_bytes(in)); };
  measure_against_copy(state, {c.elements, 2 * c.elements * sizeof(float), 1, work, in.data(), to.data()});
}

void add(const Case& c) {
  const bool small = c.elements == in_second_level_pass;
  const std::string name = std::string(small ? "count" : "pass") + "/" + c.asked->name + "/" +
                           (c.counts_only ? "counts" : "errors") + "/" + std::string(c.data) + "/2^" +
                           (small ? "16" : "24") + "/" + std::to_string(c.threads);
  const auto body = [c, small](benchmark::State& state) {
    if (c.counts_only) {
      std::vector<CutCounter> counters;
      for (int t = 0; t < c.threads; ++t) counters.emplace_back(*CutPlan::make(c.asked->question));
      small ? run_kernel(state, c, counters[0]) : run_case(state, c, counters);
    } else {
      std::vector<BinadeCounter> counters(static_cast<std::size_t>(c.threads));
      small ? run_kernel(state, c, counters[0]) : run_case(state, c, counters);
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), body)->UseManualTime()->Iterations(15);
}

// The yardstick beside the copy: a sum of the same words.
void add_sum(std::size_t elements) {
  const auto body = [elements](benchmark::State& state) {
    const std::span<const float> in = std::span<const float>(memory_with("A")).first(elements);
    Room<float> to(elements, 1);
    const auto work = [&](int) {
      float lanes[64] = {};
      for (std::size_t i = 0; i + 64 <= in.size(); i += 64) {
        for (std::size_t lane = 0; lane < 64; ++lane) lanes[lane] += in[i + lane];
      }
      benchmark::DoNotOptimize(std::accumulate(std::begin(lanes), std::end(lanes), 0.0F));
    };
    measure_against_copy(state, {elements, 2 * elements * sizeof(float), 1, work, in.data(), to.data()});
  };
  const char* name = elements == in_memory ? "sum/fp32/read/A/2^24/1" : "sum/fp32/read/A/2^16/1";
  benchmark::RegisterBenchmark(name, body)->UseManualTime()->Iterations(15);
}

}  // namespace
}  // namespace lowp::bench

int main(int argc, char** argv) {
  using namespace lowp::bench;
  add_sum(in_memory);
  add_sum(in_second_level_pass);
  for (const bool counts_only : {false, true}) {
    for (const std::string_view data : data_sets) {
      add({&usual, counts_only, data, in_memory, 1});
      add({&usual, counts_only, data, in_second_level_pass, 1});
    }
    add({&one, counts_only, "A", in_memory, 1});
    add({&many, counts_only, "A", in_memory, 1});
    add({&usual, counts_only, "A", in_memory, 2});
  }
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
