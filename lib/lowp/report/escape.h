// SPDX-License-Identifier: Apache-2.0
// Untrusted text made harmless, once per syntax. Every function accepts any bytes and yields valid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lowp {

// Takes the first code point off a non-empty text. Each malformed sequence (a maximal subpart, Unicode 15 D93b; also
// surrogates, overlong forms, beyond U+10FFFF) yields one U+FFFD.
char32_t take_code_point(std::string_view& text);
void append_utf8(std::string& out, char32_t code_point);

// Columns a terminal needs: 2 for wide East Asian characters and emoji, 0 for combining marks, else 1.
int columns_of(char32_t code_point);
std::size_t display_columns(std::string_view text);

// Controls (newline and ESC too), C1, bidirectional overrides, invisible and non-characters shown as \x1B or \u{202E},
// so that what is printed is what is there. Without `unicode` the result is ASCII.
std::string visible(std::string_view text, bool unicode = true);

// A quoted string; nothing but printable characters stays raw, and "<" is \u003C so that it may stand in a web page.
void append_json_string(std::string& out, std::string_view text);
// The `visible` text; one that a spreadsheet would run as a formula gets a leading apostrophe. Not yet quoted.
std::string csv_text(std::string_view text);
// Quotes a finished CSV field (RFC 4180) when its content requires it.
void append_csv_field(std::string& out, std::string_view field);
// The `visible` text for a line of GitHub markdown or for a cell of its tables.
std::string markdown_text(std::string_view text);
// The `visible` text for XML content and attributes in either kind of quotes.
std::string xml_text(std::string_view text);

}  // namespace lowp
