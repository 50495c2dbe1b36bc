// SPDX-License-Identifier: Apache-2.0
// Columns of rows of one kind, and checks that sums of strangers must pass. Part of evidence_columns_read.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lowp/summary/column_names.h"
#include "lowp/summary/evidence_columns.h"

namespace lowp::columns {

inline Error wrong(std::string wanted, std::string found = "others") {
  return Error{"", std::nullopt, std::move(wanted), std::move(found)};
}

// Columns of rows of one kind, which all have as many values as "KIND.tensor" or are missing: all zero.
class RowsOf {
 public:
  RowsOf(const ColumnViews& columns, std::string kind) : columns_(columns), kind_(std::move(kind)) {
    if (const ColumnView* tensor = find("tensor")) size_ = tensor->size();
  }
  std::size_t size() const { return size_; }
  std::optional<Error> fault() const {
    for (auto at = columns_.lower_bound(kind_ + "."); at != columns_.end() && at->first.starts_with(kind_ + ".");
         ++at) {
      if (at->second.size() != size_) return wrong("columns of one length for " + kind_);
    }
    return {};
  }
  ColumnView column(const std::string& name) const {
    const ColumnView* found = find(name);
    return found ? *found : ColumnView{};
  }
  Integer256 wide(const std::array<ColumnView, 4>& limbs, std::size_t row) const {
    Integer256 value;
    for (std::size_t i = 0; i < 4; ++i) value.limb[i] = limbs[i][row];
    return value;
  }
  std::array<ColumnView, 4> limbs(const std::string& name) const {
    std::array<ColumnView, 4> all;
    for (std::size_t i = 0; i < 4; ++i) all[i] = column(columns::limb(name, i));
    return all;
  }

 private:
  const ColumnView* find(const std::string& name) const {
    const auto found = columns_.find(kind_ + "." + name);
    return found == columns_.end() ? nullptr : &found->second;
  }

  const ColumnViews& columns_;
  std::string kind_;
  std::size_t size_ = 0;
};

// The rows of one tensor after another, some columns of them as numbers.
class Slices {
 public:
  explicit Slices(std::vector<ColumnView> columns) : columns_(std::move(columns)), numbers_(columns_.size()) {}

  // The first column says whose rows are: as many as follow from `begin` on are of `tensor`.
  std::size_t take(std::size_t begin, std::uint64_t tensor) {
    const std::size_t end = end_of(begin, tensor);
    for (std::size_t c = 1; c < columns_.size(); ++c) {
      numbers_[c].resize(end - begin);
      columns_[c].read(begin, numbers_[c]);
    }
    return end - begin;
  }
  std::uint64_t at(std::size_t column, std::size_t row) const { return numbers_[column][row]; }
  const std::uint64_t* column(std::size_t column) const { return numbers_[column].data(); }

 private:
  // Tensors stand in rising order; where they do not, fewer rows are found and the others are of no tensor.
  std::size_t end_of(std::size_t begin, std::uint64_t tensor) {
    std::size_t low = begin, high = columns_[0].size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      columns_[0][middle] <= tensor ? low = middle + 1 : high = middle;
    }
    numbers_[0].resize(low - begin);
    columns_[0].read(begin, numbers_[0]);
    const auto other = std::ranges::find_if(numbers_[0], [&](std::uint64_t of) { return of != tensor; });
    return begin + static_cast<std::size_t>(other - numbers_[0].begin());
  }

  std::vector<ColumnView> columns_;
  std::vector<std::vector<std::uint64_t>> numbers_;
};

// Absent (nothing known), zero, or finite in lowest terms.
inline std::optional<Exact> extreme(std::uint64_t significand, std::uint64_t exponent) {
  if (exponent == 0) return std::nullopt;
  if (significand == 0) return Exact{};
  return exact_finite(false, significand, static_cast<int>(exponent) - 2 * binade_offset);
}
inline bool is_extreme(std::uint64_t significand, std::uint64_t exponent) {
  if (significand == 0) return exponent <= 1;
  if ((significand & 1) == 0 || significand >> 53 != 0 || exponent >= 4 * binade_offset) return false;
  const int binade = static_cast<int>(exponent) - 2 * binade_offset + bit_width(significand) - 1;
  return exponent > 1 && binade >= lowest_binade && binade <= highest_binade;
}

// Of levels that count every element.
inline std::optional<Error> census_fault(const Census& census) {
  if (census.zero_in + census.nan_in + census.inf_in > census.elements)
    return wrong("zeros and specials among the elements");
  const bool any = census.nonzero() != 0;
  if (any != (census.max_abs.kind == Kind::finite) || any != (census.min_nonzero_abs.kind == Kind::finite) ||
      magnitude_less(census.max_abs, census.min_nonzero_abs)) {
    return wrong("extremes of the elements");
  }
  return {};
}
// Rows from the first to the last binade of either sign, as the extremes say, and as many elements.
inline std::optional<Error> rows_fault(const Census& census, int lowest, int highest, std::uint64_t count) {
  if (auto error = census_fault(census)) return error;
  if (count != census.nonzero()) return wrong("rows that hold every element once");
  if (count != 0 && (lowest != exponent_of(census.min_nonzero_abs) || highest != exponent_of(census.max_abs)))
    return wrong("rows from the smallest to the largest element");
  return {};
}

// Whether numbers do not grow from one to the next, the first not above `from`.
template <class Numbers>
bool falls(const Numbers& numbers, std::uint64_t from) {
  for (const std::uint64_t number : numbers) {
    if (number > from) return false;
    from = number;
  }
  return true;
}

// Whether some elements have these counts.
inline bool can_be(const BinadeCountsRow& row) {
  std::array<std::uint64_t, BinadeCountsRow::widths> rising = row.on_grid;
  std::ranges::reverse(rising);
  if (row.count == 0 || row.count > max_elements || !falls(row.at_least, row.count) || !falls(rising, row.count))
    return false;
  for (std::size_t j = 1; j <= row.at_least.size(); ++j) {
    const std::uint64_t beyond = j < row.at_least.size() ? row.at_least[j] : 0;
    if (row.equal[j - 1] > row.at_least[j - 1] - beyond) return false;
    if (j < row.on_grid.size() && row.equal[j - 1] > row.on_grid[j]) return false;
  }
  return row.at_least[2] <= row.above_13_16 && row.above_13_16 <= row.at_least[1] &&
         row.equal.back() <= row.at_least[1] - row.above_13_16;
}

// Whether so many tails that are not zero can have this sum and this sum of squares.
inline bool can_be_narrow(std::uint64_t inside, uint128 tail, uint128 squared) {
  constexpr std::uint64_t largest = (std::uint64_t{1} << (narrow_fraction_bits - leaf_bits)) - 1;
  return inside <= tail && tail <= uint128{largest} * inside && squared >> 64 == 0 &&
         tail * tail <= squared * std::max<std::uint64_t>(inside, 1) && squared <= tail * largest;
}
inline bool can_be_wide(std::uint64_t inside, uint128 tail, uint128 squared) {
  constexpr std::uint64_t largest = (std::uint64_t{1} << (wide_fraction_bits - leaf_bits)) - 1;
  return inside <= tail && tail <= uint128{largest} * inside &&
         product(tail, tail) <= Integer256{squared} * std::max<std::uint64_t>(inside, 1) &&
         Integer256{squared} <= product(tail, largest);
}

// Sums of squares and sums of a group: bounded by its count, and by each other (Cauchy).
inline bool can_be(const Group& group, int fraction_bits, int width) {
  const uint128 least = uint128{1} << fraction_bits, unit = uint128{1} << (fraction_bits - width);
  const auto bounded = [&](uint128 sum, const Integer256& squared, uint128 largest) {
    return sum >> 100 == 0 && Integer256{sum} <= product(largest, group.count) &&
           product(sum, sum) <= squared * group.count && squared <= product(sum, largest);
  };
  return group.exact <= group.count && group.error_up >> 99 == 0 && group.error_down >> 99 == 0 &&
         bounded(group.error_up + group.error_down, group.error_squared, unit) &&
         bounded(group.sum, group.sum_squared, 2 * least) && product(least, group.count) <= Integer256{group.sum};
}

}  // namespace lowp::columns
