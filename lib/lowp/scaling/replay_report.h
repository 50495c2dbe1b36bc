// SPDX-License-Identifier: Apache-2.0
// What replays have to say.
#pragma once

#include <string>
#include <vector>

#include "lowp/report/report.h"
#include "lowp/scaling/replay_answer.h"

namespace lowp::scaling {

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
