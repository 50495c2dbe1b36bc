// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace lowp::tool {
namespace {

// No absolute value: the smallest integer has none.
bool is_scale(long long log2) {
  return -scale_log2_limit <= log2 && log2 <= scale_log2_limit;
}

}  // namespace

std::string quoted(std::string_view word) {
  return fmt::format("'{}'", word);
}

std::string lower_case(std::string word) {
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

std::vector<std::string> split(std::string_view list, char separator) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t end = list.find(separator);
    words.emplace_back(list.substr(0, end));
    if (end == std::string_view::npos) return words;
    list.remove_prefix(end + 1);
  }
}

std::optional<long long> parse_integer(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  long long value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return {};
  return value;
}

std::optional<double> parse_number(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value)) return {};
  return value;
}

std::optional<int> parse_power_of_two(std::string_view word) {
  if (word.starts_with("2^")) {
    const auto exponent = parse_integer(word.substr(2));
    if (!exponent || !is_scale(*exponent)) return {};
    return static_cast<int>(*exponent);
  }
  const auto value = parse_number(word);
  if (!value || *value <= 0) return {};
  int exponent = 0;
  if (std::frexp(*value, &exponent) != 0.5 || !is_scale(exponent - 1)) return {};
  return exponent - 1;
}

Result<std::string> any_text(std::string_view word) {
  return std::string(word);
}

Result<std::uint64_t> count_word(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size())
    return Error{"", std::nullopt, "an integer from 0 on", quoted(word)};
  return value;
}

Result<std::optional<std::uint64_t>> optional_count_word(std::string_view word) {
  auto count = count_word(word);
  if (!count) return count.error();
  return std::optional(*count);
}

Error wanted_integer(long long low, long long high, std::string_view word) {
  return {"", std::nullopt, fmt::format("an integer from {} to {}", low, high), quoted(word)};
}

Result<int> power_of_two_word(std::string_view word) {
  if (const auto exponent = parse_power_of_two(word)) return *exponent;
  return Error{"", std::nullopt,
               fmt::format("a power of two such as 65536 or 2^16, from 2^-{0} to 2^{0}", scale_log2_limit),
               quoted(word)};
}

Result<ScaleRange> scale_range(std::string_view word) {
  const std::vector<std::string> ends = split(word, ':');
  const auto low = parse_integer(ends.front()), high = parse_integer(ends.back());
  if (ends.size() <= 2 && low && high && *low <= *high && is_scale(*low) && is_scale(*high))
    return ScaleRange{static_cast<int>(*low), static_cast<int>(*high)};
  const auto power = parse_power_of_two(word);
  const std::string hint = power && *power != 0 ? fmt::format("; did you mean {}?", *power) : "";
  return Error{"", std::nullopt,
               fmt::format("LOW:HIGH as log2, between {} and {}", -scale_log2_limit, scale_log2_limit),
               quoted(word) + hint};
}

}  // namespace lowp::tool
