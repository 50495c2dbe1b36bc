// SPDX-License-Identifier: Apache-2.0
// The options of what a summary keeps, declared once.
#pragma once

#include "lowp/audit/summarize.h"
#include "options.h"

namespace lowp::tool {

struct KeepOptions {
  Keep keep;

  void declare(Options& options);
  // The pass over `series`, or over the part of it that was asked for.
  Result<Summary> summarize(const StepSeries& series, const Effort& effort, const Watch& watch = {}) const;
};

}  // namespace lowp::tool
