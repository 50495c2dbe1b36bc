// SPDX-License-Identifier: Apache-2.0
// Largest magnitudes that a training loop wrote down, one or more per step.
#pragma once

#include <string>

#include "lowp/base/result.h"
#include "lowp/scaling/run_series.h"

namespace lowp::scaling {

// A file as read_peaks reads it. Several lines of one step count together: the largest of each kind.
Result<RunSeries> read_maxima(const std::string& path);

}  // namespace lowp::scaling
