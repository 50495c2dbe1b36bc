// SPDX-License-Identifier: Apache-2.0
// Conditions of `compare --fail-on`: METRIC OP NUMBER, of a tensor or of all together.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bound.h"
#include "lowp/compare/compare.h"
#include "lowp/compare/difference_measures.h"

namespace lowp::tool {

struct DifferenceCondition {
  std::string text;
  BoundedMetric<compare::DifferenceMeasure> bounded;

  // A line for the first tensor that meets it, else for all together.
  std::optional<std::string> met(const compare::Comparison& all) const;
};

Result<DifferenceCondition> difference_condition(std::string_view word);

}  // namespace lowp::tool
