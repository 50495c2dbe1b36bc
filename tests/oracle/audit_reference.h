// SPDX-License-Identifier: Apache-2.0
// The audit by brute force: every element converted by itself through core, every sum an exact integer.
#pragma once

#include <span>

#include "lowp/core/exact.h"
#include "lowp/summary/sweep.h"

namespace lowp::oracle {

// What a sweep must answer for these elements, bit for bit (snr_db and shares excepted: those to a few ulps).
Outcome reference_outcome(std::span<const Exact> elements, const Target& target, int dump_scale_log2, int scale_log2);

}  // namespace lowp::oracle
