// SPDX-License-Identifier: Apache-2.0
// The facts of a run from dumps of its gradients.
#pragma once

#include "lowp/base/result.h"
#include "lowp/scaling/run_series.h"
#include "lowp/tensor/step_series.h"

namespace lowp::scaling {

// Reads every tensor once. Inputs of the same step count together, as ranks share one scale; inputs without a step are
// numbered in their order. Names tell the kinds (kind_of_tensor). Flushed shares are exact at powers of two, intervals
// at other scales. `dump_scale`: what the loss was scaled by when the dump was taken; gradients are divided by it.
Result<RunSeries> facts_of_dumps(const StepSeries& series, int threads, double dump_scale);

}  // namespace lowp::scaling
