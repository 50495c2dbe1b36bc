// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/scaler_words.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "lowp/report/humanize.h"
#include "lowp/scaling/scaler_arithmetic.h"

namespace lowp::scaling {

std::string hex_text(double x) {
  if (std::isnan(x)) return "nan";
  std::array<char, 40> text{};
  const int length = std::snprintf(text.data(), text.size(), "%a", x);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string number_text(double x) {
  return std::isnan(x) ? "None" : shortest(x);
}

std::string scale_text(double scale) {
  int exponent = 0;
  if (std::isfinite(scale) && std::frexp(scale, &exponent) == 0.5) return power_text(exponent - 1);
  return shortest(scale);
}

std::optional<double> parse_real(std::string_view word) {
  const std::string text(word);
  const auto number = [](const std::string& digits) -> std::optional<double> {
    if (digits.empty() || std::isspace(static_cast<unsigned char>(digits.front()))) return {};
    char* end = nullptr;
    const double x = std::strtod(digits.c_str(), &end);
    if (static_cast<std::size_t>(end - digits.c_str()) != digits.size()) return {};
    return x;
  };
  if (!text.starts_with("2^")) return number(text);
  const std::optional<double> exponent = number(text.substr(2));
  if (!exponent || *exponent != std::floor(*exponent) || std::fabs(*exponent) > 2000) return {};
  return std::ldexp(1.0, static_cast<int>(*exponent));
}

std::optional<double> parse_setting(std::string_view word) {
  if (word == "None" || word == "none") return none;
  if (word == "true" || word == "True") return 1;
  if (word == "false" || word == "False") return 0;
  if (word == "float16") return 16;
  if (word == "float32") return 32;
  return parse_real(word);
}

}  // namespace lowp::scaling
