// SPDX-License-Identifier: Apache-2.0
// The word a person may have meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lowp::tool {

// Steps (insert, drop, replace or swap neighbours) from one word to the other, letters of either case being the same.
std::size_t word_distance(std::string_view a, std::string_view b);

// The nearest of `known`, if it is near: at most about one step for every three letters, or `word` begins it.
std::optional<std::string> nearest_word(std::string_view word, const std::vector<std::string>& known);

// "; did you mean 'audit'?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace lowp::tool
