// SPDX-License-Identifier: Apache-2.0
// What replay_gemm found, for people and programs.
#pragma once

#include <string_view>

#include "lowp/report/report.h"
#include "lowp/training/gemm_replay.h"

namespace lowp::training {

Report gemm_report(const StepSeries& series, const GemmOptions& options, const GemmResult& result);

}  // namespace lowp::training
