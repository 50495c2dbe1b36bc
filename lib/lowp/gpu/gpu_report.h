// SPDX-License-Identifier: Apache-2.0
// A verification as records and a story.
#pragma once

#include "lowp/gpu/verify.h"
#include "lowp/report/report.h"

namespace lowp::gpu {

// Tables `chip`, `lines` and `open_points`; the story has one grid of what was run and the mismatches below it.
void add_to_report(const Verification& verification, Report& report);

// "NVIDIA H100 80GB HBM3 (sm_90), code for sm_90a, driver 580.65.06 (CUDA 13.0), CUDA runtime 13.0, compiled by nvcc
// 13.0.88"
std::string chip_text(const Chip& chip);

}  // namespace lowp::gpu
