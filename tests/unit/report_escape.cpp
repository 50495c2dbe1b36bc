// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "lowp/report/escape.h"

using namespace lowp;

namespace {

std::string replaced(std::string_view text) {
  std::string out;
  while (!text.empty()) append_utf8(out, take_code_point(text));
  return out;
}

}  // namespace

TEST_CASE("every code point survives, every surrogate does not") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string text;
    append_utf8(text, c);
    const std::size_t length = text.size();
    std::string_view rest = text;
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    REQUIRE(take_code_point(rest) == (surrogate ? 0xFFFDu : c));
    REQUIRE(rest.size() == (surrogate ? length - 1 : 0));
  }
}

// Unicode 15, table 3-8 and 3-11.
TEST_CASE("one replacement per maximal subpart") {
  CHECK(replaced("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  CHECK(replaced("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  CHECK(replaced("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41\uFFFD\uFFFD\x42");
}

TEST_CASE("any bytes become valid UTF-8, and what was valid stays") {
  std::mt19937 random(4);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes;
    for (std::size_t n = random() % 12; n > 0; --n) {
      static constexpr unsigned char likely[] = {0x41, 0x80, 0xBF, 0xC2, 0xE0, 0xED,
                                                 0xEF, 0xF0, 0xF4, 0xFF, 0xA0, 0x9F};
      bytes.push_back(static_cast<char>(likely[random() % std::size(likely)]));
    }
    const auto strict = [](const std::string& text) { return nlohmann::json(text).dump(); };
    const std::string fixed = replaced(bytes);
    REQUIRE_NOTHROW(strict(fixed));
    REQUIRE_NOTHROW(strict(visible(bytes)));
    bool valid = true;
    try {
      strict(bytes);
    } catch (const nlohmann::json::exception&) {
      valid = false;
    }
    REQUIRE((fixed == bytes) == valid);
  }
}

TEST_CASE("what cannot be seen is shown") {
  CHECK(visible("a\x1b[31m\n\x7f") == "a\\x1B[31m\\x0A\\x7F");
  CHECK(visible(std::string_view("\0", 1)) == "\\x00");
  CHECK(visible("\u009b\u202e\u2066\u200b\ufeff") == "\\u{009B}\\u{202E}\\u{2066}\\u{200B}\\u{FEFF}");
  CHECK(visible("\uffff") == "\\u{FFFF}");
  CHECK(visible("\xff") == "\uFFFD");
  CHECK(visible("naïve … 重") == "naïve … 重");
  CHECK(visible("naïve … 重", false) == "na\\u{00EF}ve ... \\u{91CD}");
}

TEST_CASE("columns on a terminal") {
  CHECK(display_columns("abc") == 3);
  CHECK(display_columns("é▁…") == 3);
  CHECK(display_columns("重量") == 4);
  CHECK(display_columns("e\u0301") == 1);
}

TEST_CASE("each syntax escapes its own") {
  CHECK(xml_text("<a b=\"c\" d='&'>") == "&lt;a b=&quot;c&quot; d=&#39;&amp;&#39;&gt;");
  CHECK(csv_text("=1") == "'=1");
  CHECK(csv_text("\t=1") == "'\\x09=1");
  CHECK(csv_text("a=1") == "a=1");
  CHECK(markdown_text("a|b*c_d _e_ <f> `g` [h]") == "a\\|b\\*c_d \\_e\\_ &lt;f&gt; \\`g\\` \\[h\\]");
  CHECK(markdown_text("# a") == "\\# a");
  CHECK(markdown_text("- a") == "\\- a");
  CHECK(markdown_text("12. a") == "12\\. a");
  CHECK(markdown_text("12.5 % or -3") == "12.5 % or -3");
  CHECK(markdown_text("-3") == "-3");
  CHECK(markdown_text("    code") == "code");
  std::string json;
  append_json_string(json, "\"\\\n\x1b</\u202e\U000E0041é");
  CHECK(json == "\"\\\"\\\\\\n\\u001B\\u003C/\\u202E\\uDB40\\uDC41é\"");
}
