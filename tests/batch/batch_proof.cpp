// SPDX-License-Identifier: Apache-2.0
// Every kernel of every instruction set against core: edges and strided inputs of every row, mode and overflow rule,
// and all 2^32 inputs of the commonest conversions. LOWP_FULL=1: all 2^32 inputs of everything.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "batch_cases.h"

namespace lowp::batch_proof {
namespace {

struct Conversions {
  const NamedFormat* row;
  Conversion how;
  std::string name;
};

std::vector<Conversions> deterministic_conversions() {
  std::vector<Conversions> all;
  for (const NamedFormat& row : format_table) {
    for (const RoundingName& mode : rounding_names) {
      for (const OverflowName& rule : overflow_names) {
        const Conversion how{.rounding = mode.mode, .overflow = rule.rule};
        if (is_stochastic(mode.mode) || paths(row.format, how, 0).empty()) continue;
        all.push_back({&row, how, std::string(row.name) + " " + std::string(mode.name) + " " + std::string(rule.name)});
      }
    }
  }
  return all;
}

// work(0), ..., work(count - 1), each once, on two threads.
template <class Work>
void on_two_threads(std::size_t count, Work work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::thread helper(loop);
  loop();
  helper.join();
}

// Differences of many threads, the first of them in words.
class Differences {
 public:
  void add(const std::string& where, const std::string& what) {
    if (what.empty()) return;
    const std::lock_guard<std::mutex> hold(mutex_);
    if (count_++ == 0) first_ = where + ": " + what;
  }
  void check() const {
    CAPTURE(first_);
    CHECK(count_ == 0);
  }

 private:
  std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::string first_;
};

// What core gives for in[first .. last], where magnitudes ascend and the sign is one. Rounding is monotone
// (lattice_proof and fp32_proof hold core against the oracle), so between two sources of one result there is only that
// result. NaN, which stands where magnitudes end, is a result like others.
void fill_between(Format f, Conversion how, const std::vector<float>& in, std::vector<float>& out, std::size_t first,
                  std::size_t last) {
  if (last - first < 2) return;
  if (std::bit_cast<std::uint32_t>(out[first]) == std::bit_cast<std::uint32_t>(out[last])) {
    for (std::size_t i = first + 1; i < last; ++i) out[i] = out[first];
    return;
  }
  const std::size_t middle = first + (last - first) / 2;
  out[middle] = std::bit_cast<float>(core_value(f, core_code(f, how, std::bit_cast<std::uint32_t>(in[middle]), {}, 0)));
  fill_between(f, how, in, out, first, middle);
  fill_between(f, how, in, out, middle, last);
}

// NaN both where E4M3 overflows and where the source is NaN is not a contradiction: all in between are NaN too. Formats
// that clamp NaN and overflow alike have Inf between them, which could differ: ends are taken apart there.
void rounded_by_core_monotone(Format f, Conversion how, const std::vector<float>& in, std::vector<float>& out) {
  constexpr std::size_t piece = 4096;
  const auto value = [&](std::size_t i) {
    return std::bit_cast<float>(core_value(f, core_code(f, how, std::bit_cast<std::uint32_t>(in[i]), {}, 0)));
  };
  for (std::size_t first = 0; first < in.size(); first += piece) {
    const std::size_t last = std::min(first + piece, in.size()) - 1;
    out[first] = value(first);
    out[last] = value(last);
    const auto a = std::bit_cast<std::uint32_t>(in[first]);
    const auto b = std::bit_cast<std::uint32_t>(in[last]);
    const bool holds_inf = (a >> 31) != (b >> 31) || ((a & 0x7fffffff) <= 0x7f800000 && (b & 0x7fffffff) > 0x7f800000);
    if (!holds_inf) {
      fill_between(f, how, in, out, first, last);
    } else {
      for (std::size_t i = first; i <= last; ++i) out[i] = value(i);
    }
  }
}

void compare(const Conversions& c, const std::vector<float>& in, const std::vector<float>& wanted, Differences& found,
             std::vector<float>& out) {
  out.resize(in.size());
  for (const Path path : paths(c.row->format, c.how, 0)) {
    round_batch_on(path, c.row->format, c.how, in, out);
    found.add(c.name + (path == Path::magic_add ? ", magic add" : ", integer"), first_difference(in, out, wanted));
  }
}

// Strided patterns in blocks of 2^20; every kernel, core only where the result changes.
void compare_strided(const Conversions& c, std::uint64_t stride, Differences& found) {
  constexpr std::size_t block = std::size_t{1} << 20;
  const std::size_t count = std::min<std::uint64_t>(block, (std::uint64_t{1} << 32) / stride);
  std::vector<float> wanted(count);
  std::vector<float> out;
  for (std::uint64_t first = stride / 3; first < std::uint64_t{1} << 32; first += stride * count) {
    const std::vector<float> in = strided(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(stride), count);
    rounded_by_core_monotone(c.row->format, c.how, in, wanted);
    compare(c, in, wanted, found, out);
  }
}

TEST_CASE("every row, mode and overflow rule, every kernel of every instruction set: edges and strided inputs") {
  const KeepInstructionSet keep;
  const std::vector<std::string_view> sets = instruction_sets();
  REQUIRE(!sets.empty());
  REQUIRE(choose_implementation(sets[0]));
  const std::vector<Conversions> all = deterministic_conversions();
  CHECK(all.size() >= 300);
  const bool full = std::getenv("LOWP_FULL") != nullptr;
  for (const std::string_view isa : sets) {
    REQUIRE(choose_implementation(isa));
    Differences found;
    const std::uint64_t stride = full ? 1 : isa == sets[0] ? 64 : 4096;
    on_two_threads(all.size(), [&](std::size_t i) {
      std::vector<float> out;
      compare(all[i], edges(), rounded_by_core(all[i].row->format, all[i].how, edges(), {}), found, out);
      compare_strided(all[i], stride, found);
    });
    CAPTURE(isa);
    found.check();
  }
}

// Few draws make ties common, which is where the stochastic modes differ; sixteen is what kernels are made for, more
// takes a second block of random bits.
TEST_CASE("every row and stochastic mode, every instruction set: edges, for few and many draws") {
  struct Drawn {
    const NamedFormat* row;
    Rounding mode;
    int count;
  };
  std::vector<Drawn> all;
  for (const NamedFormat& row : format_table) {
    for (const Rounding mode : {Rounding::stochastic_a, Rounding::stochastic_b, Rounding::stochastic_c}) {
      for (const int count : {1, 2, 3, 8, 16, 23}) {
        if (best_path(row.format, {.rounding = mode}, count) != Path::core) all.push_back({&row, mode, count});
      }
    }
  }
  CHECK(all.size() >= 300);
  const KeepInstructionSet keep;
  const std::vector<std::string_view> sets = instruction_sets();
  std::vector<std::vector<float>> wanted(all.size());
  Differences found;
  for (std::size_t first = 0; first < all.size(); first += 18) {  // all results at once would take a gigabyte
    const std::size_t count = std::min<std::size_t>(18, all.size() - first);
    on_two_threads(count, [&](std::size_t i) {
      const Drawn& c = all[first + i];
      wanted[i] = rounded_by_core(c.row->format, {.rounding = c.mode}, edges(), {99, 1, c.count});
    });
    for (const std::string_view isa : sets) {
      REQUIRE(choose_implementation(isa));
      on_two_threads(count, [&](std::size_t i) {
        const Drawn& c = all[first + i];
        std::vector<float> out(edges().size());
        for (const Path path : {Path::magic_add, Path::integer}) {
          round_batch_on(path, c.row->format, {.rounding = c.mode}, edges(), out, {99, 1, c.count});
          found.add(std::string(isa) + " " + std::string(c.row->name) + " " + std::to_string(c.count),
                    first_difference(edges(), out, wanted[i]));
        }
      });
    }
  }
  found.check();
}

TEST_CASE("all 2^32 inputs into FP16, BF16, E4M3 and E5M2, nearest even, on the best instruction set") {
  const KeepInstructionSet keep;
  REQUIRE(choose_implementation(instruction_sets()[0]));
  std::vector<Conversions> chosen;
  for (const Conversions& c : deterministic_conversions()) {
    for (const char* name : {"fp16", "bf16", "e4m3", "e5m2"}) {
      if (c.name == std::string(name) + " nearest_even ieee") chosen.push_back(c);
    }
  }
  REQUIRE(chosen.size() == 4);
  Differences found;
  on_two_threads(chosen.size(), [&](std::size_t i) { compare_strided(chosen[i], 1, found); });
  found.check();
}

}  // namespace
}  // namespace lowp::batch_proof
