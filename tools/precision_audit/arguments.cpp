// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "lowp/core/formats.h"

namespace lowp::tool {
namespace {

std::optional<double> parse_number(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value)) return {};
  return value;
}

bool same_name(std::string_view word, std::string_view name) {
  return std::ranges::equal(word, name, [](char a, char b) { return (a == '-' ? '_' : a) == b; });
}

// No absolute value: the smallest integer has none.
bool is_scale(long long log2) {
  return -scale_log2_limit <= log2 && log2 <= scale_log2_limit;
}

std::string lower_case(std::string word) {
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

struct Metric {
  std::string_view name;
  std::optional<double> (*value)(const Outcome&);
};

template <ElementClass c>
std::optional<double> count_of(const Outcome& outcome) {
  return static_cast<double>(outcome.counts[c].most);
}
template <ElementClass c>
std::optional<double> share_of_nonzero(const Outcome& outcome) {
  const std::uint64_t nonzero = outcome.nonzero().most;
  if (nonzero == 0) return {};
  return static_cast<double>(outcome.counts[c].most) / static_cast<double>(nonzero);
}

const Metric metrics[] = {
    {"flushed_of_nonzero", share_of_nonzero<ElementClass::flushed>},
    {"subnormal_of_nonzero", share_of_nonzero<ElementClass::subnormal>},
    {"saturated_of_nonzero", share_of_nonzero<ElementClass::saturated>},
    {"overflowed_of_nonzero", share_of_nonzero<ElementClass::overflowed>},
    {"flushed_of_all",
     [](const Outcome& o) -> std::optional<double> {
       if (o.elements == 0) return {};
       return static_cast<double>(o.counts[ElementClass::flushed].most) / static_cast<double>(o.elements);
     }},
    {"flushed", count_of<ElementClass::flushed>},
    {"subnormal", count_of<ElementClass::subnormal>},
    {"saturated", count_of<ElementClass::saturated>},
    {"overflowed", count_of<ElementClass::overflowed>},
    {"snr_db",
     [](const Outcome& o) -> std::optional<double> {
       if (o.counts[ElementClass::overflowed].most != 0) return -std::numeric_limits<double>::infinity();
       return o.error ? o.error->snr_db : std::nullopt;
     }},
    {"nan_in", [](const Outcome& o) { return std::optional<double>(static_cast<double>(o.nan_in)); }},
    {"inf_in", [](const Outcome& o) { return std::optional<double>(static_cast<double>(o.inf_in)); }},
};

}  // namespace

std::vector<std::string> split(std::string_view list, char separator) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t end = list.find(separator);
    words.emplace_back(list.substr(0, end));
    if (end == std::string_view::npos) return words;
    list.remove_prefix(end + 1);
  }
}

std::optional<long long> parse_integer(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  long long value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return {};
  return value;
}

std::optional<int> parse_power_of_two(std::string_view word) {
  if (word.starts_with("2^")) {
    const auto exponent = parse_integer(word.substr(2));
    if (!exponent || !is_scale(*exponent)) return {};
    return static_cast<int>(*exponent);
  }
  const auto value = parse_number(word);
  if (!value || *value <= 0) return {};
  int exponent = 0;
  if (std::frexp(*value, &exponent) != 0.5 || !is_scale(exponent - 1)) return {};
  return exponent - 1;
}

std::optional<ScaleRange> parse_scales(std::string_view word) {
  const std::vector<std::string> ends = split(word, ':');
  if (ends.size() > 2) return {};
  const auto low = parse_integer(ends.front()), high = parse_integer(ends.back());
  if (!low || !high || *low > *high || !is_scale(*low) || !is_scale(*high)) return {};
  return ScaleRange{static_cast<int>(*low), static_cast<int>(*high)};
}

std::string auditable_names() {
  std::string names;
  for (const NamedFormat& row : format_table) {
    if (is_auditable(row.format)) names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  return names;
}

std::optional<std::vector<NamedTarget>> parse_targets(std::string_view list, std::string& wrong) {
  std::vector<NamedTarget> targets;
  for (const std::string& word : split(list, ',')) {
    const std::string name = lower_case(word);
    const FormatLookup found = find_format(name);
    wrong = fmt::format("'{}' is no format for gradients; known: {}, and eXmY", word, auditable_names());
    if (!found.found || !is_auditable(found.format)) return {};
    wrong = fmt::format("'{}' stands there twice", word);
    if (std::ranges::find(targets, name, &NamedTarget::name) != targets.end()) return {};
    targets.push_back({name, found.format});
  }
  return targets;
}

const RoundingName* find_rounding(std::string_view name) {
  for (const RoundingName& row : rounding_names) {
    if (same_name(name, row.name) || same_name(name, row.alias)) return &row;
  }
  return nullptr;
}

const OverflowName* find_overflow(std::string_view name) {
  for (const OverflowName& row : overflow_names) {
    if (same_name(name, row.name)) return &row;
  }
  return nullptr;
}

std::optional<FailCondition> parse_fail_condition(std::string_view text) {
  FailCondition condition;
  condition.text = text;
  const std::size_t comparison = text.find_first_of("<>"), at = text.find('@');
  if (comparison == std::string_view::npos || at == std::string_view::npos || at < comparison) return {};
  condition.metric = text.substr(0, comparison);
  condition.comparison = text.substr(comparison, comparison + 1 < text.size() && text[comparison + 1] == '=' ? 2 : 1);
  const std::size_t number = comparison + condition.comparison.size();
  const auto bound = parse_number(text.substr(number, at - number));
  const std::vector<std::string> where = split(text.substr(at + 1), ':');
  if (!bound || where.size() > 2) return {};
  condition.bound = *bound;
  condition.format = lower_case(where.front());
  if (where.size() == 2 && !(condition.scale_log2 = parse_power_of_two(where.back()))) return {};
  return condition;
}

std::vector<std::string_view> metric_names() {
  std::vector<std::string_view> names;
  for (const Metric& metric : metrics) names.push_back(metric.name);
  return names;
}

std::optional<double> metric_value(std::string_view name, const Outcome& outcome) {
  for (const Metric& metric : metrics) {
    if (metric.name == name) return metric.value(outcome);
  }
  return {};
}

bool holds(const FailCondition& condition, double value) {
  if (condition.comparison == ">") return value > condition.bound;
  if (condition.comparison == ">=") return value >= condition.bound;
  if (condition.comparison == "<") return value < condition.bound;
  return value <= condition.bound;
}

}  // namespace lowp::tool
