// SPDX-License-Identifier: Apache-2.0
// Numbers as people like to read them.
#pragma once

#include <cstdint>
#include <string>

namespace lowp {

std::string grouped(std::uint64_t count);                        // 2,085,707
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);  // "1 tensor", "31 tensors"
// "0" when none at all, the grouped count while it is below 1,000 and below 1 % of `whole`, else a percentage with three
// significant digits that never rounds to "0 %" or, unless part equals whole, to "100 %". "-" when whole is 0.
std::string share_text(std::uint64_t part, std::uint64_t whole);
std::string percent_text(std::uint64_t part, std::uint64_t whole);  // always a percentage, same rounding rules; "0" if none
std::string magnitude_text(double value);                        // 1.3e-02: two significant digits
std::string power_text(int exponent);                            // "2^16"
std::string shortest(double value);                              // shortest decimal that reads back to the same double
std::string middle_cut(std::string_view text, std::size_t columns);  // cut in the middle with an ellipsis if too long

}  // namespace lowp
