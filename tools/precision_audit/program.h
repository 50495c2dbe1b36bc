// SPDX-License-Identifier: Apache-2.0
// The whole program, behind whatever starts it.
#pragma once

#include <string>
#include <vector>

namespace lowp::tool {

// What `precision-audit WORDS` does, up to its exit status. The process is its own: where memory or threads run out it ends.
int run_program(const std::vector<std::string>& words);

}  // namespace lowp::tool
