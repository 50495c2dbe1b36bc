// SPDX-License-Identifier: Apache-2.0
// Elements that round alike, and the widths that a table must record element by element.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lowp/exact/wide_sum.h"
#include "lowp/summary/question.h"

namespace lowp {

// A finite non-zero element is (-1)^negative * significand * 2^(binade - fraction_bits), the significand in
// [2^fraction_bits, 2^(fraction_bits + 1)). Tables count in that unit: 23 bits hold FP32 and everything narrower,
// 52 bits hold FP64.
inline constexpr int narrow_fraction_bits = 23;
inline constexpr int wide_fraction_bits = 52;
inline constexpr int leaf_bits = 11;  // leading fraction bits that leaves tell apart: rounds to 10 bits and fewer

// Elements that share sign, binade and the representable number they round to being the same distance from the end of
// the binade. Errors are |result - element| in units of 2^(binade - fraction_bits), squares in units squared.
struct Group {
  std::uint64_t count = 0;
  std::uint64_t exact = 0;
  uint128 error_up = 0;    // summed over elements rounded away from zero
  uint128 error_down = 0;  // summed over elements rounded towards zero
  Integer256 error_squared;
  uint128 sum = 0;  // of the elements themselves
  Integer256 sum_squared;

  void add(const Group& other);
  friend bool operator==(const Group&, const Group&) = default;
};

// What rounding to q fraction bits does to one binade: by_distance[d] holds the elements whose result lies d units of
// 2^(binade - q) below the next power of two, 3 standing for "3 or more". d = 0 is a carry into the next binade.
using Distances = std::array<Group, 4>;

// Fraction widths that formats with `leaf_bits` fraction bits and more need beside the leaves, per binade of the
// elements divided by the dump's loss scale.
class WidePlan {
 public:
  static constexpr int lowest_binade = -1074 - scale_log2_limit;
  static constexpr int binades = 1023 + scale_log2_limit - lowest_binade + 1;

  bool empty() const { return needed_.empty(); }
  std::uint64_t needed(int binade) const {  // bit q is set when rounding to q fraction bits must be recorded
    return needed_.empty() ? 0 : needed_[static_cast<std::size_t>(binade - lowest_binade)];
  }
  void need(int binade, int fraction_bits);
  friend bool operator==(const WidePlan&, const WidePlan&) = default;

 private:
  std::vector<std::uint64_t> needed_;
};

// How a counter makes its table.
struct TableOptions {
  int fraction_bits = narrow_fraction_bits;
  Rounding rounding = Rounding::nearest_even;  // used only by `wide`
  WidePlan wide;

  friend bool operator==(const TableOptions&, const TableOptions&) = default;
};

// The options of tables that answer `question`, which has no fault.
TableOptions table_options(const Question& question, int fraction_bits);

}  // namespace lowp
