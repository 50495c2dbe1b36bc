// SPDX-License-Identifier: Apache-2.0
// What the table of accumulate says a matrix instruction returns.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lowp/accumulate/model.h"
#include "lowp/gpu/backend.h"

namespace lowp::gpu {

// The row of accumulate/model.h for an instruction on a chip ("sm_90"); nullptr if the table has none or does not
// emulate it.
const TensorCore* model_of(std::string_view capability, const MmaRow& row);

// D of every tile, row by row, by `model`. On all processors.
std::vector<std::uint32_t> predict(const TensorCore& model, const MmaRow& row, Feed feed, const TileBatch& batch);

}  // namespace lowp::gpu
