// SPDX-License-Identifier: Apache-2.0
// Columns are from a stranger: whatever they hold, an Error or evidence whose sums behave.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "lowp/summary/column_rows.h"

namespace lowp {
namespace {

using columns::can_be;
using columns::extreme;
using columns::is_extreme;
using columns::rows_fault;
using columns::RowsOf;
using columns::wrong;

uint128 low_half(const Integer256& value) {
  return static_cast<uint128>(value.limb[1]) << 64 | value.limb[0];
}

// All columns by kind, and how far each kind was read.
class Reading {
 public:
  explicit Reading(const ColumnViews& columns)
      : bins_(columns, "bins"),
        flushed_(columns, "flushed"),
        counts_(columns, "counts"),
        equal_(columns, "equal"),
        leaves_(columns, "leaves"),
        wide_(columns, "wide"),
        counts_slices_(counts_columns()),
        leaves_slices_(leaves_columns()) {
    const auto view = [&](const char* name) {
      const auto found = columns.find(name);
      return found == columns.end() ? ColumnView{} : found->second;
    };
    packed_ = view("errors.packed");
    packed_size_ = view("errors.size");
    const auto tensor = [&](const char* name) { return view((std::string("tensors.") + name).c_str()); };
    level_ = tensor("level");
    elements_ = tensor("elements");
    zero_ = tensor("zero_in");
    nan_ = tensor("nan_in");
    inf_ = tensor("inf_in");
    max_significand_ = tensor("max_significand");
    max_exponent_ = tensor("max_exponent");
    min_significand_ = tensor("min_significand");
    min_exponent_ = tensor("min_exponent");
    is_wide_ = tensor("wide");
    rounding_ = tensor("rounding");
    unsigned_ = tensor("unsigned");
  }

  std::optional<Error> fault(std::size_t entries) const {
    for (const RowsOf* rows : {&bins_, &flushed_, &counts_, &equal_, &leaves_, &wide_}) {
      if (auto error = rows->fault()) return error;
    }
    if (level_.size() != entries) return wrong("a level for each tensor");
    for (const ColumnView* column :
         {&elements_, &zero_, &nan_, &inf_, &max_significand_, &max_exponent_, &min_significand_, &min_exponent_,
          &is_wide_, &rounding_, &unsigned_, &packed_size_}) {
      if (column->size() != 0 && column->size() != entries) return wrong("columns of one length for tensors");
    }
    return {};
  }

  Result<Evidence> evidence(std::size_t i) {
    if (level_[i] >= level_names.size() || level_[i] == static_cast<std::uint64_t>(Level::cuts))
      return wrong("a level of evidence", std::to_string(level_[i]));
    const auto level = static_cast<Level>(level_[i]);
    auto census = census_at(i);
    if (!census) return census.error();
    switch (level) {
      case Level::peak: return peak_at(i, *census);
      case Level::bins: return bins_at(i, *census);
      case Level::flushed: return flushed_at(i, *census);
      case Level::counts: {
        auto counts = counts_at(i, *census);
        if (!counts) return counts.error();
        return Evidence{*std::move(counts)};
      }
      case Level::errors: return errors_at(i, *census);
      case Level::leaves: return leaves_at(i, *census);
      case Level::cuts: break;
    }
    return wrong("a level of evidence");
  }

  // Whether every row belonged to some tensor.
  bool is_done() const {
    return at_bins_ == bins_.size() && at_flushed_ == flushed_.size() && at_counts_ == counts_.size() &&
           at_equal_ == equal_.size() && at_leaves_ == leaves_.size() && at_wide_ == wide_.size() &&
           at_packed_ == packed_.size();
  }

 private:
  std::vector<ColumnView> counts_columns() const {
    std::vector<ColumnView> all;
    for (const char* name : {"tensor", "key", "count", "above_13_16"}) all.push_back(counts_.column(name));
    for (std::size_t j = 1; j <= 11; ++j) all.push_back(counts_.column("at_least_" + std::to_string(j)));
    for (std::size_t q = 0; q < 11; ++q) all.push_back(counts_.column("on_grid_" + std::to_string(q)));
    return all;
  }
  std::vector<ColumnView> leaves_columns() const {
    std::vector<ColumnView> all;
    for (const char* name :
         {"tensor", "key", "leaf", "count", "exact", "tail", "tail_squared", "tail_64", "tail_squared_64"}) {
      all.push_back(leaves_.column(name));
    }
    return all;
  }

  Result<Census> census_at(std::size_t i) const {
    if (!is_extreme(max_significand_[i], max_exponent_[i]) || !is_extreme(min_significand_[i], min_exponent_[i]))
      return wrong("extremes that elements can have");
    Census census{elements_[i],
                  zero_[i],
                  nan_[i],
                  inf_[i],
                  extreme(max_significand_[i], max_exponent_[i]).value_or(Exact{}),
                  extreme(min_significand_[i], min_exponent_[i]).value_or(Exact{})};
    const bool small = census.elements <= max_elements && census.zero_in <= max_elements &&
                       census.nan_in <= max_elements && census.inf_in <= max_elements;
    if (!small) return wrong("at most 2^40 elements in a tensor");
    return census;
  }
  Result<Evidence> peak_at(std::size_t i, const Census& census) const {
    Peak peak{census.elements, census.max_abs, {}, census.inf_in != 0, census.nan_in != 0};
    peak.min_nonzero_abs = extreme(min_significand_[i], min_exponent_[i]);
    return Evidence{peak};
  }

  Result<Evidence> bins_at(std::size_t i, const Census& census) {
    Bins bins{{},
              census.nan_in,
              census.inf_in,
              extreme(max_significand_[i], max_exponent_[i]),
              extreme(min_significand_[i], min_exponent_[i])};
    const ColumnView tensor = bins_.column("tensor"), low = bins_.column("low"), high = bins_.column("high"),
                     count = bins_.column("count");
    std::uint64_t sum = census.nan_in + census.inf_in;
    for (; at_bins_ < bins_.size() && tensor[at_bins_] == i; ++at_bins_) {
      const Bin bin{std::bit_cast<double>(low[at_bins_]), std::bit_cast<double>(high[at_bins_]), count[at_bins_]};
      const bool follows =
          bins.bins.empty() || std::pair(bins.bins.back().low, bins.bins.back().high) < std::pair(bin.low, bin.high);
      if (!std::isfinite(bin.low) || !std::isfinite(bin.high) || bin.low > bin.high || !follows ||
          bin.count > max_elements)
        return wrong("bins in order with finite edges");
      sum += bin.count;
      bins.bins.push_back(bin);
    }
    if (sum != census.elements) return wrong("bins that hold every element once");
    return Evidence{std::move(bins)};
  }

  Result<Evidence> flushed_at(std::size_t i, const Census& census) {
    TensorCounts counts{census, unsigned_[i] == 0, {}};
    const ColumnView tensor = flushed_.column("tensor"), key = flushed_.column("key"), count = flushed_.column("count"),
                     powers = flushed_.column("powers_of_two");
    std::uint64_t sum = 0;
    int lowest = columns::highest_binade, highest = columns::lowest_binade;
    for (std::size_t before = 0; at_flushed_ < flushed_.size() && tensor[at_flushed_] == i; ++at_flushed_) {
      const std::uint64_t k = key[at_flushed_], n = count[at_flushed_];
      if (!columns::is_key(k) || (!counts.binades.empty() && k <= before) || n == 0 || n > max_elements ||
          powers[at_flushed_] > n) {
        return wrong("rows in order that fit their tensor");
      }
      before = k;
      sum += n;
      lowest = std::min(lowest, columns::binade_of(k));
      highest = std::max(highest, columns::binade_of(k));
      counts.binades.push_back(
          {static_cast<std::int16_t>(columns::binade_of(k)), columns::is_negative(k), n, powers[at_flushed_]});
    }
    if (auto error = rows_fault(census, lowest, highest, sum)) return *error;
    return Evidence{std::move(counts)};
  }

  Result<BinadeCounts> counts_at(std::size_t i, const Census& census) {
    const ColumnView equal_tensor = equal_.column("tensor"), equal_key = equal_.column("key"),
                     place = equal_.column("place"), equal_count = equal_.column("count");
    const std::size_t rows = counts_slices_.take(at_counts_, i);
    at_counts_ += rows;
    CountedRows counts{census, std::vector<BinadeCountsRow>(rows)};
    std::uint64_t sum = 0;
    int lowest = columns::highest_binade, highest = columns::lowest_binade;
    for (std::size_t r = 0; r < rows; ++r) {
      const auto number = [&](std::size_t column) { return counts_slices_.at(column, r); };
      const std::uint64_t key = number(1);
      if (!columns::is_key(key) || (r != 0 && key <= counts_slices_.at(1, r - 1)))
        return wrong("rows of counts in order");
      BinadeCountsRow& row = counts.rows[r];
      row.negative = columns::is_negative(key);
      row.binade = columns::binade_of(key);
      row.count = number(2);
      row.above_13_16 = number(3);
      for (std::size_t j = 0; j < 11; ++j) row.at_least[j] = number(4 + j);
      for (std::size_t q = 0; q < 11; ++q) row.on_grid[q] = number(15 + q);
      for (; at_equal_ < equal_.size() && equal_tensor[at_equal_] == i && equal_key[at_equal_] == key; ++at_equal_) {
        const std::uint64_t at = place[at_equal_];
        if (at == 0 || at > row.equal.size() || row.equal[at - 1] != 0 || equal_count[at_equal_] == 0)
          return wrong("places of a binade, each once");
        row.equal[at - 1] = equal_count[at_equal_];
      }
      if (!can_be(row)) return wrong("counts that some elements have");
      sum += row.count;
      lowest = std::min(lowest, row.binade);
      highest = std::max(highest, row.binade);
    }
    if (auto error = rows_fault(census, lowest, highest, sum)) return *error;
    return BinadeCounts(counts);
  }

  Result<Evidence> errors_at(std::size_t i, const Census& census) {
    auto counts = counts_at(i, census);
    if (!counts) return counts.error();
    const std::uint64_t size = packed_size_[i];
    if (size > packed_.size() - at_packed_) return wrong("packed errors within their column");
    auto errors =
        RoundingErrors::of_packed(*std::move(counts), is_wide_[i] != 0 ? wide_fraction_bits : narrow_fraction_bits,
                                  packed_.bytes.subspan(at_packed_, static_cast<std::size_t>(size)));
    at_packed_ += static_cast<std::size_t>(size);
    if (!errors) return errors.error();
    return Evidence{*std::move(errors)};
  }

  Result<Evidence> leaves_at(std::size_t i, const Census& census) {
    if (rounding_[i] >= rounding_names.size()) return wrong("a rounding mode");
    BinadeTable::Parts parts{is_wide_[i] != 0 ? wide_fraction_bits : narrow_fraction_bits,
                             static_cast<Rounding>(rounding_[i]),
                             census,
                             {},
                             {},
                             {}};
    if (is_stochastic(parts.rounding)) return wrong("a deterministic rounding mode");
    if (auto error = take_cells(i, parts)) return *error;
    if (auto error = take_wide(i, parts)) return *error;
    return Evidence{BinadeTable(std::move(parts))};
  }

  std::optional<Error> take_cells(std::size_t i, BinadeTable::Parts& parts) {
    const bool wide = parts.fraction_bits == wide_fraction_bits;
    const std::size_t rows = leaves_slices_.take(at_leaves_, i);
    at_leaves_ += rows;
    parts.cells.resize(rows);
    std::array<const std::uint64_t*, 9> column{};
    for (std::size_t c = 1; c < column.size(); ++c) column[c] = leaves_slices_.column(c);
    std::uint64_t sum = 0, before = 0;
    int lowest = columns::highest_binade, highest = columns::lowest_binade;
    for (std::size_t r = 0; r < rows; ++r) {
      const auto number = [&](std::size_t c) { return column[c][r]; };
      const std::uint64_t key = number(1), leaf = number(2), count = number(3), exact = number(4);
      const bool same_page = r != 0 && before == key;
      if (!columns::is_key(key) || leaf >= BinadeTable::leaves || count == 0 || count > max_elements || exact > count ||
          (r != 0 && key < before) || (same_page && leaf <= column[2][r - 1])) {
        return wrong("leaves in order that fit their tensor");
      }
      const uint128 tail = static_cast<uint128>(number(7)) << 64 | number(5);
      const uint128 squared = static_cast<uint128>(number(8)) << 64 | number(6);
      if (!(wide ? columns::can_be_wide(count - exact, tail, squared)
                 : columns::can_be_narrow(count - exact, tail, squared))) {
        return wrong("sums of leaves that some elements have");
      }
      if (!same_page) {
        parts.pages.push_back({columns::is_negative(key), columns::binade_of(key), r, 0, {}});
        lowest = std::min(lowest, columns::binade_of(key));
        highest = std::max(highest, columns::binade_of(key));
      }
      before = key;
      parts.cells[r] = {count, exact, number(5), number(6), static_cast<std::uint16_t>(leaf)};
      if (wide) parts.highs.push_back({number(7), number(8)});
      parts.pages.back().end = r + 1;
      sum += count;
    }
    return rows_fault(parts.census, lowest, highest, sum);
  }

  std::optional<Error> take_wide(std::size_t i, BinadeTable::Parts& parts) {
    const ColumnView tensor = wide_.column("tensor"), key = wide_.column("key"), width = wide_.column("width"),
                     distance = wide_.column("distance"), count = wide_.column("count"), exact = wide_.column("exact");
    const auto up = wide_.limbs("error_up"), down = wide_.limbs("error_down"), squared = wide_.limbs("error_squared"),
               sum = wide_.limbs("sum"), sum_squared = wide_.limbs("sum_squared");
    for (; at_wide_ < wide_.size() && tensor[at_wide_] == i; ++at_wide_) {
      const std::size_t at = at_wide_;
      const auto page = std::ranges::find_if(
          parts.pages, [&](const BinadeTable::Page& p) { return columns::key_of(p.negative, p.binade) == key[at]; });
      if (page == parts.pages.end() || distance[at] > 3 || width[at] < static_cast<std::uint64_t>(leaf_bits) ||
          width[at] > static_cast<std::uint64_t>(parts.fraction_bits) || count[at] == 0 || count[at] > max_elements) {
        return wrong("widths of binades that were counted");
      }
      Group& group = page->wide[static_cast<int>(width[at])][distance[at]];
      if (group.count != 0) return wrong("each width of a binade once");
      group = {count[at],
               exact[at],
               low_half(wide_.wide(up, at)),
               low_half(wide_.wide(down, at)),
               wide_.wide(squared, at),
               low_half(wide_.wide(sum, at)),
               wide_.wide(sum_squared, at)};
      if (!can_be(group, parts.fraction_bits, static_cast<int>(width[at])))
        return wrong("sums of widths that some elements have");
    }
    for (const BinadeTable::Page& page : parts.pages) {
      std::uint64_t elements = 0;
      for (std::size_t c = page.begin; c < page.end; ++c) elements += parts.cells[c].count;
      for (const auto& [q, distances] : page.wide) {
        std::uint64_t found = 0;
        for (const Group& group : distances) found += group.count;
        if (found != elements) return wrong("widths of all elements of a binade");
      }
    }
    return {};
  }

  RowsOf bins_, flushed_, counts_, equal_, leaves_, wide_;
  ColumnView packed_, packed_size_, level_, elements_, zero_, nan_, inf_, max_significand_, max_exponent_,
      min_significand_, min_exponent_, is_wide_, rounding_, unsigned_;
  columns::Slices counts_slices_, leaves_slices_;
  std::size_t at_bins_ = 0, at_flushed_ = 0, at_counts_ = 0, at_equal_ = 0, at_leaves_ = 0, at_wide_ = 0,
              at_packed_ = 0;
};

}  // namespace

Result<Done> take_columns(const ColumnViews& columns, std::span<TensorSummary> entries) {
  Reading reading(columns);
  if (auto error = reading.fault(entries.size())) return *std::move(error);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto evidence = reading.evidence(i);
    if (!evidence) {
      Error error = evidence.error();
      error.wanted += " in tensor '" + entries[i].name + "'";
      return error;
    }
    entries[i].evidence = *std::move(evidence);
  }
  if (!reading.is_done()) return wrong("rows of tensors in order", "rows of none");
  return Done{};
}

}  // namespace lowp
