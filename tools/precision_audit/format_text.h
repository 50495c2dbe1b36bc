// SPDX-License-Identifier: Apache-2.0
// Codes and formats as text, shared by the commands that explain formats.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lowp/core/formats.h"

namespace lowp::tool {

std::string code_text(Format f, std::uint64_t code);  // "0x0002": as many digits as the width needs
// "0 | 00000 | 0000000010": sign, exponent and fraction bits; fields the format does not have are left out.
std::string bits_text(Format f, std::uint64_t code);
// Which fields those are: "sign | exponent | fraction".
std::string fields_text(Format f);

}  // namespace lowp::tool
