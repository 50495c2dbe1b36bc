// SPDX-License-Identifier: Apache-2.0
// At which fractions of a binade the answers to a question change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lowp/summary/question.h"

namespace lowp {

// The fractions, in units of 2^-23, at which an element of some binade at some scale is put into another class by some
// format: rising, the first is 1. Elements of one binade between two neighbours share their fate.
class CutPlan {
 public:
  static constexpr std::size_t most_cuts = 15;
  static constexpr std::size_t most_common = 7;  // of them, those that more than one element in 64 lies beyond

  CutPlan() = default;  // tells powers of two apart and nothing else: the ties of half the smallest number
  // Nothing where the sign decides (directed modes) or where there are more cuts than a pass tells apart: then only a
  // BinadeTable answers. Found by bisection with core's rounding, not by formulas.
  static std::optional<CutPlan> make(const Question& question);

  std::span<const std::uint32_t> cuts() const { return cuts_; }
  std::span<const std::uint32_t> common() const { return std::span(cuts_).subspan(1, common_); }
  std::uint32_t first_rare() const;  // the smallest cut that is not common but the first; 2^23 if there is none
  std::size_t part_of(std::uint32_t fraction) const;  // number of cuts at or below
  friend bool operator==(const CutPlan&, const CutPlan&) = default;

 private:
  std::vector<std::uint32_t> cuts_{1};
  std::size_t common_ = 0;
};

}  // namespace lowp
