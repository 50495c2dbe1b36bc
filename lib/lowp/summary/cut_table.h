// SPDX-License-Identifier: Apache-2.0
// The statistic for counts alone: no errors, a third of the work of a BinadeTable. Exact like it, and mergeable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/core/exact.h"
#include "lowp/summary/binade_counts.h"
#include "lowp/summary/sweep.h"

namespace lowp {

// The fractions, in units of 2^-23, at which an element of some binade at some scale is put into another class by some
// target: rising, the first is 1. Elements of one binade between two neighbours share their fate under every target.
class CutPlan {
 public:
  static constexpr std::size_t most_cuts = 15;
  static constexpr std::size_t most_common = 7;  // of them, those that more than one element in 64 lies beyond

  // Whether an element's sign has a say in its class: then counts without signs do not answer.
  static bool sign_matters(Rounding mode);
  // Nothing where the sign decides (directed modes) or where there are more cuts than a pass tells apart: then only a
  // BinadeTable answers. Targets share one rounding mode. Found by bisection with core's rounding, not by formulas.
  static std::optional<CutPlan> make(std::span<const Target> targets);

  std::span<const std::uint32_t> cuts() const { return cuts_; }
  std::span<const std::uint32_t> common() const { return std::span(cuts_).subspan(1, common_); }
  std::uint32_t first_rare() const;  // the smallest cut that is not common but the first; 2^23 if there is none
  std::size_t part_of(std::uint32_t fraction) const;  // number of cuts at or below
  friend bool operator==(const CutPlan&, const CutPlan&) = default;

 private:
  std::vector<std::uint32_t> cuts_;
  std::size_t common_ = 0;
};

class CutTable {
 public:
  static constexpr int lowest_binade = -149, highest_binade = 127;

  explicit CutTable(CutPlan plan);
  ~CutTable();
  CutTable(CutTable&&) noexcept;

  // Counts every element of `bytes` (whole elements of `dtype`, little-endian, not FP64) `weight` times. Until settle()
  // only counting and clear() are allowed.
  void count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight = 1);
  void count_zeros(std::uint64_t zeros);
  void settle();
  void merge(const CutTable& other);  // made with the same plan
  void clear();

  std::uint64_t elements() const { return totals_.elements; }
  TensorCounts counts() const;  // binades without their signs: none of a plan's targets looks at one

  // What `target`, one of the plan's, makes of the elements. Errors and the count of exact results stay unknown.
  Outcome measure(const Target& target, const ScaleRange& scales, int scale_log2) const;

 private:
  struct Totals {
    std::uint64_t elements = 0, zero = 0, nan = 0, inf = 0;
    std::uint32_t max_magnitude = 0, min_magnitude = 0xffffffffu;  // FP32 words of finite numbers but zeros
  };
  using Parts = std::array<std::uint64_t, CutPlan::most_cuts + 1>;

  void count_word(std::uint32_t word, std::uint64_t weight);
  void count_words(std::span<const std::byte> words, std::uint64_t weight);
  void count_pairs(std::span<const std::byte> words);
  void move_noticed(std::uint32_t magnitude);

  CutPlan plan_;
  Totals totals_;
  std::vector<Parts> binades_;  // from lowest_binade on
  struct Pairs;
  std::unique_ptr<Pairs> pairs_;  // the fast path, once it was taken
};

}  // namespace lowp
