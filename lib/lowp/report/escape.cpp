// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace lowp {
namespace {

constexpr char32_t replacement = 0xFFFD;

struct CodeRange {
  char32_t first, last;
};

bool in_any(char32_t c, const CodeRange* begin, const CodeRange* end) {
  return std::any_of(begin, end, [c](CodeRange range) { return range.first <= c && c <= range.last; });
}

// Unicode 15: controls, invisible and directional format characters, line separators, the tag block.
constexpr CodeRange hidden_ranges[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},   {0x180E, 0x180E}, {0x200B, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFDD0, 0xFDEF}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
};
// Unicode 15, East Asian Width W and F, by block.
constexpr CodeRange wide_ranges[] = {
    {0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};
constexpr CodeRange combining_ranges[] = {{0x300, 0x36F}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

bool is_hidden(char32_t c) {
  const bool non_character = (c & 0xFFFE) == 0xFFFE;
  return non_character || in_any(c, std::begin(hidden_ranges), std::end(hidden_ranges));
}

// Length of a well-formed sequence and the range of its second byte, from its first byte (Unicode 15, table 3-7).
struct Lead {
  int length;
  unsigned char low = 0x80, high = 0xBF;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2 || byte > 0xF4) return {0};
  if (byte < 0xE0) return {2};
  if (byte < 0xF0)
    return {3, static_cast<unsigned char>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<unsigned char>(byte == 0xED ? 0x9F : 0xBF)};
  return {4, static_cast<unsigned char>(byte == 0xF0 ? 0x90 : 0x80),
          static_cast<unsigned char>(byte == 0xF4 ? 0x8F : 0xBF)};
}

void append_visible(std::string& out, char32_t c, bool unicode) {
  if (c < 0x80 && !is_hidden(c)) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x80) {
    fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned>(c));
  } else if (unicode && !is_hidden(c)) {
    append_utf8(out, c);
  } else if (c == 0x2026) {
    out += "...";
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{{{:04X}}}", static_cast<unsigned>(c));
  }
}

void append_json_escape(std::string& out, char32_t c) {
  const auto code = static_cast<unsigned>(c);
  if (code < 0x10000) {
    fmt::format_to(std::back_inserter(out), "\\u{:04X}", code);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04X}\\u{:04X}", 0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF));
  }
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Position of the character that would make a line of markdown a heading, a list, a rule or a quote; npos if none.
std::size_t line_marker(std::string_view line) {
  const auto is_digit_at = [&](std::size_t i) { return i < line.size() && line[i] >= '0' && line[i] <= '9'; };
  if (line.empty()) return line.npos;
  if (line[0] == '#' || line[0] == '=') return 0;
  if (line[0] == '-' || line[0] == '+') return is_digit_at(1) ? line.npos : 0;
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  const bool numbered = digits > 0 && digits < line.size() && (line[digits] == '.' || line[digits] == ')');
  return numbered && !is_digit_at(digits + 1) ? digits : line.npos;
}

}  // namespace

char32_t take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  const Lead lead = lead_of(first);
  if (lead.length == 0) return replacement;
  if (lead.length == 1) return first;
  char32_t code_point = first & (0xFFu >> (lead.length + 1));
  for (int i = 1; i < lead.length; ++i) {
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (text.empty()) return replacement;
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < low || byte > high) return replacement;
    code_point = (code_point << 6) | (byte & 0x3F);
    text.remove_prefix(1);
  }
  return code_point;
}

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((c >> shift) & 0x3F))); };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    tail(12), tail(6), tail(0);
  }
}

int columns_of(char32_t c) {
  if (c < 0x300) return 1;
  if (in_any(c, std::begin(combining_ranges), std::end(combining_ranges))) return 0;
  return in_any(c, std::begin(wide_ranges), std::end(wide_ranges)) ? 2 : 1;
}

std::size_t display_columns(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += static_cast<std::size_t>(columns_of(take_code_point(text)));
  return columns;
}

std::string visible(std::string_view text, bool unicode) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_visible(out, take_code_point(text), unicode);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '<' || is_hidden(c)) {
      append_json_escape(out, c);
    } else {
      append_utf8(out, c);
    }
  }
  out.push_back('"');
}

std::string csv_text(std::string_view text) {
  // A spreadsheet also strips a leading tab or carriage return before it looks for a formula.
  const bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != text.npos;
  return (formula ? "'" : "") + visible(text);
}

void append_csv_field(std::string& out, std::string_view field) {
  const bool marker = !field.empty() && (field.front() == '#' || field.front() == ' ' || field.back() == ' ');
  if (!marker && field.find_first_of(",\";\r\n") == field.npos) {
    out += field;
    return;
  }
  out.push_back('"');
  for (char c : field) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

std::string markdown_text(std::string_view text) {
  std::string plain = visible(text);
  plain.erase(0, std::min(plain.find_first_not_of(' '), plain.size()));
  const std::size_t marker = line_marker(plain);
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    const bool inside_word =
        i > 0 && i + 1 < plain.size() && is_alphanumeric(plain[i - 1]) && is_alphanumeric(plain[i + 1]);
    if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
      continue;
    }
    const bool special = std::string_view("\\`*[]|~$").find(c) != std::string_view::npos || (c == '_' && !inside_word);
    if (special || i == marker) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (char c : visible(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

}  // namespace lowp
