// SPDX-License-Identifier: Apache-2.0
// Replayed files of recorded matrix products as a report.
#pragma once

#include <vector>

#include "lowp/report/report.h"
#include "lowp/verify/recorded_gemm.h"

namespace lowp::tool {

struct ReplayedGemms {
  RecordedGemms file;
  GemmReplay result;
};

Report report_of(const std::vector<ReplayedGemms>& all, std::size_t outputs, std::size_t mismatches);

}  // namespace lowp::tool
