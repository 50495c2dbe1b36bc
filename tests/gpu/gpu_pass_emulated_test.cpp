// SPDX-License-Identifier: Apache-2.0
// The GPU's pass, run thread by thread on the host, gives the tables and counts of the processor's pass, bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>

#include "emulated_grid.h"
#include "gpu_pass_samples.h"
#include "lowp/gpu_pass/pass_results.h"

using namespace lowp;
using namespace lowp::proof;

namespace {

BinadeTable counted(const PassSample& sample, std::uint64_t weight, TableOptions options = {}) {
  BinadeCounter counter(std::move(options));
  REQUIRE(static_cast<bool>(counter.count(*sample.dtype, sample.bytes, weight)));
  return counter.take();
}

// The bytes of a sample at an address that is `shift` elements beyond a multiple of sixteen bytes.
class Shifted {
 public:
  Shifted(const PassSample& sample, std::size_t shift)
      : held_(sample.bytes.size() / 16 + 3), offset_(shift * static_cast<std::size_t>(sample.dtype->bytes)) {
    std::ranges::copy(sample.bytes, at());
    size_ = sample.bytes.size();
  }
  gpu::ElementRun run() { return gpu::run_of(at(), size_); }

 private:
  std::byte* at() { return reinterpret_cast<std::byte*>(held_.data()) + offset_; }
  std::vector<gpu::Quad> held_;
  std::size_t offset_, size_ = 0;
};

std::unique_ptr<gpu::BinSums> no_bins() {
  auto sums = std::make_unique<gpu::BinSums>();
  sums->least_less_one = 0xffffffffu;
  return sums;
}

gpu::PassFacts no_facts() {
  gpu::PassFacts facts{};
  facts.least_less_one = 0xffffffffu;
  return facts;
}

std::vector<gpu::Page> touched(const std::vector<gpu::Page>& pages, const gpu::PassFacts& facts) {
  std::vector<gpu::Page> kept;
  for (std::size_t p = 0; p < pages.size(); ++p) {
    if (facts.pages_touched[p] != 0) kept.push_back(pages[p]);
  }
  return kept;
}

std::vector<std::uint32_t> words_of(const PassSample& sample) {
  std::vector<std::uint32_t> words(sample.bytes.size() / 4);
  if (!words.empty()) std::memcpy(words.data(), sample.bytes.data(), 4 * words.size());
  return words;
}

template <class L>
void check_counts(const char* dtype) {
  for (const PassSample& sample : pass_samples(dtype)) {
    CAPTURE(sample.name);
    for (const std::uint64_t weight : {1, 3}) {
      const TensorCounts want = counts_of(counted(sample, weight));
      auto sums = no_bins(), fewer_copies = no_bins();
      Shifted bytes(sample, 0), shifted(sample, 1);
      emulate_counts<L, 32>(bytes.run(), 3, 64, *sums);
      emulate_counts<L, 8>(shifted.run(), 2, 32, *fewer_copies);
      CHECK(gpu::counts_of(*sums, *sample.dtype, weight) == want);
      CHECK(gpu::counts_of(*fewer_copies, *sample.dtype, weight) == want);
    }
  }
}

}  // namespace

TEST_CASE("counts: the GPU's bins are the processor's counts") {
  SUBCASE("f32") {
    check_counts<gpu::Fp32Layout>("f32");
  }
  SUBCASE("f16") {
    check_counts<gpu::Fp16Layout>("f16");
  }
  SUBCASE("bf16") {
    check_counts<gpu::Bf16Layout>("bf16");
  }
}

TEST_CASE("16-bit elements: the GPU's codes are the processor's table") {
  for (const char* dtype : {"f16", "bf16"}) {
    for (const PassSample& sample : pass_samples(dtype)) {
      CAPTURE(dtype);
      CAPTURE(sample.name);
      for (const bool in_shared : {true, false}) {
        auto sums = std::make_unique<gpu::CodeSums>();
        Shifted bytes(sample, in_shared ? 5 : 0);
        emulate_codes(bytes.run(), 2, 128, in_shared, *sums);
        for (const int fraction_bits : {narrow_fraction_bits, wide_fraction_bits}) {
          const TableOptions options{fraction_bits, {}, {}};
          BinadeCounter counter(options);
          REQUIRE(static_cast<bool>(gpu::add_codes(*sums, *sample.dtype, 5, counter)));
          CHECK(counter.take() == counted(sample, 5, options));
        }
      }
    }
  }
}

TEST_CASE("f32: the GPU's leaves are the processor's table") {
  for (const PassSample& sample : pass_samples("f32")) {
    CAPTURE(sample.name);
    const std::vector<std::uint32_t> words = words_of(sample);
    const std::span<const std::uint32_t> all(words);
    // Few and many tiles; plans from the data, from its beginning only, and from nothing at all.
    for (const std::uint32_t tiles : {0, 1, 7, 28}) {
      for (const auto& looked_at : {all, all.first(std::min<std::size_t>(all.size(), 100)), all.first(0)}) {
        const gpu::PagePlan plan = gpu::plan_pages(looked_at, tiles);
        CAPTURE(tiles);
        CAPTURE(plan.roles);
        std::vector<gpu::Page> pages(gpu::page_count);
        gpu::PassFacts facts = no_facts();
        Shifted bytes(sample, tiles % 4);
        emulate_leaves(bytes.run(), 2, 64, plan, pages.data(), facts);
        const std::uint64_t weight = tiles == 7 ? 3 : 1;
        for (const int fraction_bits : {narrow_fraction_bits, wide_fraction_bits}) {
          const TableOptions options{fraction_bits, {}, {}};
          BinadeCounter counter(options);
          REQUIRE(static_cast<bool>(gpu::add_pages(touched(pages, facts), facts, weight, counter)));
          CHECK(counter.take() == counted(sample, weight, options));
        }
      }
    }
  }
}

TEST_CASE("launches add to what others left") {
  const PassSample first = gradient_sample("f32", 40001, -12, 3, 21),
                   second = gradient_sample("f32", 50001, -30, 3, 22);
  std::vector<gpu::Page> pages(gpu::page_count);
  gpu::PassFacts facts = no_facts();
  BinadeCounter sum;
  for (const PassSample* sample : {&first, &second}) {
    Shifted bytes(*sample, 0);
    emulate_leaves(bytes.run(), 3, 32, gpu::plan_pages(words_of(*sample), 6), pages.data(), facts);
    REQUIRE(static_cast<bool>(sum.add(counted(*sample, 1))));
  }
  BinadeCounter counter;
  REQUIRE(static_cast<bool>(gpu::add_pages(touched(pages, facts), facts, 1, counter)));
  CHECK(counter.take() == sum.take());
}

// A leaf fills while as many threads as a block may have are about to empty it: the worst order there is.
TEST_CASE("leaves do not overflow in any order of threads") {
  std::uint32_t sums = 0, squares = 0;
  gpu::LeafSums into{};
  std::uint64_t added = 0;
  const std::uint32_t tail = 4095;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint32_t> behind;
    for (std::uint32_t i = 0; i < gpu::full_leaf - 1; ++i, ++added) {
      CHECK(!gpu::add_tail(&sums, tail));
      if (gpu::add_square(&squares, tail)) into.tail_squared += std::uint64_t{1} << 32;
    }
    for (std::uint32_t thread = 0; thread < gpu::most_leaf_threads; ++thread, ++added) {
      CHECK(gpu::add_tail(&sums, tail));
      if (gpu::add_square(&squares, tail)) into.tail_squared += std::uint64_t{1} << 32;
    }
    for (std::uint32_t thread = 0; thread < gpu::most_leaf_threads; ++thread) gpu::empty_leaf(&sums, &into);
  }
  CHECK(sums == 0);
  CHECK(into.inside == added);
  CHECK(into.tail == added * tail);
  CHECK(into.tail_squared + squares == added * tail * tail);
}

// Threads picked at random, each adding or emptying as the kernel does: what the leaf and the sums hold adds up.
TEST_CASE("leaves add up under random orders") {
  std::mt19937 random(4);
  std::uint32_t sums = 0;
  gpu::LeafSums into{};
  std::vector<bool> behind(gpu::most_leaf_threads);
  std::uint64_t added = 0, total = 0;
  for (int step = 0; step < 400000; ++step) {
    const std::size_t thread = random() % behind.size();
    if (behind[thread]) {
      gpu::empty_leaf(&sums, &into);
      behind[thread] = false;
      continue;
    }
    const auto tail = static_cast<std::uint32_t>(1 + random() % 4095);
    behind[thread] = gpu::add_tail(&sums, tail);
    ++added;
    total += tail;
  }
  gpu::empty_leaf(&sums, &into);
  CHECK(into.inside == added);
  CHECK(into.tail == total);
}

TEST_CASE("neighbouring codes do not disturb each other in any order of threads") {
  std::vector<std::uint32_t> words(gpu::code_words);
  auto sums = std::make_unique<gpu::CodeSums>();
  std::map<std::uint32_t, std::uint64_t> added;
  for (int round = 0; round < 3; ++round) {
    for (const std::uint32_t code : {0x1234u, 0x1235u}) {
      for (std::uint32_t i = 0; i < gpu::full_code - 1; ++i, ++added[code]) CHECK(!gpu::count_code(words.data(), code));
    }
    for (std::uint32_t thread = 0; thread < gpu::most_code_threads; ++thread) {
      const std::uint32_t code = 0x1234u + (round == 0 ? thread % 2 : round - 1);
      CHECK(gpu::count_code(words.data(), code));
      ++added[code];
    }
    for (std::uint32_t thread = 0; thread < gpu::most_code_threads; ++thread) {
      gpu::empty_code(words.data(), 0x1234u >> 1, sums.get());
    }
  }
  for (const auto& [code, count] : added) CHECK(sums->count[code] == count);
}

TEST_CASE("threads that run at once leave the same tables") {
  for (const PassSample& sample : pass_samples("f32")) {
    if (sample.bytes.size() < 100000) continue;
    CAPTURE(sample.name);
    const BinadeTable want = counted(sample, 1);
    Shifted bytes(sample, 1);
    std::vector<gpu::Page> pages(gpu::page_count);
    gpu::PassFacts facts = no_facts();
    emulate_leaves(bytes.run(), 1, 32, gpu::plan_pages(words_of(sample), 12), pages.data(), facts, Order::at_once);
    BinadeCounter counter;
    REQUIRE(static_cast<bool>(gpu::add_pages(touched(pages, facts), facts, 1, counter)));
    CHECK(counter.take() == want);
    auto bins = no_bins();
    emulate_counts<gpu::Fp32Layout, 8>(bytes.run(), 1, 32, *bins, Order::at_once);
    CHECK(gpu::counts_of(*bins, *sample.dtype, 1) == counts_of(want));
  }
  for (const PassSample& sample : pass_samples("bf16")) {
    if (sample.bytes.size() < 100000) continue;
    CAPTURE(sample.name);
    Shifted bytes(sample, 1);
    auto codes = std::make_unique<gpu::CodeSums>();
    emulate_codes(bytes.run(), 1, 32, true, *codes, Order::at_once);
    BinadeCounter counter;
    REQUIRE(static_cast<bool>(gpu::add_codes(*codes, *sample.dtype, 1, counter)));
    CHECK(counter.take() == counted(sample, 1));
  }
}

TEST_CASE("plans: every key has one owner, tiles are given out once") {
  std::vector<std::vector<std::uint32_t>> samples{{}, {0x3f800001u}};
  for (const double deviation : {0.5, 3.0, 12.0}) {
    samples.push_back(words_of(gradient_sample("f32", 20000, -15, deviation, 9)));
  }
  for (const auto& sample : samples) {
    for (const std::uint32_t tiles : {0, 1, 2, 7, 13, 28}) {
      const gpu::PagePlan plan = gpu::plan_pages(sample, tiles);
      std::vector<int> owners(gpu::plan_keys);
      for (std::uint32_t role = 0; role < plan.roles; ++role) {
        std::vector<int> given(gpu::most_tiles);
        for (std::uint32_t key = 0; key < gpu::plan_keys; ++key) {
          const std::uint8_t place = plan.place[role][key];
          owners[key] += place == gpu::PagePlan::other ? 0 : 1;
          if (place == gpu::PagePlan::other || place == gpu::PagePlan::cold) continue;
          CHECK(plan.owner[role][place] == key);
          for (std::uint32_t t = 0; t < gpu::tiles_of(key); ++t) ++given[place + t];
        }
        for (std::uint32_t t = 0; t < gpu::most_tiles; ++t) CHECK(given[t] <= (t < tiles ? 1 : 0));
        for (std::uint32_t t = 0; t < gpu::most_tiles; ++t) {
          const std::uint16_t key = plan.owner[role][t];
          if (key != gpu::PagePlan::nobody) CHECK(plan.place[role][key] == t);
        }
      }
      CHECK(std::ranges::all_of(owners, [](int n) { return n == 1; }));
    }
  }
}

TEST_CASE("plans: one role where that is enough, more where it is not") {
  const auto narrow = words_of(gradient_sample("f32", 50000, -15, 2, 9));
  const auto wide = words_of(gradient_sample("f32", 50000, -15, 9, 9));
  CHECK(gpu::plan_pages(narrow, 28).roles == 1);
  CHECK(gpu::cold_share(gpu::plan_pages(narrow, 28), narrow) <= 0.1);
  CHECK(gpu::plan_pages(wide, 28).roles == 4);
}
