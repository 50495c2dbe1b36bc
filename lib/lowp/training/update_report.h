// SPDX-License-Identifier: Apache-2.0
// What low-precision optimizer state would lose, for people and programs.
#pragma once

#include <string_view>

#include "lowp/report/report.h"
#include "lowp/training/update.h"

namespace lowp::training {

Report state_report(const StepSeries& series, const UpdateOptions& options, const StateResult& result);
Report moments_report(const StepSeries& series, const UpdateOptions& options, const MomentResult& result);

}  // namespace lowp::training
