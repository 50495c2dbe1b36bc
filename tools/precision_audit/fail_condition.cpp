// SPDX-License-Identifier: Apache-2.0
#include "fail_condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "arguments.h"
#include "options.h"

namespace lowp::tool {
namespace {

constexpr std::string_view syntax = "'METRIC>NUMBER@FORMAT:2^N' in quotes, with > >= < or <=; :2^N may be left out";

// At a recommended scale it is always zero, so that a condition without a scale would never hold.
bool needs_scale(const Measure& measure) {
  constexpr std::string_view names[] = {"saturated", "overflowed", "saturated_of_nonzero", "overflowed_of_nonzero"};
  return std::ranges::find(names, measure.name) != std::end(names);
}

Error malformed(std::string_view word) {
  return {"", std::nullopt, std::string(syntax), quoted(word)};
}

// A signal to noise ratio is below every bound where an element overflowed.
std::optional<double> judged(const FailCondition& condition, const Outcome& outcome) {
  const bool overflowed = outcome.counts[ElementClass::overflowed].most != 0;
  if (condition.metric->unit == Measure::Unit::decibels && overflowed) return -std::numeric_limits<double>::infinity();
  return condition.bound.judged(condition.metric->value(outcome));
}

// What one condition says where it holds.
std::optional<std::string> met(const FailCondition& condition, const Question& question, std::size_t format,
                               const Outcomes& total, const Recommendation& advice) {
  const std::string& name = question.formats[format].name;
  std::optional<int> scale = condition.scale_log2;
  if (!scale) scale = advice.init_scale_log2 ? advice.init_scale_log2 : advice.static_scale_log2;
  // Nothing to scale: all are the same. Of an input they are, too.
  if (condition.metric->of_input || (!scale && !advice.empty_window)) scale = question.scales.low;
  if (!scale) return fmt::format("--fail-on {}: no scale is recommended for {}", condition.text, name);
  if (!question.scales.contains(*scale)) {
    return fmt::format("--fail-on {}: the recommended scale for {}, 2^{}, is not among --scales", condition.text, name,
                       *scale);
  }
  const auto value = judged(condition, total[format][question.scales.index(*scale)]);
  if (!value || !condition.bound.holds(*value)) return {};
  if (condition.format.empty())
    return fmt::format("--fail-on {}: {} is {}", condition.text, condition.metric->name, *value);
  return fmt::format("--fail-on {}: {} is {} in {} at 2^{}", condition.text, condition.metric->name, *value, name,
                     *scale);
}

}  // namespace

std::string metric_names() {
  return names_of(measures());
}

Result<FailCondition> fail_condition(std::string_view word) {
  const auto bounded = bounded_metric(word, measures(), syntax);
  if (!bounded) return bounded.error();
  FailCondition condition{std::string(word), bounded->metric, bounded->bound, {}, {}};
  if (!bounded->has_where)
    return bounded->metric->of_input ? Result(condition) : Result<FailCondition>(malformed(word));
  const std::vector<std::string> where = split(bounded->where, ':');
  condition.format = lower_case(where.front());
  if (where.size() > 2 || condition.format.empty()) return malformed(word);
  if (where.size() == 2 && !(condition.scale_log2 = parse_power_of_two(where.back()))) return malformed(word);
  if (needs_scale(*condition.metric) && !condition.scale_log2)
    return Error{"", std::nullopt, "a scale, for example @fp16:2^16; at the recommended one nothing overflows",
                 quoted(word)};
  return condition;
}

std::optional<Error> why_not_judged(const FailCondition& condition, const Question& question) {
  const auto error = [](std::string wanted, std::string found) {
    return Error{"--fail-on", std::nullopt, std::move(wanted), std::move(found)};
  };
  if (question.counts_only && condition.metric->needs >= Level::errors)
    return error("no --counts-only with " + std::string(condition.metric->name), "it");
  if (condition.scale_log2 && !question.scales.contains(*condition.scale_log2)) {
    return error(fmt::format("a scale among --scales {}:{}", question.scales.low, question.scales.high),
                 fmt::format("2^{}", *condition.scale_log2));
  }
  std::string names;
  for (const NamedTarget& format : question.formats) {
    if (condition.format.empty() || format.name == condition.format) return {};
    names += (names.empty() ? "" : ",") + format.name;
  }
  return error("a format among --formats " + names, quoted(condition.format));
}

std::vector<std::string> conditions_met(const std::vector<FailCondition>& conditions, const Question& question,
                                        const Outcomes& total, const std::vector<Recommendation>& advice) {
  std::vector<std::string> lines;
  for (const FailCondition& condition : conditions) {
    for (std::size_t f = 0; f < question.formats.size(); ++f) {
      if (!condition.format.empty() && question.formats[f].name != condition.format) continue;
      if (auto line = met(condition, question, f, total, advice[f])) lines.push_back(std::move(*line));
      if (condition.format.empty()) break;
    }
  }
  return lines;
}

}  // namespace lowp::tool
