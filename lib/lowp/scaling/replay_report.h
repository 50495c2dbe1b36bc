// SPDX-License-Identifier: Apache-2.0
// What replays have to say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/report/report.h"
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

// Tables `replays`, `flushed` (where known), `differences` and `advice` (where asked); a story that begins with the
// answer; one figure, scale over steps.
Report replay_report(const ReplayAnswer& answer);

// Parts of it.
std::vector<Table> replay_tables(const ReplayAnswer& answer);
std::vector<Block> replay_story(const ReplayAnswer& answer);
Figure replay_figure(const ReplayAnswer& answer);
std::string replay_name(const Replay& replay);
// "torch from 2^16: the first 15 steps are skipped, 3 later; the scale is 2^-1 from step 48 to the end"
std::string answer_line(const Replay& replay);

}  // namespace lowp::scaling
