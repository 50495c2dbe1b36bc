// SPDX-License-Identifier: Apache-2.0
// THE TABLE of verdicts on a loss scaler, and the rule that picks one for a run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lowp/logs/scaler_run.h"

namespace lowp {

enum class ScalerState {
  no_scale_logged,
  healthy,
  start_up_skips,
  spike_and_recovery,
  loss_cap,
  lost_state,
  growing,
  sinking,
  stuck,
  nan_source,
};

struct ScalerStateName {
  ScalerState state;
  std::string_view name;     // as in reports
  std::string_view meaning;  // one sentence
  std::string_view advice;   // what to do
  bool trouble;              // training suffers
};
std::span<const ScalerStateName> scaler_states();  // a later row wins where several apply
const ScalerStateName& name_of(ScalerState state);

struct ScalerVerdict {
  ScalerState state = ScalerState::no_scale_logged;
  std::optional<std::size_t> began;            // index of the first of the steps that show it
  std::optional<std::int64_t> began_step;      // its number
  std::optional<std::uint64_t> skipped_steps;  // nothing where the log cannot show them
};

// Nothing but a NaN in the log makes a NaN source. Ten halvings without the scale settling are a sinking scale, ten
// skips in a row at the lowest scale a stuck one, ten raises that no overflow answers an unbounded one.
ScalerVerdict judge(const ScalerRun& run);

}  // namespace lowp
