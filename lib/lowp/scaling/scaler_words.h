// SPDX-License-Identifier: Apache-2.0
// Scales and settings as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lowp/scaling/scaler.h"

namespace lowp::scaling {

std::string hex_text(double x);        // as C99's %a: "0x1p+16", "0x1.b33334p+16", "inf", "nan"
std::string number_text(double x);     // shortest decimal: "2000", "0.5"; None for NaN
std::string scale_text(double scale);  // "2^16", else the shortest decimal
// "2^16", "65536", "0.25", "0x1p+16"; the whole word or nothing. "None" is NaN, "true" 1, "false" 0, "float16" 16.
std::optional<double> parse_real(std::string_view word);
std::optional<double> parse_setting(std::string_view word);

}  // namespace lowp::scaling
