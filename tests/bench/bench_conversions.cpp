// SPDX-License-Identifier: Apache-2.0
// round_batch, encode_batch and decode_batch against a copy and a sum of the same bytes in the same process.
// Names: what/format/mode/data set/log2 of elements/threads.
#include <algorithm>
#include <numeric>
#include <string>

#include "bench_data.h"
#include "bench_pair.h"
#include "lowp/batch/batch.h"
#include "lowp/core/formats.h"

namespace lowp::bench {
namespace {

struct Case {
  std::string_view format = "fp32";
  Rounding mode = Rounding::nearest_even;
  std::string_view mode_name = "nearest_even";
  std::string_view data = "A";
  std::size_t elements = in_memory;
  int threads = 1;
};

std::string name_of(const char* what, const Case& c) {
  const int log2 = c.elements == in_memory ? 24 : 15;
  return std::string(what) + "/" + std::string(c.format) + "/" + std::string(c.mode_name) + "/" + std::string(c.data) +
         "/2^" + std::to_string(log2) + "/" + std::to_string(c.threads);
}

std::span<const float> part_of(std::span<const float> all, const Case& c, int thread) {
  const std::size_t part = c.elements / static_cast<std::size_t>(c.threads);
  return all.subspan(part * static_cast<std::size_t>(thread), part);
}

// One place for what is read and one for what is written, whatever the case: data sets and formats differ in nothing
// but their values. The copy of the same bytes uses them too.
struct Memory {
  std::string_view holds;
  Room<float> in = Room<float>(in_memory);
  Room<unsigned char> out = Room<unsigned char>(in_memory * sizeof(float), 1);
};
Memory& memory_with(std::string_view data) {
  static Memory memory;
  if (memory.holds != data) std::copy(data_set(data).begin(), data_set(data).end(), memory.in.begin());
  memory.holds = data;
  return memory;
}

struct Bytes {  // per element
  std::size_t in;
  std::size_t out;
};

template <class Run>
void add(const char* what, const Case& c, Bytes bytes, Run run) {
  const auto body = [c, bytes, run](benchmark::State& state) {
    Memory& memory = memory_with(c.data);
    const std::span<const float> in = std::span<const float>(memory.in).first(c.elements);
    const auto one = [&](int thread) {
      const std::span<const float> part = part_of(in, c, thread);
      const auto first = static_cast<std::size_t>(part.data() - in.data());
      run(c, part, memory.out.data() + first * bytes.out, first);
    };
    measure_against_copy(
        state, {c.elements, c.elements * (bytes.in + bytes.out), c.threads, one, memory.in.data(), memory.out.data()});
  };
  benchmark::RegisterBenchmark(name_of(what, c).c_str(), body)->UseManualTime()->Iterations(15);
}

void round_case(const Case& c, std::span<const float> in, unsigned char* out, std::uint64_t first) {
  const std::span<float> values(reinterpret_cast<float*>(out), in.size());
  round_batch(find_format(c.format).format, {.rounding = c.mode}, in, values, {1, first, 16});
}

template <class Word>
void encode_case(const Case& c, std::span<const float> in, unsigned char* out, std::uint64_t first) {
  const std::span<Word> codes(reinterpret_cast<Word*>(out), in.size());
  encode_batch(find_format(c.format).format, {.rounding = c.mode}, in, codes, {1, first, 16});
}

// The patterns of `in` read as codes: all of them occur.
template <class Word>
void decode_case(const Case& c, std::span<const float> in, unsigned char* out, std::uint64_t) {
  const std::span<const Word> codes(reinterpret_cast<const Word*>(in.data()), in.size());
  decode_batch(find_format(c.format).format, codes, std::span<float>(reinterpret_cast<float*>(out), in.size()));
}

void sum_case(const Case&, std::span<const float> in, unsigned char*, std::uint64_t) {
  float lanes[64] = {};
  for (std::size_t i = 0; i + 64 <= in.size(); i += 64) {
    for (std::size_t lane = 0; lane < 64; ++lane) lanes[lane] += in[i + lane];
  }
  benchmark::DoNotOptimize(std::accumulate(std::begin(lanes), std::end(lanes), 0.0F));
}

// The bars: four formats, nearest even, every data set, both sizes; and stochastic rounding.
void add_main_cases() {
  for (const std::string_view data : data_sets) {
    for (const std::size_t elements : {in_memory, in_second_level}) {
      for (const char* format : {"fp16", "bf16", "e4m3", "e5m2"}) {
        add("round", {.format = format, .data = data, .elements = elements}, {4, 4}, round_case);
      }
      for (const char* format : {"fp16", "bf16", "e4m3", "e5m2"}) {
        add("round",
            {.format = format,
             .mode = Rounding::stochastic_a,
             .mode_name = "stochastic_a",
             .data = data,
             .elements = elements},
            {4, 4}, round_case);
      }
    }
  }
}

// Every other row and mode on data set A, in memory.
void add_table() {
  for (const NamedFormat& row : format_table) {
    if (row.name == "fp64") continue;
    for (const RoundingName& mode : rounding_names) {
      add("table", {.format = row.name, .mode = mode.mode, .mode_name = mode.name}, {4, 4}, round_case);
    }
  }
}

void add_threads() {
  for (const int threads : {1, 2}) {
    for (const std::size_t elements : {in_memory, in_second_level}) {
      add("threads",
          {.format = "e4m3",
           .mode = Rounding::stochastic_a,
           .mode_name = "stochastic_a",
           .elements = elements,
           .threads = threads},
          {4, 4}, round_case);
      add("threads", {.format = "e4m3", .elements = elements, .threads = threads}, {4, 4}, round_case);
    }
  }
}

void add_codes() {
  for (const std::size_t elements : {in_memory, in_second_level}) {
    add("encode", {.format = "fp16", .elements = elements}, {4, 2}, encode_case<std::uint16_t>);
    add("encode", {.format = "bf16", .elements = elements}, {4, 2}, encode_case<std::uint16_t>);
    add("encode", {.format = "e4m3", .elements = elements}, {4, 1}, encode_case<std::uint8_t>);
    add("decode", {.format = "fp16", .elements = elements}, {2, 4}, decode_case<std::uint16_t>);
    add("decode", {.format = "bf16", .elements = elements}, {2, 4}, decode_case<std::uint16_t>);
    add("decode", {.format = "e4m3", .elements = elements}, {1, 4}, decode_case<std::uint8_t>);
    add("sum", {.format = "fp32", .mode_name = "read", .elements = elements}, {4, 0}, sum_case);
  }
}

}  // namespace
}  // namespace lowp::bench

int main(int argc, char** argv) {
  using namespace lowp::bench;
  add_main_cases();
  add_threads();
  add_codes();
  add_table();
  benchmark::AddCustomContext("instruction_set", std::string(lowp::chosen_implementation().name));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
