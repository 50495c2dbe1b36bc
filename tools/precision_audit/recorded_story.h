// SPDX-License-Identifier: Apache-2.0
// Replayed files of recorded dot products as a report.
#pragma once

#include <vector>

#include "lowp/report/report.h"
#include "lowp/verify/recorded.h"

namespace lowp::tool {

// One file, replayed.
struct ReplayedVectors {
  RecordedVectors vectors;
  RecordedReplay result;
  std::vector<RecordedTrace> traces;  // of result.first
};

Report report_of(const std::vector<ReplayedVectors>& all, std::size_t rows, std::size_t mismatches);

}  // namespace lowp::tool
