// SPDX-License-Identifier: Apache-2.0
// Help, made from the table of commands and the options that each declares.
#pragma once

#include <string>
#include <string_view>

#include "frame.h"

namespace lowp::tool {

std::string help_of_program();
// `path` is how the command was called: "precision-audit verify gpu".
std::string help_of(const Command& command, std::string_view path);

// "--scales LOW:HIGH", "PATH..."; what an option looks like on the command line.
std::string spelling(const Option& option);
// Help, and the values it may have, and what it is without being given.
std::string explanation(const Option& option);
// "precision-audit audit PATH... [OPTION]..."
std::string usage_line(std::string_view path, const Options& options);

}  // namespace lowp::tool
