// SPDX-License-Identifier: Apache-2.0
// Counts in the shape in which they are kept, and their sums.
#include <bit>
#include <utility>

#include "lowp/summary/binade_counts.h"
#include "lowp/summary/varint.h"

namespace lowp {
namespace {

constexpr int lowest = -2048;  // below every binade

}  // namespace

void BinadeCountsRow::add(const BinadeCountsRow& other) {
  count += other.count;
  above_13_16 += other.above_13_16;
  for (std::size_t j = 0; j < at_least.size(); ++j) at_least[j] += other.at_least[j];
  for (std::size_t q = 0; q < on_grid.size(); ++q) on_grid[q] += other.on_grid[q];
  for (std::size_t place = 0; place < places; ++place) equal[place] += other.equal[place];
}

// A row: its place, its number of elements, how many fewer each next place has, the grids that have any, the places of
// equal fractions that have any.
BinadeCounts::BinadeCounts(const CountedRows& counted) : Census(counted) {
  packed_.reserve(counted.rows.size() * 40);
  for (const BinadeCountsRow& row : counted.rows) {
    put_varint(packed_, static_cast<std::uint64_t>(row.binade - lowest) << 1 | (row.negative ? 1 : 0));
    put_varint(packed_, row.count);
    std::uint64_t from = row.count;
    for (const std::uint64_t at_least : row.at_least) put_varint(packed_, std::exchange(from, at_least) - at_least);
    put_varint(packed_, row.at_least[1] - row.above_13_16);
    std::uint64_t mask = 0;
    for (std::size_t q = 0; q < row.on_grid.size(); ++q) mask |= std::uint64_t{row.on_grid[q] != 0} << q;
    for (std::size_t p = 0; p < row.equal.size(); ++p)
      mask |= std::uint64_t{row.equal[p] != 0} << (p + row.on_grid.size());
    put_varint(packed_, mask);
    for (const std::uint64_t number : row.on_grid) {
      if (number != 0) put_varint(packed_, number);
    }
    for (const std::uint64_t number : row.equal) {
      if (number != 0) put_varint(packed_, number);
    }
  }
  packed_.shrink_to_fit();
}

CountedRows BinadeCounts::counted() const {
  CountedRows counted{*this, {}};
  VarintReader from{packed_};
  while (!from.is_done()) {
    BinadeCountsRow& row = counted.rows.emplace_back();
    const std::uint64_t place = from.word();
    row.negative = (place & 1) != 0;
    row.binade = static_cast<int>(place >> 1) + lowest;
    row.count = from.word();
    std::uint64_t left = row.count;
    for (std::uint64_t& at_least : row.at_least) at_least = left -= from.word();
    row.above_13_16 = row.at_least[1] - from.word();
    const std::uint64_t mask = from.word();
    for (std::size_t q = 0; q < row.on_grid.size(); ++q) row.on_grid[q] = (mask >> q & 1) != 0 ? from.word() : 0;
    for (std::size_t p = 0; p < row.equal.size(); ++p)
      row.equal[p] = (mask >> (p + row.on_grid.size()) & 1) != 0 ? from.word() : 0;
  }
  return counted;
}

void BinadeCountsSum::add(const CountedRows& counts) {
  lowp::add(census_, counts);
  for (const BinadeCountsRow& row : counts.rows) {
    const auto [held, is_new] = rows_.try_emplace({!row.negative, row.binade}, row);
    if (!is_new) held->second.add(row);
  }
}

BinadeCounts BinadeCountsSum::take() {
  CountedRows counted{std::exchange(census_, Census{}), {}};
  for (const auto& [place, row] : rows_) counted.rows.push_back(row);
  rows_.clear();
  return BinadeCounts(counted);
}

BinadeCounts merged(const BinadeCounts& a, const BinadeCounts& b) {
  BinadeCountsSum sum;
  sum.add(a.counted());
  sum.add(b.counted());
  return sum.take();
}

}  // namespace lowp
