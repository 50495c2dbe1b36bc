// SPDX-License-Identifier: Apache-2.0
// Scalers replayed on one run.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/scaling/advise.h"
#include "lowp/scaling/replay.h"

namespace lowp::scaling {

// Rows of the report are made when they are written: the answer and its run must stay until then.
struct ReplayAnswer {
  const RunSeries* run = nullptr;
  Loop loop;
  std::vector<Replay> replays;     // one or more, of the same steps
  std::optional<Advice> advice;    // for the first scaler
  bool shows_differences = false;  // of each other scaler from the first
  bool shows_advice = false;       // the trials too
  bool loss_known = false;         // its type was said
};

// Every setup on the run, and advice for the first; `advises`: with other intervals, to be shown. `loss` is the type of
// the loss; empty: what the run says. An Error where the run has fewer steps than one update takes.
Result<ReplayAnswer> replay_all(const RunSeries& run, std::span<const Setup> setups, Loop loop, std::string_view loss,
                                bool advises);

}  // namespace lowp::scaling
