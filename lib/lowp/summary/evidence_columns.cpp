// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/evidence_columns.h"

#include <algorithm>
#include <bit>

#include "lowp/base/crc32c.h"
#include "lowp/summary/column_names.h"

namespace lowp {
namespace {

// A column that grows wider when a value asks for it.
class Growing {
 public:
  void put(std::uint64_t value) {
    most_ = std::max(most_, value);
    while (width_ < 8 && value >> 8 * width_ != 0) widen();
    const std::size_t at = bytes_.size();
    bytes_.resize(at + static_cast<std::size_t>(width_));
    std::memcpy(bytes_.data() + at, &value, static_cast<std::size_t>(width_));
  }
  void put(std::span<const std::uint8_t> bytes) {
    const auto more = std::as_bytes(bytes);
    most_ = std::max<std::uint64_t>(most_, more.empty() ? 0 : 1);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  bool is_zero() const { return most_ == 0; }
  bool is_empty() const { return bytes_.empty(); }
  Column finished(std::string name) && { return {std::move(name), width_, std::move(bytes_)}; }

 private:
  void widen() {
    const auto width = static_cast<std::size_t>(width_);
    std::vector<std::byte> wide(2 * bytes_.size());
    for (std::size_t i = 0; i < bytes_.size() / width; ++i)
      std::memcpy(&wide[2 * width * i], &bytes_[width * i], width);
    bytes_ = std::move(wide);
    width_ *= 2;
  }

  int width_ = 1;
  std::uint64_t most_ = 0;
  std::vector<std::byte> bytes_;
};

// Columns by name. Those of nothing but zeros are left out, except those that say how many rows there are.
class Columns {
 public:
  Growing& of(const std::string& name) { return columns_[name]; }
  void put(const std::string& name, std::uint64_t value) { columns_[name].put(value); }
  void put_wide(const std::string& name, const Integer256& value) {
    for (std::size_t i = 0; i < value.limb.size(); ++i) put(columns::limb(name, i), value.limb[i]);
  }

  std::vector<Column> finished() && {
    std::vector<Column> all;
    for (auto& [name, column] : columns_) {
      if (column.is_empty()) continue;
      if (column.is_zero() && !name.ends_with(".tensor") && name != "tensors.level") continue;
      all.push_back(std::move(column).finished(name));
    }
    return all;
  }

 private:
  std::map<std::string, Growing> columns_;
};

// Columns that get most of the numbers, looked up once.
struct CountsColumns {
  Growing *tensor, *key, *count, *above_13_16;
  std::array<Growing*, 11> at_least{}, on_grid{};

  explicit CountsColumns(Columns& to)
      : tensor(&to.of("counts.tensor")),
        key(&to.of("counts.key")),
        count(&to.of("counts.count")),
        above_13_16(&to.of("counts.above_13_16")) {
    for (std::size_t i = 0; i < 11; ++i) {
      at_least[i] = &to.of(columns::at_least(i + 1));
      on_grid[i] = &to.of(columns::on_grid(i));
    }
  }
};
struct LeavesColumns {
  Growing *tensor, *key, *leaf, *count, *exact;
  std::array<Growing*, 2> tail{}, tail_squared{};

  explicit LeavesColumns(Columns& to)
      : tensor(&to.of("leaves.tensor")),
        key(&to.of("leaves.key")),
        leaf(&to.of("leaves.leaf")),
        count(&to.of("leaves.count")),
        exact(&to.of("leaves.exact")) {
    for (std::size_t limb = 0; limb < 2; ++limb) {
      tail[limb] = &to.of(columns::limb("leaves.tail", limb));
      tail_squared[limb] = &to.of(columns::limb("leaves.tail_squared", limb));
    }
  }
};

void put_extreme(Columns& to, const std::string& name, const std::optional<Exact>& x) {
  const bool finite = x && x->kind == Kind::finite;
  to.put(name + "_significand", finite ? x->significand : 0);
  to.put(name + "_exponent", finite ? static_cast<std::uint64_t>(x->exponent + 2 * columns::binade_offset) : x ? 1 : 0);
}

// How rows of one entry are put.
struct Rows {
  Columns& to;
  std::uint64_t tensor;

  void put_counts(const BinadeCounts& counts) const {
    const CountsColumns column(to);
    for (const BinadeCountsRow& row : counts.counted().rows) {
      column.tensor->put(tensor);
      column.key->put(columns::key_of(row.negative, row.binade));
      column.count->put(row.count);
      column.above_13_16->put(row.above_13_16);
      for (std::size_t j = 0; j < row.at_least.size(); ++j) column.at_least[j]->put(row.at_least[j]);
      for (std::size_t q = 0; q < row.on_grid.size(); ++q) column.on_grid[q]->put(row.on_grid[q]);
      for (std::size_t place = 0; place < row.equal.size(); ++place) {
        if (row.equal[place] == 0) continue;
        to.put("equal.tensor", tensor);
        to.put("equal.key", columns::key_of(row.negative, row.binade));
        to.put("equal.place", place + 1);
        to.put("equal.count", row.equal[place]);
      }
    }
  }
  void put_wide(const BinadeTable::Page& page, int width, std::size_t distance, const Group& group) const {
    to.put("wide.tensor", tensor);
    to.put("wide.key", columns::key_of(page.negative, page.binade));
    to.put("wide.width", static_cast<std::uint64_t>(width));
    to.put("wide.distance", distance);
    to.put("wide.count", group.count);
    to.put("wide.exact", group.exact);
    to.put_wide("wide.error_up", Integer256{group.error_up});
    to.put_wide("wide.error_down", Integer256{group.error_down});
    to.put_wide("wide.error_squared", group.error_squared);
    to.put_wide("wide.sum", Integer256{group.sum});
    to.put_wide("wide.sum_squared", group.sum_squared);
  }

  void operator()(const Peak&) const {}
  void operator()(const Bins& bins) const {
    for (const Bin& bin : bins.bins) {
      to.put("bins.tensor", tensor);
      to.put("bins.low", std::bit_cast<std::uint64_t>(bin.low));
      to.put("bins.high", std::bit_cast<std::uint64_t>(bin.high));
      to.put("bins.count", bin.count);
    }
  }
  void operator()(const TensorCounts& counts) const {
    for (const BinadeCount& row : counts.binades) {
      to.put("flushed.tensor", tensor);
      to.put("flushed.key", columns::key_of(row.negative, row.binade));
      to.put("flushed.count", row.count);
      to.put("flushed.powers_of_two", row.powers_of_two);
    }
  }
  void operator()(const CutCounts&) const {}  // of a question, not of a tensor: not written
  void operator()(const BinadeCounts& counts) const { put_counts(counts); }
  void operator()(const RoundingErrors& errors) const {
    put_counts(errors.counts());
    to.of("errors.packed").put(errors.packed());
  }
  void operator()(const BinadeTable& table) const {
    const LeavesColumns column(to);
    for (const BinadeTable::Page& page : table.pages()) {
      for (std::size_t i = page.begin; i < page.end; ++i) {
        const Cell128 cell = table.cell(i);
        column.tensor->put(tensor);
        column.key->put(columns::key_of(page.negative, page.binade));
        column.leaf->put(table.cells(page)[i - page.begin].leaf);
        column.count->put(cell.count);
        column.exact->put(cell.exact);
        for (std::size_t limb = 0; limb < 2; ++limb) {
          column.tail[limb]->put(static_cast<std::uint64_t>(cell.tail >> 64 * limb));
          column.tail_squared[limb]->put(cell.tail_squared.limb[limb]);
        }
      }
      for (const auto& [width, distances] : page.wide) {
        for (std::size_t d = 0; d < distances.size(); ++d) {
          if (distances[d].count != 0) put_wide(page, width, d, distances[d]);
        }
      }
    }
  }
};

// Beside the census what the level needs to be read again.
void put_entry(Columns& to, const TensorSummary& entry) {
  const Census census = census_of(entry.evidence);
  to.put("tensors.level", static_cast<std::uint64_t>(level_of(entry.evidence)));
  to.put("tensors.elements", census.elements);
  to.put("tensors.zero_in", census.zero_in);
  to.put("tensors.nan_in", census.nan_in);
  to.put("tensors.inf_in", census.inf_in);
  const auto* bins = std::get_if<Bins>(&entry.evidence);
  const auto* peak = std::get_if<Peak>(&entry.evidence);
  put_extreme(to, "tensors.max", bins ? bins->max_abs : std::optional(census.max_abs));
  put_extreme(to, "tensors.min",
              bins   ? bins->min_nonzero_abs
              : peak ? peak->min_nonzero_abs
                     : std::optional(census.min_nonzero_abs));
  const auto* table = std::get_if<BinadeTable>(&entry.evidence);
  const auto* errors = std::get_if<RoundingErrors>(&entry.evidence);
  const auto* counts = std::get_if<TensorCounts>(&entry.evidence);
  to.put("tensors.wide", (table && table->fraction_bits() == wide_fraction_bits) ||
                                 (errors && errors->fraction_bits() == wide_fraction_bits)
                             ? 1
                             : 0);
  to.put("tensors.rounding", table ? static_cast<std::uint64_t>(table->rounding()) : 0);
  to.put("tensors.unsigned", counts && !counts->has_signs ? 1 : 0);
  to.put("errors.size", errors ? errors->packed().size() : 0);
}

}  // namespace

std::vector<Column> columns_of(std::span<const TensorSummary> entries) {
  Columns columns;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    put_entry(columns, entries[i]);
    std::visit(Rows{columns, i}, entries[i].evidence);
  }
  return std::move(columns).finished();
}

std::uint32_t digest_of(const TensorSummary& entry) {
  std::uint32_t digest = 0;
  for (const Column& column : columns_of(std::span(&entry, 1))) {
    digest = crc32c(std::as_bytes(std::span(column.name)), digest);
    digest = crc32c(column.bytes, digest);
  }
  return digest;
}

}  // namespace lowp
