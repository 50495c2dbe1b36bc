// SPDX-License-Identifier: Apache-2.0
// Values as the cells of records.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lowp/report/report.h"

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

}  // namespace lowp
