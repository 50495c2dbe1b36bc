// SPDX-License-Identifier: Apache-2.0
#include "format_text.h"

#include <fmt/format.h>

namespace lowp::tool {
namespace {

struct Field {
  std::string_view name;
  int width;
};

// From the top bit down. Two's complement has one field.
std::array<Field, 3> fields(Format f) {
  if (f.sign == SignRule::complement) return {Field{"two's complement", f.width}, Field{"", 0}, Field{"", 0}};
  return {Field{"sign", f.width - magnitude_bits(f)}, Field{"exponent", exponent_bits(f)},
          Field{"fraction", fraction_bits(f)}};
}

}  // namespace

std::string code_text(Format f, std::uint64_t code) {
  return fmt::format("0x{:0{}x}", code, (f.width + 3) / 4);
}

std::string bits_text(Format f, std::uint64_t code) {
  std::string text;
  int below = f.width;
  for (const Field& field : fields(f)) {
    if (field.width == 0) continue;
    below -= field.width;
    text += fmt::format("{}{:0{}b}", text.empty() ? "" : " | ", (code >> below) & low_bits(field.width), field.width);
  }
  return text;
}

std::string fields_text(Format f) {
  std::string text;
  for (const Field& field : fields(f)) {
    if (field.width != 0) text += (text.empty() ? "" : " | ") + std::string(field.name);
  }
  return text;
}

}  // namespace lowp::tool
