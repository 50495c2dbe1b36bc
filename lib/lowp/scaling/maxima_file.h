// SPDX-License-Identifier: Apache-2.0
// Largest magnitudes that a training loop wrote down, one or more per step.
#pragma once

#include <string>

#include "lowp/base/result.h"
#include "lowp/scaling/run_series.h"

namespace lowp::scaling {

// CSV of `step,largest` or `step,name,kind,largest` (a first line of names may give another order), or one JSON object
// with those keys per line. Kinds are kind_names; inf and nan are allowed, negative numbers are not. Several lines of
// one step count together: the largest of each kind. Steps are sorted. At most 2 GiB.
Result<RunSeries> read_maxima(const std::string& path);

}  // namespace lowp::scaling
