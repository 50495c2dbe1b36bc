// SPDX-License-Identifier: Apache-2.0
// A share of every tensor, so that several processes can read one dump.
#pragma once

#include <cstdint>
#include <vector>

#include "lowp/summary/summary.h"
#include "lowp/tensor/step_series.h"

namespace lowp {

// Part `index` (from 1 on) of `count`: of each tensor a stretch of its stored elements, or all of it in one of the
// parts where it cannot be read from the middle. Every element is in exactly one part. Summaries cannot be divided: an
// Error.
Result<StepSeries> part_of_series(StepSeries series, std::uint32_t index, std::uint32_t count);

// Files of one step that hold the same tensors are of several ranks: each is a part, and merge adds them up. One for
// each input; `whole` for the others.
std::vector<Part> ranks_of(const StepSeries& series);

}  // namespace lowp
