// SPDX-License-Identifier: Apache-2.0
// Converters of declared options: the whole word as a value, or an Error that says what was wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/question.h"

namespace lowp::tool {

std::string quoted(std::string_view word);  // 'word'
std::string lower_case(std::string word);
std::vector<std::string> split(std::string_view list, char separator);
// "name, name, ..." of a table's rows.
template <class Rows>
std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

std::optional<long long> parse_integer(std::string_view word);
std::optional<double> parse_number(std::string_view word);  // finite
// "2^16", "65536", "0.25": the exponent of a power of two within scale_log2_limit; nothing else has one.
std::optional<int> parse_power_of_two(std::string_view word);

Result<std::string> any_text(std::string_view word);
Result<std::uint64_t> count_word(std::string_view word);  // 0 to 2^64 - 1
Result<std::optional<std::uint64_t>> optional_count_word(std::string_view word);
Error wanted_integer(long long low, long long high, std::string_view word);
template <class T>
auto integer_between(long long low, long long high) {
  return [low, high](std::string_view word) -> Result<T> {
    const auto value = parse_integer(word);
    if (!value || *value < low || *value > high) return wanted_integer(low, high, word);
    return static_cast<T>(*value);
  };
}
// The same of a target that may be left empty.
template <class Convert>
auto optionally(Convert convert) {
  using T = std::remove_cvref_t<decltype(*convert(std::string_view()))>;
  return [convert](std::string_view word) -> Result<std::optional<T>> {
    auto value = convert(word);
    if (!value) return value.error();
    return std::optional(std::move(*value));
  };
}
// A number for which `fits`; `wanted` says which do.
template <class Fits>
auto number_that(Fits fits, std::string_view wanted) {
  return [fits, wanted](std::string_view word) -> Result<double> {
    const auto value = parse_number(word);
    if (!value || !fits(*value)) return Error{"", std::nullopt, std::string(wanted), quoted(word)};
    return *value;
  };
}
Result<int> power_of_two_word(std::string_view word);  // its exponent
Result<ScaleRange> scale_range(std::string_view word);  // "-8:32", both ends included, or one number

}  // namespace lowp::tool
