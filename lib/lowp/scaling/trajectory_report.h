// SPDX-License-Identifier: Apache-2.0
// What a comparison with recorded trajectories has to say.
#pragma once

#include <vector>

#include "lowp/report/report.h"
#include "lowp/scaling/trajectory_check.h"

namespace lowp::scaling {

// Tables `totals`, `files` and `first_mismatches`, and a story. Informational files count in no total.
Report trajectory_report(const std::vector<CheckedFile>& files, const std::vector<std::string>& others);
// Whether a judged file differs, or a file is of a scaler that is no row.
bool has_finding(const std::vector<CheckedFile>& files);

}  // namespace lowp::scaling
