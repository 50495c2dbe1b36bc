// SPDX-License-Identifier: Apache-2.0
// What sum_over found, for people and programs.
#pragma once

#include <string_view>

#include "lowp/report/report.h"
#include "lowp/training/over.h"

namespace lowp::training {

// A dump stands for a micro-batch, or for a rank. Findings are of all contributions at the lowest scale
// unless they say otherwise.
Report over_report(const StepSeries& series, const OverOptions& options, const OverResult& result, bool ranks);

}  // namespace lowp::training
