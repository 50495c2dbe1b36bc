// SPDX-License-Identifier: Apache-2.0
#include "lowp/base/result.h"

#include <fmt/format.h>

#include <cstddef>

namespace lowp {
namespace {

struct Decoded {
  std::uint32_t point = 0;
  std::size_t length = 0;  // 0: not UTF-8
};

// The code point at the start of `text`: shortest form only, no surrogates, at most U+10FFFF (Unicode 15, table 3-7).
Decoded decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t point = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = point << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return {};
  return {point, length};
}

// Characters that break the line or turn the direction of what follows on a terminal.
bool breaks_a_line(std::uint32_t point) {
  return point == 0x2028 || point == 0x2029 || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    const std::size_t length = next.length == 0 ? 1 : next.length;
    if (next.length == 0 || breaks_a_line(next.point)) {
      out += replacement;
    } else if (next.point < 0x20 || (next.point >= 0x7F && next.point < 0xA0)) {
      out += fmt::format("\\x{:02x}", next.point);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string Error::message() const {
  std::string text = file;
  if (offset) text += fmt::format(": at byte {}", *offset);
  if (!wanted.empty()) text += fmt::format(": wanted {}", wanted);
  if (!found.empty()) text += fmt::format("{}{}", wanted.empty() ? ": " : ", found ", found);
  if (text.starts_with(": ")) text.erase(0, 2);  // of no file
  return printable(text);
}

}  // namespace lowp
