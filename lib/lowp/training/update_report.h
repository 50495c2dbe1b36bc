// SPDX-License-Identifier: Apache-2.0
// What low-precision optimizer state would lose, for people and programs.
#pragma once

#include <string_view>

#include "lowp/report/report.h"
#include "lowp/training/update.h"

namespace lowp {

Report state_report(const StepSeries& series, const UpdateOptions& options, const StateResult& result,
                    std::string_view tool_version);
Report moments_report(const StepSeries& series, const UpdateOptions& options, const MomentResult& result,
                      std::string_view tool_version);

}  // namespace lowp
