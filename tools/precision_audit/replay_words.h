// SPDX-License-Identifier: Apache-2.0
// Words that say which scaler, with which settings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/scaling/replay.h"

namespace lowp::tool {

struct ScalerWords {
  std::string scalers = "torch", init, interval;
  std::vector<std::string> parameters;  // "name=value"
};

std::string scaler_names();  // "torch, torch-sharded, ..."

// One setup per scaler, or what is wrong with the words. A parameter must be one of each scaler that has it, and one
// scaler must have it.
std::optional<std::string> read_setups(const ScalerWords& words, std::vector<scaling::Setup>& setups);

}  // namespace lowp::tool
