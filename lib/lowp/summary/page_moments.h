// SPDX-License-Identifier: Apache-2.0
// From leaves to what rounding does to each binade, at every width they resolve.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "lowp/summary/binade_table.h"

namespace lowp {

// What rounding one page to q fraction bits does, for every q the table resolves.
struct PageMoments {
  bool negative = false;
  int binade = 0;
  Group all;                                // every element as it is: exact, no error
  std::array<Distances, 12> by_fraction{};  // q = -1 .. 10 at index q + 1
  std::array<Group, 12> whole{};            // the same without telling distances apart
  std::map<int, Distances> wide;

  const Distances& rounded_to(int q) const;  // -1 <= q; q must be resolved
  Group all_rounded_to(int q) const;         // all distances together
  void sum_up();                             // `all` and `whole` from `by_fraction`

  friend bool operator==(const PageMoments&, const PageMoments&) = default;
};

// A tensor under one rounding mode: what sweeps with that mode ask.
struct MomentTable {
  Census census;
  Rounding rounding = Rounding::nearest_even;
  int fraction_bits = narrow_fraction_bits;
  std::vector<PageMoments> pages;  // as those of the table

  friend bool operator==(const MomentTable&, const MomentTable&) = default;
};
// Widths beyond the leaves only where the table recorded them for this mode.
MomentTable moments_of(const BinadeTable& table, Rounding rounding);

}  // namespace lowp
