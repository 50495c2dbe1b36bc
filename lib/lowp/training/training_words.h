// SPDX-License-Identifier: Apache-2.0
// Small words for the stories of this room's reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lowp/report/cells.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

// "step0001.safetensors to step0032.safetensors" or one file's name, directories left out.
std::string sources_text(const StepSeries& series);
std::string decibel_text(std::optional<double> snr_db);  // "41 dB", "exact"
std::string relative_text(std::optional<double> error);  // "0", "0.12 %", "3.1e-08", "9.5 x", "27,000 x"
// "none", "3.7 %", and a handful among many as "6 of 11,337,965".
std::string lost_text(std::uint64_t part, std::uint64_t whole);
std::string joined(const std::vector<std::string>& parts);  // "a", "a and b", "a, b and c"

}  // namespace lowp::training
