// SPDX-License-Identifier: Apache-2.0
// Text laid out in columns. The text is taken as it is: make it `visible` before.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lowp {

// Lines of at most `width` columns (of which the indents must leave two); the first begins with `first_indent` blanks,
// the others with `indent`. Breaks at runs of blanks, never between a number and its percent sign, and inside a word
// only where no line can hold it whole; blanks inside a line are kept. At least one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t first_indent, std::size_t indent,
                                 std::size_t width);

// At most `columns` bars of eight heights, or an ASCII ramp that grows darker. A blank means exactly zero, never
// merely little; a bar that stands for several values shows the largest. Values are clamped to 0..1.
std::string spark_text(const std::vector<double>& shares, std::size_t columns, bool unicode);

}  // namespace lowp
