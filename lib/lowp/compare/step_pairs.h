// SPDX-License-Identifier: Apache-2.0
// Which inputs of two dumps are compared with each other.
#pragma once

#include <vector>

#include "lowp/tensor/step_series.h"

namespace lowp::compare {

struct InputPair {
  const Input* a = nullptr;  // null where only B has the step
  const Input* b = nullptr;  // likewise
};

// One input on each side: these two, whatever their steps. Where every input has a step, those of one step, in order
// where there are several (ranks). Else the first with the first, and so on. Inputs of A in their order, each with its
// partner if it has one, then those of B alone. An Error where nothing is left to compare. Refers to both.
Result<std::vector<InputPair>> pair_inputs(const StepSeries& a, const StepSeries& b);

}  // namespace lowp::compare
