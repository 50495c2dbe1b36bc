// SPDX-License-Identifier: Apache-2.0
// The facts of a run from a summary of its dumps.
#pragma once

#include "lowp/audit/summarize.h"
#include "lowp/scaling/run_series.h"
#include "lowp/summary/summary.h"

namespace lowp::scaling {

// Steps of the same number count together, as ranks share one scale; steps without a number are numbered in their
// order. Names tell the kinds (kind_of_tensor). Any level of evidence will do: shares are as sharp as it is. Inf in a
// dump that was taken at a loss scale counts as 65520 / scale, the least that overflows there; a note says so.
RunSeries facts_of_summary(const Summary& summary);
// The same from dumps, counted for FP16 alone. `dump_scale_log2` is of inputs that do not say theirs.
Result<RunSeries> facts_of_dumps(const StepSeries& series, int dump_scale_log2, const Effort& effort);

}  // namespace lowp::scaling
