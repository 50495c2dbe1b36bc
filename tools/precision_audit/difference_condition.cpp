// SPDX-License-Identifier: Apache-2.0
#include "difference_condition.h"

#include <fmt/format.h>

#include <limits>

#include "lowp/compare/compare_report.h"

namespace lowp::tool {
namespace {

using compare::DifferenceMeasure;
using compare::Differences;
using compare::TensorComparison;

// The value that meets the bound. Signal to noise is below every bound where NaN or Inf is on one side only.
std::optional<double> meeting(const BoundedMetric<DifferenceMeasure>& bounded, const Differences& differences) {
  const bool no_ratio = bounded.metric->unit == Measure::Unit::decibels && differences.one_sided() != 0;
  const std::optional<double> value = no_ratio ? -std::numeric_limits<double>::infinity()
                                               : bounded.bound.judged(bounded.metric->value(differences));
  return value && bounded.bound.holds(*value) ? value : std::nullopt;
}

}  // namespace

Result<DifferenceCondition> difference_condition(std::string_view word) {
  constexpr std::string_view syntax = "'METRIC>NUMBER' in quotes, with > >= < or <=";
  const auto bounded = bounded_metric(word, compare::difference_measures(), syntax);
  if (!bounded) return bounded.error();
  if (bounded->has_where) return Error{"", std::nullopt, std::string(syntax), quoted(word)};
  return DifferenceCondition{std::string(word), *bounded};
}

std::optional<std::string> DifferenceCondition::met(const compare::Comparison& all) const {
  const auto line = [&](double value, const std::string& where) {
    return fmt::format("--fail-on {}: {} is {} in {}", text, bounded.metric->name, value, where);
  };
  for (const TensorComparison& tensor : all.tensors) {
    if (!tensor.compared) continue;
    if (const auto value = meeting(bounded, tensor.differences))
      return line(*value, fmt::format("{}, {}", tensor.name(), compare::step_text(all.steps[tensor.step].inputs)));
  }
  if (const auto value = meeting(bounded, all.total)) return line(*value, "all tensors together");
  return {};
}

}  // namespace lowp::tool
