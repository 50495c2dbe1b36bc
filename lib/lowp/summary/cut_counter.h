// SPDX-License-Identifier: Apache-2.0
// The pass that only counts: no errors, a third of the work of a BinadeCounter. Exact like it, and mergeable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/core/dtype.h"
#include "lowp/summary/census.h"
#include "lowp/summary/cut_plan.h"
#include "lowp/summary/tensor_counts.h"

namespace lowp {

// Elements of each binade, without their signs, by the number of the plan's cuts at or below their fraction.
struct CutCounts : Census {
  using Parts = std::array<std::uint64_t, CutPlan::most_cuts + 1>;
  struct Row {
    int binade = 0;
    Parts parts{};
    friend bool operator==(const Row&, const Row&) = default;
  };
  CutPlan plan;
  std::vector<Row> rows;  // non-empty ones by rising binade

  friend bool operator==(const CutCounts&, const CutCounts&) = default;
};
TensorCounts counts_of(const CutCounts& cuts);
// The counts of both their elements; an Error for different plans.
Result<CutCounts> merged(const CutCounts& a, const CutCounts& b);

class CutCounter {
 public:
  static constexpr int lowest_binade = -149, highest_binade = 127;

  // Elements will be divided by 2^dump_scale_log2, the loss scale of the dump they come from.
  explicit CutCounter(CutPlan plan, int dump_scale_log2 = 0);
  ~CutCounter();
  CutCounter(CutCounter&&) noexcept;

  // Counts every element of `bytes` (whole elements of `dtype`, little-endian) `weight` times. An Error for FP64.
  Result<Done> count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight = 1);
  void count_zeros(std::uint64_t zeros);
  // Adds counts that a counter with this plan and dump scale gave; an Error for others.
  Result<Done> add(const CutCounts& counts);
  CutCounts take();  // what was counted; the counter is as new, its memory kept

  std::uint64_t elements() const { return totals_.elements; }

 private:
  struct Totals {
    std::uint64_t elements = 0, zero = 0, nan = 0, inf = 0;
    std::uint32_t max_magnitude = 0, min_magnitude = 0xffffffffu;  // FP32 words of finite numbers but zeros
  };

  void count_word(std::uint32_t word, std::uint64_t weight);
  void count_words(std::span<const std::byte> words, std::uint64_t weight);
  void count_pairs(std::span<const std::byte> words);
  void move_noticed(std::uint32_t magnitude);
  void take_pairs();

  CutPlan plan_;
  int dump_scale_log2_;
  Totals totals_;
  std::vector<CutCounts::Parts> binades_;  // from lowest_binade on
  struct Pairs;
  std::unique_ptr<Pairs> pairs_;  // the fast path, once it was taken
};

}  // namespace lowp
