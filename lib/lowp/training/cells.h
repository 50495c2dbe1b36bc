// SPDX-License-Identifier: Apache-2.0
// Small words for the tables and stories of this room's reports.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lowp/report/report.h"
#include "lowp/tensor/step_series.h"

namespace lowp {

inline Cell text_cell(std::string_view value) {
  return Cell{std::string(value)};
}
inline Cell count_cell(std::uint64_t value) {
  return Cell{value};
}
inline Cell integer_cell(std::int64_t value) {
  return Cell{value};
}
inline Cell null_cell(std::string_view reason) {
  return Cell{Null{std::string(reason)}};
}
inline Cell real_cell(std::optional<double> value, std::string_view reason) {
  if (!value) return null_cell(reason);
  return std::isfinite(*value) ? Cell{*value} : null_cell("beyond the range of a double");
}
inline Cell rate_cell(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? null_cell("none to count") : Cell{static_cast<double>(part) / static_cast<double>(whole)};
}

// "step0001.safetensors to step0032.safetensors" or one file's name, directories left out.
std::string sources_text(const StepSeries& series);
std::string decibel_text(std::optional<double> snr_db);  // "41 dB", "exact"
std::string relative_text(std::optional<double> error);  // "0", "0.12 %", "3.1e-08", "9.5 x", "27,000 x"
// "none", "3.7 %", and a handful among many as "6 of 11,337,965".
std::string lost_text(std::uint64_t part, std::uint64_t whole);
std::string joined(const std::vector<std::string>& parts);  // "a", "a and b", "a, b and c"

}  // namespace lowp
