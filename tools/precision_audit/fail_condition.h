// SPDX-License-Identifier: Apache-2.0
// Conditions of --fail-on: METRIC OP NUMBER [@FORMAT[:SCALE]], for example flushed_of_nonzero>0.01@fp16:2^16.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bound.h"
#include "lowp/audit/recommend.h"
#include "lowp/base/result.h"
#include "lowp/summary/measures.h"

namespace lowp::tool {

struct FailCondition {
  std::string text;
  const Measure* metric = nullptr;
  Bound bound;
  std::string format;             // empty: of the input
  std::optional<int> scale_log2;  // nothing: the recommended one
};

std::string metric_names();  // "flushed_of_nonzero, ..."
Result<FailCondition> fail_condition(std::string_view word);
// Why `condition` cannot be judged by the answer to `question`.
std::optional<Error> why_not_judged(const FailCondition& condition, const Question& question);

// The conditions that hold for all tensors together, each as a line.
std::vector<std::string> conditions_met(const std::vector<FailCondition>& conditions, const Question& question,
                                        const Outcomes& total, const std::vector<Recommendation>& advice);

}  // namespace lowp::tool
