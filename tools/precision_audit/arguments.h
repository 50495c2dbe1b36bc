// SPDX-License-Identifier: Apache-2.0
// Words of the command line as values. Each parser takes the whole word or nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/summary/outcome.h"

namespace lowp::tool {

std::vector<std::string> split(std::string_view list, char separator);
std::optional<long long> parse_integer(std::string_view word);
// "2^16", "65536", "0.25": the exponent of a power of two; nothing else has one.
std::optional<int> parse_power_of_two(std::string_view word);
// "-8:32", both ends included, or one number.
std::optional<ScaleRange> parse_scales(std::string_view word);
std::string auditable_names();  // of the format table: "fp64, fp32, ..."
// "fp16,bf16"; `wrong` says which word is no auditable format, or is one
// for the second time. Capital letters are the same.
std::optional<std::vector<NamedTarget>> parse_targets(std::string_view list, std::string& wrong);
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

// The metrics of a condition and their values; nothing where the value does not exist (a rate of no elements). A signal
// to noise ratio is below every bound where an element overflowed.
std::vector<std::string_view> metric_names();
std::optional<double> metric_value(std::string_view metric, const Outcome& outcome);
bool holds(const FailCondition& condition, double value);

}  // namespace lowp::tool
