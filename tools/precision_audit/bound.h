// SPDX-License-Identifier: Apache-2.0
// METRIC OP NUMBER, what a condition of --fail-on begins with, for the rows of any table of measures.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arguments.h"
#include "lowp/base/result.h"
#include "lowp/summary/measures.h"
#include "options.h"

namespace lowp::tool {

struct Bound {
  bool above = false, inclusive = false;  // > >= < <=
  double number = 0;

  bool holds(double value) const { return (inclusive && value == number) || (above ? value > number : value < number); }
  // The end of an interval that is nearer to the bound: a gate lets nothing through that may meet it.
  std::optional<double> judged(const Measured& measured) const {
    return above ? measured.at_most() : measured.at_least();
  }
};

template <class Row>
struct BoundedMetric {
  const Row* metric = nullptr;
  Bound bound;
  std::string_view where;  // what follows '@'
  bool has_where = false;
};

// "0.01", or "1%" of a share.
inline std::optional<double> bound_number(std::string_view word, Measure::Unit unit) {
  const bool percent = word.ends_with('%') && unit == Measure::Unit::share;
  if (percent) word.remove_suffix(1);
  const auto number = parse_number(word);
  return number && percent ? std::optional(*number / 100) : number;
}

// `word` outlives the result. `syntax` is what an Error says was wanted.
template <class Row>
Result<BoundedMetric<Row>> bounded_metric(std::string_view word, std::span<const Row> rows, std::string_view syntax) {
  const Error malformed{"", std::nullopt, std::string(syntax), quoted(word)};
  const std::size_t comparison = word.find_first_of("<>"), at = std::min(word.find('@'), word.size());
  const bool compares = comparison != word.npos && comparison < at;
  const std::string_view name = word.substr(0, compares ? comparison : word.npos);
  const auto row = std::ranges::find(rows, name, &Row::name);
  if (!compares) {
    if (row == rows.end()) return malformed;
    return Error{"", std::nullopt, std::string(syntax), quoted(word) + ": the shell took what follows >"};
  }
  if (row == rows.end()) {
    std::vector<std::string> known;
    for (const Row& each : rows) known.emplace_back(each.name);
    return unknown_word(name, known);
  }
  BoundedMetric<Row> found{&*row, {}, {}, at != word.size()};
  found.bound.above = word[comparison] == '>';
  found.bound.inclusive = word.substr(comparison + 1).starts_with('=');
  const std::size_t number = comparison + (found.bound.inclusive ? 2 : 1);
  const auto value = bound_number(word.substr(number, at - number), row->unit);
  if (!value) return malformed;
  found.bound.number = *value;
  if (found.has_where) found.where = word.substr(at + 1);
  return found;
}

}  // namespace lowp::tool
