// SPDX-License-Identifier: Apache-2.0
// The options of what a summary keeps, declared once.
#pragma once

#include <functional>

#include "frame.h"
#include "lowp/audit/summarize.h"
#include "options.h"

namespace lowp::tool {

struct KeepOptions {
  Keep keep;

  void declare(Options& options);
  // The pass over the job's series, or over the part of it that was asked for; files of several ranks become parts of
  // their steps. `take` gets each step as it is complete; what it moves out is not in the result.
  Result<Summary> summarize(Job& job, const std::function<Result<Done>(StepSummary& step)>& take = {}) const;
};

}  // namespace lowp::tool
