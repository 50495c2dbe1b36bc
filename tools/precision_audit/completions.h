// SPDX-License-Identifier: Apache-2.0
// What a shell suggests after `precision-audit`.
#pragma once

#include <string>

namespace lowp::tool {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace lowp::tool
