// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/humanize.h"

#include <fmt/format.h>

#include <cmath>

#include "lowp/report/escape.h"

namespace lowp {

std::string grouped(std::uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(count), count == 1 ? one : many);
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  const bool few = part < 1000 && part * 100 < whole;
  return few ? grouped(part) : percent_text(part, whole);
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  if (part == 0) return "0";
  if (part == whole) return "100 %";
  const double percent = 100.0 * (static_cast<double>(part) / static_cast<double>(whole));
  if (percent < 0.01) return "<0.01 %";
  if (percent < 1) return fmt::format("{:#.2g} %", percent);
  if (part < whole && percent >= 99.95) return "99.9 %";
  return fmt::format("{:.1f} %", percent);
}

std::string percent_range(std::uint64_t least, std::uint64_t most, std::uint64_t whole) {
  const std::string low = percent_text(least, whole), high = percent_text(most, whole);
  if (low == high) return high;
  return fmt::format("{} to {}", low.ends_with(" %") ? low.substr(0, low.size() - 2) : low, high);
}

std::string magnitude_text(double value) {
  return value == 0 ? "0" : fmt::format("{:.1e}", value);
}

std::string power_text(int exponent) {
  return fmt::format("2^{}", exponent);
}

std::string shortest(double value) {
  const bool negative_zero = value == 0 && std::signbit(value);
  return negative_zero ? "-0.0" : fmt::format("{}", value);
}

std::string middle_cut(std::string_view text, std::size_t columns) {
  const std::size_t all = display_columns(text);
  if (all <= columns) return std::string(text);
  if (columns == 0) return {};
  const std::size_t tail_columns = (columns - 1) / 2;
  const std::size_t head_columns = columns - 1 - tail_columns;
  std::string head, tail;
  std::size_t seen = 0;  // columns before the current character
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    const auto width = static_cast<std::size_t>(columns_of(c));
    if (seen + width <= head_columns) append_utf8(head, c);
    if (seen >= all - tail_columns) append_utf8(tail, c);
    seen += width;
  }
  return head + "\u2026" + tail;
}

}  // namespace lowp
