// SPDX-License-Identifier: Apache-2.0
// The man page and completions of shells, made from the table of commands and the options that each declares.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lowp::tool {

struct Manual {
  std::string_view name;  // as given to `precision-audit help`
  std::string (*make)();
};
std::span<const Manual> manuals();  // man bash zsh fish

}  // namespace lowp::tool
