// SPDX-License-Identifier: Apache-2.0
// Words of the command line as values. Each parser takes the whole word or nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/sweep.h"

namespace lowp::tool {

std::string quoted(std::string_view word);  // 'word'
std::string lower_case(std::string word);
std::optional<long long> parse_integer(std::string_view word);
std::optional<double> parse_number(std::string_view word);  // finite

// Converters for declared options: a word as a value, or what was wanted.
Result<std::string> any_text(std::string_view word);
Result<std::uint64_t> count_word(std::string_view word);  // 0 or more
Result<std::optional<std::uint64_t>> optional_count_word(std::string_view word);
Error wanted_integer(long long low, long long high, std::string_view word);
template <class T>
auto integer_between(long long low, long long high) {
  return [low, high](std::string_view word) -> Result<T> {
    const auto value = parse_integer(word);
    if (!value || *value < low || *value > high) return wanted_integer(low, high, word);
    return static_cast<T>(*value);
  };
}
// A number for which `fits`; `wanted` says which do.
template <class Fits>
auto number_that(Fits fits, std::string_view wanted) {
  return [fits, wanted](std::string_view word) -> Result<double> {
    const auto value = parse_number(word);
    if (!value || !fits(*value)) return Error{"", std::nullopt, std::string(wanted), quoted(word)};
    return *value;
  };
}
Result<int> power_of_two_word(std::string_view word);  // its exponent

// "name, name, ..." of a table's rows.
template <class Rows>
std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

std::vector<std::string> split(std::string_view list, char separator);
// "2^16", "65536", "0.25": the exponent of a power of two; nothing else has one.
std::optional<int> parse_power_of_two(std::string_view word);
// "-8:32", both ends included, or one number.
std::optional<ScaleRange> parse_scales(std::string_view word);
std::string auditable_names();  // of the format table: "fp64, fp32, ..."
// "fp16,bf16": targets with one rounding and overflow rule; `wrong` says which word is no auditable format, or is one
// for the second time. Capital letters are the same.
std::optional<std::vector<Target>> parse_targets(std::string_view list, Rounding rounding, Overflow overflow,
                                                 std::string& wrong);
const RoundingName* find_rounding(std::string_view name);  // '-' and '_' are the same
const OverflowName* find_overflow(std::string_view name);

// A --fail-on condition: METRIC OP NUMBER @ FORMAT [: SCALE], for example flushed_of_nonzero>0.01@fp16:2^16. Without a
// scale it speaks of the recommended one. Whether the metric and the format exist is not looked at.
struct FailCondition {
  std::string text;
  std::string metric;
  std::string comparison;  // > >= < <=
  double bound = 0;
  std::string format;
  std::optional<int> scale_log2;
};
std::optional<FailCondition> parse_fail_condition(std::string_view text);

// The metrics of a condition and their values; nothing where the value does not exist (a rate of no elements).
std::vector<std::string_view> metric_names();
std::optional<double> metric_value(std::string_view metric, const Outcome& outcome);
bool holds(const FailCondition& condition, double value);

}  // namespace lowp::tool
