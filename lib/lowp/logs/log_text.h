// SPDX-License-Identifier: Apache-2.0
// Looking for words and numbers in a line of text from a stranger.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace lowp {

std::string_view trimmed(std::string_view text);

// The number that `text` starts with, after blanks and quotation marks: decimal, "nan", "inf" in any case.
std::optional<double> leading_number(std::string_view text);
// The number after the first `key` that has one, with at most blanks, quotation marks and one of ":=" between.
std::optional<double> number_after(std::string_view text, std::string_view key);
// The same, where it is a whole number of 64 bits.
std::optional<std::int64_t> integer_after(std::string_view text, std::string_view key);
std::optional<std::int64_t> as_integer(std::optional<double> number);

// A loss scale: finite and above zero.
std::optional<double> as_scale(std::optional<double> number);

// Calls `each(key, value)` for every pair of a flat JSON object or Python dict in the line: 'key': value, the value
// without its quotation marks.
void each_pair(std::string_view text, const std::function<void(std::string_view, std::string_view)>& each);

// Whether `name`, in lower case with every other character as '_', is a name that frameworks give to the loss scale.
bool names_loss_scale(std::string_view name);
// Likewise the number of the step, the loss or the norm of the gradients.
bool names_step(std::string_view name);
bool names_loss_or_norm(std::string_view name);

}  // namespace lowp
