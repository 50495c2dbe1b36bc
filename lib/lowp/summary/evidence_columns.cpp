// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/evidence_columns.h"

#include <algorithm>
#include <bit>

#include "lowp/base/crc32c.h"
#include "lowp/summary/column_names.h"

namespace lowp {
namespace {

// Values in the order they come, by the name of their column.
class Columns {
 public:
  void put(const std::string& name, std::uint64_t value) { values_[name].push_back(value); }
  void put_wide(const std::string& name, const Integer256& value) {
    for (std::size_t i = 0; i < value.limb.size(); ++i) put(columns::limb(name, i), value.limb[i]);
  }
  void put_bytes(const std::string& name, std::span<const std::uint8_t> bytes) {
    std::vector<std::byte>& to = bytes_[name];
    const auto more = std::as_bytes(bytes);
    to.insert(to.end(), more.begin(), more.end());
  }

  // Columns that are nothing but zeros are left out, except those that say how many rows there are.
  std::vector<Column> finished() const {
    std::vector<Column> all;
    for (const auto& [name, values] : values_) {
      const std::uint64_t most = *std::ranges::max_element(values);
      if (most == 0 && !name.ends_with(".tensor") && name != "tensors.level") continue;
      all.push_back(narrowed(name, values, most));
    }
    for (const auto& [name, bytes] : bytes_) all.push_back({name, 1, bytes});
    std::ranges::sort(all, {}, &Column::name);
    return all;
  }

 private:
  static Column narrowed(const std::string& name, const std::vector<std::uint64_t>& values, std::uint64_t most) {
    const int width = most < 256 ? 1 : most < 65536 ? 2 : most >> 32 == 0 ? 4 : 8;
    Column column{name, width, {}};
    column.bytes.resize(values.size() * static_cast<std::size_t>(width));
    std::byte* at = column.bytes.data();
    for (const std::uint64_t value : values) {
      std::memcpy(at, &value, static_cast<std::size_t>(width));
      at += width;
    }
    return column;
  }

  std::map<std::string, std::vector<std::uint64_t>> values_;
  std::map<std::string, std::vector<std::byte>> bytes_;
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
    for (const BinadeCountsRow& row : counts.rows) {
      to.put("counts.tensor", tensor);
      to.put("counts.key", columns::key_of(row.negative, row.binade));
      to.put("counts.count", row.count);
      to.put("counts.above_13_16", row.above_13_16);
      for (std::size_t j = 1; j <= row.at_least.size(); ++j) to.put(columns::at_least(j), row.at_least[j - 1]);
      for (std::size_t q = 0; q < row.on_grid.size(); ++q) to.put(columns::on_grid(q), row.on_grid[q]);
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
    to.put_bytes("errors.packed", errors.packed());
  }
  void operator()(const BinadeTable& table) const {
    for (const BinadeTable::Page& page : table.pages()) {
      for (std::size_t i = page.begin; i < page.end; ++i) {
        const Cell128 cell = table.cell(i);
        to.put("leaves.tensor", tensor);
        to.put("leaves.key", columns::key_of(page.negative, page.binade));
        to.put("leaves.leaf", table.cells(page)[i - page.begin].leaf);
        to.put("leaves.count", cell.count);
        to.put("leaves.exact", cell.exact);
        for (std::size_t limb = 0; limb < 2; ++limb) {
          to.put(columns::limb("leaves.tail", limb), static_cast<std::uint64_t>(cell.tail >> 64 * limb));
          to.put(columns::limb("leaves.tail_squared", limb), cell.tail_squared.limb[limb]);
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
  put_extreme(to, "tensors.min", bins   ? bins->min_nonzero_abs
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
  return columns.finished();
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
