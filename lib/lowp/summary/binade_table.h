// SPDX-License-Identifier: Apache-2.0
// The sufficient statistic of a tensor, as a value: every count and every error moment follows from it exactly, for
// every power-of-two scale and every format whose fraction it resolves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/census.h"
#include "lowp/summary/rounded_groups.h"

namespace lowp {

// Elements that share their sign, their binade and their leading bits. `tail` sums what lies below those bits.
struct Cell128 {
  std::uint64_t count = 0;
  std::uint64_t exact = 0;  // elements whose tail is zero
  uint128 tail = 0;
  Integer256 tail_squared;

  friend bool operator==(const Cell128&, const Cell128&) = default;
};

// Elements are divided by the dump's loss scale. Immutable; made by BinadeCounter::take() and added by merged().
class BinadeTable {
 public:
  static constexpr std::size_t leaves = std::size_t{1} << leaf_bits;

  struct Cell {  // sums modulo 2^64; what wide tables have beyond that is in `highs`
    std::uint64_t count = 0, exact = 0, tail = 0, tail_squared = 0;
    std::uint16_t leaf = 0;
    friend bool operator==(const Cell&, const Cell&) = default;
  };
  struct High {
    std::uint64_t tail = 0, tail_squared = 0;
    friend bool operator==(const High&, const High&) = default;
  };
  // One sign and one binade; its cells by rising leaf, none empty.
  struct Page {
    bool negative = false;
    int binade = 0;
    std::size_t begin = 0, end = 0;  // of its cells
    std::map<int, Distances> wide;   // by fraction width
    friend bool operator==(const Page&, const Page&) = default;
  };
  struct Parts {
    int fraction_bits = narrow_fraction_bits;
    Rounding rounding = Rounding::nearest_even;  // of the widths that pages recorded; this one where there are none
    Census census;
    std::vector<Page> pages;  // none empty: negative first, each sign by rising binade
    std::vector<Cell> cells;
    std::vector<High> highs;  // as many as cells in tables of 52 fraction bits, else none
    friend bool operator==(const Parts&, const Parts&) = default;
  };

  BinadeTable() = default;
  // Parts as said above; anything else is our own mistake.
  explicit BinadeTable(Parts parts);

  int fraction_bits() const { return parts_.fraction_bits; }
  Rounding rounding() const { return parts_.rounding; }
  bool has_wide() const;  // whether any page recorded a width
  const Census& census() const { return parts_.census; }
  std::span<const Page> pages() const { return parts_.pages; }
  std::span<const Cell> cells(const Page& page) const {
    return std::span(parts_.cells).subspan(page.begin, page.end - page.begin);
  }
  Cell128 cell(std::size_t index) const;  // of all cells; a page's are begin .. end - 1
  std::size_t cell_count() const { return parts_.cells.size(); }

  friend bool operator==(const BinadeTable&, const BinadeTable&) = default;

 private:
  static BinadeTable sum_of(const Parts& left, const Parts& right);
  friend Result<BinadeTable> merged(const BinadeTable& a, const BinadeTable& b);

  Parts parts_;
};

// The table of both their elements. Tables of 23 bits become ones of 52 where the other is. An Error where they record
// different widths or rounding modes.
Result<BinadeTable> merged(const BinadeTable& a, const BinadeTable& b);

}  // namespace lowp
