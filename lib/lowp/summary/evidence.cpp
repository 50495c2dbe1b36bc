// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/evidence.h"

#include <algorithm>
#include <type_traits>

namespace lowp {
namespace {

Peak peak_of(const Census& census) {
  Peak peak{census.elements, census.max_abs, {}, census.inf_in != 0, census.nan_in != 0};
  peak.min_nonzero_abs = census.min_nonzero_abs;
  return peak;
}

TensorCounts merged(const TensorCounts& a, const TensorCounts& b) {
  TensorCounts sum{a, a.has_signs && b.has_signs, a.binades};
  add(static_cast<Census&>(sum), b);
  sum.binades.insert(sum.binades.end(), b.binades.begin(), b.binades.end());
  if (!sum.has_signs) {
    for (BinadeCount& held : sum.binades) held.negative = false;
  }
  const auto place = [](const BinadeCount& held) { return std::pair(!held.negative, held.binade); };
  std::ranges::sort(sum.binades, {}, place);
  std::vector<BinadeCount> joined;
  for (const BinadeCount& held : sum.binades) {
    if (!joined.empty() && place(joined.back()) == place(held)) {
      joined.back().count += held.count;
      joined.back().powers_of_two += held.powers_of_two;
    } else {
      joined.push_back(held);
    }
  }
  sum.binades = std::move(joined);
  return sum;
}

// What addition gives, as evidence or as the Error it may be.
struct Adder {
  const Evidence& other;
  template <class T>
  Result<Evidence> operator()(const T& a) const {
    const auto result = [&] { return merged(a, std::get<T>(other)); }();
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(result)>, T>) {
      return Evidence{result};
    } else {
      if (!result) return result.error();
      return Evidence{*result};
    }
  }
};

}  // namespace

TensorCounts flushed_of(const CountedRows& from) {
  TensorCounts counts{from, true, {}};
  counts.binades.reserve(from.rows.size());
  for (const BinadeCountsRow& row : from.rows) {
    counts.binades.push_back({static_cast<std::int16_t>(row.binade), row.negative, row.count, row.on_grid[0]});
  }
  return counts;
}

std::string_view level_name(Level level) {
  return level_names[static_cast<std::size_t>(level)].name;
}

std::optional<Level> find_level(std::string_view name) {
  for (const LevelName& row : level_names) {
    if (row.name == name) return row.level;
  }
  return {};
}

Level level_of(const Evidence& evidence) {
  return static_cast<Level>(evidence.index());
}

bool counts_elements(const Evidence& evidence) {
  const auto* peak = std::get_if<Peak>(&evidence);
  return !peak || peak->elements != 0;
}

Census census_of(const Evidence& evidence) {
  struct {
    Census operator()(const Census& counts) const { return counts; }
    Census operator()(const RoundingErrors& errors) const { return errors.counts(); }
    Census operator()(const BinadeTable& table) const { return table.census(); }
    Census operator()(const Bins& bins) const {
      return {bins.elements(), bins.zero_in().least,           bins.nan_in,
              bins.inf_in,     bins.max_abs.value_or(Exact{}), bins.min_nonzero_abs.value_or(Exact{})};
    }
    Census operator()(const Peak& peak) const {
      return {peak.elements,          0,
              peak.has_nan ? 1u : 0u, peak.has_inf ? 1u : 0u,
              peak.max_abs,           peak.min_nonzero_abs.value_or(Exact{})};
    }
  } visit;
  return std::visit(visit, evidence);
}

Exact largest_at_most(const Evidence& evidence) {
  const auto* bins = std::get_if<Bins>(&evidence);
  return bins ? bins->largest_at_most() : census_of(evidence).max_abs;
}

std::optional<TensorCounts> counts_of(const Evidence& evidence) {
  struct {
    std::optional<TensorCounts> operator()(const Peak&) const { return {}; }
    std::optional<TensorCounts> operator()(const Bins&) const { return {}; }
    std::optional<TensorCounts> operator()(const TensorCounts& counts) const { return counts; }
    std::optional<TensorCounts> operator()(const CutCounts& counts) const { return counts_of(counts); }
    std::optional<TensorCounts> operator()(const BinadeCounts& counts) const { return flushed_of(counts.counted()); }
    std::optional<TensorCounts> operator()(const RoundingErrors& errors) const {
      return flushed_of(errors.counts().counted());
    }
    std::optional<TensorCounts> operator()(const BinadeTable& table) const { return counts_of(table); }
  } visit;
  return std::visit(visit, evidence);
}

std::optional<Evidence> lowered(const Evidence& evidence, Level level) {
  const Level from = level_of(evidence);
  if (from == level) return evidence;
  if (from < level) return {};
  const auto* table = std::get_if<BinadeTable>(&evidence);
  const auto* errors = std::get_if<RoundingErrors>(&evidence);
  switch (level) {
    case Level::errors: return Evidence{RoundingErrors(*table)};
    case Level::counts: return Evidence{table ? binade_counts_of(*table) : errors->counts()};
    case Level::flushed:
      if (auto counts = counts_of(evidence)) return Evidence{*std::move(counts)};
      return {};
    case Level::peak: return Evidence{peak_of(census_of(evidence))};
    case Level::bins:
    case Level::cuts:
    case Level::leaves: return {};
  }
  return {};
}

Result<Evidence> merged(const Evidence& a, const Evidence& b) {
  const Level level = std::min(level_of(a), level_of(b));
  const auto left = lowered(a, level), right = lowered(b, level);
  if (!left || !right) {
    return Error{"", std::nullopt, "evidence that can be added",
                 std::string(level_name(level_of(a))) + " and " + std::string(level_name(level_of(b)))};
  }
  return std::visit(Adder{*right}, *left);
}

}  // namespace lowp
