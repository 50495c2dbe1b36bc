// SPDX-License-Identifier: Apache-2.0
// What a kernel was compiled to, read from the text that `cuobjdump -sass` prints.
#pragma once

#include <map>
#include <string>

namespace lowp::gpu {

// Provenance for recorded files: "sass" with the arithmetic instructions of the function and how often each occurs, and
// "sass_hash" (FNV-1a of all its instructions, hexadecimal). Empty where the text has no such function.
std::map<std::string, std::string> sass_of(const std::string& disassembly, const std::string& function);

}  // namespace lowp::gpu
