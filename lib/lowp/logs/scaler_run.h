// SPDX-License-Identifier: Apache-2.0
// What the lines of one run say, step after step: taken or skipped, at which loss scale.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lowp/logs/log_event.h"

namespace lowp {

// `count` steps in a row that went the same way. `step` is the number on the line that shows them, where there is one.
struct ScalerStep {
  std::optional<std::int64_t> step = {};
  std::uint64_t count = 1;
  bool skipped = false;
  bool nan = false;            // with a NaN loss or gradient norm
  bool absorbed = false;       // skipped, but hysteresis kept the scale
  bool raised_before = false;  // the scale was raised since the step before, unseen
  bool resumed = false;        // the numbers went back: from a checkpoint
  bool reset = false;          // the scale is far higher than any growth explains
  std::optional<double> used = {}, after = {};
};

struct ScalerRun {
  std::vector<ScalerStep> steps;
  bool from_start = true;           // nothing shows that steps came before the first
  bool shows_skips = false;         // some line shows which steps were skipped, or the scale after each
  bool logs_scale = false;          // some line gives a scale
  bool scale_of_this_step = false;  // some line gives the scale that a step used
  bool ended_at_minimum = false;    // the run ended because the scale could not be lowered
};

// The steps of one run, from its events in the order of the log.
ScalerRun scaler_run(std::span<const LogEvent> events);

}  // namespace lowp
