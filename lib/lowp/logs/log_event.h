// SPDX-License-Identifier: Apache-2.0
// What one line of a training log says about the loss scaler, whichever framework wrote it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lowp {

// A message tells of the step that the next step line names; a step line sums up the steps since the one before it.
enum class LogEventKind {
  mention,    // the framework's line, nothing about the scaler in it
  table,      // header of a CSV table
  overflow,   // message: a step was skipped
  new_scale,  // message: the scale before and after the overflow just told
  taken,      // message: `steps` steps were taken
  raised,     // message: the scale was raised after a taken step
  step,       // step line
  ended,      // the run ends because the scale reached its minimum
};

// What the number on a step line counts.
enum class StepNumbers {
  all,    // every step
  taken,  // steps that were not skipped
  none,   // there is no number: lines are counted
};

struct LogEvent {
  LogEventKind kind = LogEventKind::mention;
  std::string_view framework;  // static text
  std::uint64_t line = 0;      // from 1
  std::optional<std::int64_t> step;
  StepNumbers numbers = StepNumbers::all;
  bool coarse = false;                          // a step line that gives way to others that name every step
  bool in_table = false;                        // header or row of a CSV table
  std::optional<double> epoch;                  // where it is the only hint at the number of the step
  std::optional<double> used;                   // loss scale in this step
  std::optional<double> after;                  // loss scale after its update
  std::optional<std::uint64_t> skipped;         // skipped steps since the line before
  std::optional<std::uint64_t> skipped_so_far;  // skipped steps of the run
  bool first_not_reset = false;                 // the line after step 1 counts step 1 again
  bool last_taken = false;                      // the last of the steps was taken
  std::uint64_t steps = 1;
  bool nan = false;       // a NaN loss or gradient norm
  bool absorbed = false;  // an overflow that hysteresis answered without lowering the scale
};

}  // namespace lowp
