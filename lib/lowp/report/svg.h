// SPDX-License-Identifier: Apache-2.0
// How a picture of ours begins, so that it can be told from another program's before it is written over.
#pragma once

#include <string_view>

namespace lowp {

inline constexpr std::string_view svg_mark = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"precision-audit\" ";

}  // namespace lowp
