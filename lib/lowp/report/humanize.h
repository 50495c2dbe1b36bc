// SPDX-License-Identifier: Apache-2.0
// Numbers as people like to read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lowp {

std::string grouped(std::uint64_t count);                                               // 2,085,707
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);  // "1 tensor", "31 tensors"
// For a sentence. "0" when none at all, the grouped count while it is below 1,000 and below 1 % of `whole`, else percent_text. "-" when
// whole is 0.
std::string share_text(std::uint64_t part, std::uint64_t whole);
// For a column of shares. "0" if none, "<0.01 %" if hardly any, two significant digits below 1 % ("0.12 %"), else one
// decimal ("57.2 %"). "100 %" only when part equals whole, "99.9 %" for whatever would round to it. "-" when whole is 0.
std::string percent_text(std::uint64_t part, std::uint64_t whole);
// Two of them as one: "11.1 to 14.2 %", "0 to 8.8 %", "12.0 %" where they are equal.
std::string percent_range(std::uint64_t least, std::uint64_t most, std::uint64_t whole);
std::string magnitude_text(double value);  // 1.3e-02: two significant digits; zero is "0"
std::string power_text(int exponent);      // "2^16"
// Shortest decimal that reads back to the same double ("-0.0" for -0); "nan", "inf", "-inf".
std::string shortest(double value);
// Cut in the middle with an ellipsis so that it shows in at most `columns` columns of a terminal.
std::string middle_cut(std::string_view text, std::size_t columns);

}  // namespace lowp
