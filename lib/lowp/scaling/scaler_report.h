// SPDX-License-Identifier: Apache-2.0
// The table of scalers as a report, and two of them side by side.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lowp/report/report.h"
#include "lowp/scaling/replay.h"

namespace lowp::scaling {

// One line per scaler; of one scaler alone everything the row says. Table `scalers`.
Report scalers_report(std::span<const Scaler* const> rows);

// A run and its name: "one overflow at step 5".
struct NamedRun {
  std::string name;
  RunSeries run;
};
// Runs whose answer is known beforehand: clean; one overflow; every third step; two overflows and four clean steps.
// They overflow at any scale or at none.
std::vector<NamedRun> example_runs();

// The first step of each run at which the two differ. Table `differences`.
Report difference_report(const Setup& a, const Setup& b, std::span<const NamedRun> runs, const Loop& loop);

}  // namespace lowp::scaling
