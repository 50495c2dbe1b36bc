// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "lowp/report/lines.h"
#include "lowp/report/report.h"
#include "lowp/report/writers.h"

using namespace lowp;

namespace {

std::vector<std::string> lines_of(const Report& report, const TextStyle& style) {
  std::string text;
  find_writer("text")->write(report, style, text);
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Every character used here takes one column, so columns are bytes that do not continue a character.
long columns(std::string_view line) {
  return std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

Grid scale_grid(int scales, const std::string& name) {
  Grid grid{"Share of non-zero values by log2(loss scale)", {"", ""}, 2, {}};
  GridRow flushed{{name, "flushed"}, {}}, overflowed{{"", "overflowed"}, {}};
  for (int i = 0; i < scales; ++i) {
    grid.header.push_back(std::to_string(i));
    flushed.cells.push_back("57.2 %");
    flushed.spark.push_back(1.0 / (1 + i));
    overflowed.cells.push_back("0");
    overflowed.spark.push_back(0);
  }
  grid.rows = {flushed, overflowed};
  return grid;
}

std::string random_words(std::mt19937& random) {
  std::string text;
  for (unsigned i = 0; i < 60; ++i) {
    text.append(1 + random() % 2, ' ');
    text.append(1 + random() % 18, static_cast<char>('a' + random() % 26));
  }
  return text;
}

}  // namespace

TEST_CASE("no line is wider than the terminal") {
  std::mt19937 random(3);
  for (int width : {60, 80, 100, 120}) {
    for (bool unicode : {true, false}) {
      for (int scales : {1, 2, 7, 15, 41}) {
        Report report;
        report.story = {Heading{random_words(random)},
                        Paragraph{random_words(random)},
                        Paragraph{random_words(random), 2, 6},
                        scale_grid(scales, "fp16"),
                        scale_grid(scales, std::string(150, 'n')),
                        scale_grid(scales, "é" + std::string(90, 'x'))};
        for (const std::string& line : lines_of(report, {width, false, unicode})) {
          CAPTURE(line);
          REQUIRE(columns(line) <= width);
          REQUIRE((line.empty() || line.back() != ' '));
        }
      }
    }
  }
}

TEST_CASE("a word wider than the line is cut where the line ends") {
  Report report;
  const std::string name(90, 'n');
  report.story = {Paragraph{"see " + name + " and more", 2, 2}};
  const auto lines = lines_of(report, {60, false, true});
  CHECK(lines == std::vector<std::string>{"  see", "    " + name.substr(34), "    " + name.substr(56) + " and more"});
}

TEST_CASE("paragraphs hang, keep their inner blanks, and keep a number with its percent sign") {
  CHECK(wrapped("fp16  start at 1 % of", 2, 8, 18) == std::vector<std::string>{"  fp16  start at", "        1 % of"});
  CHECK(wrapped("aaaa bbb 1 %", 0, 0, 10) == std::vector<std::string>{"aaaa bbb", "1 %"});
  CHECK(wrapped("", 2, 4, 10) == std::vector<std::string>{"  "});
  CHECK(wrapped("abcd efgh", 0, 0, 9) == std::vector<std::string>{"abcd efgh"});
  CHECK(wrapped("abcd efgh", 0, 0, 8) == std::vector<std::string>{"abcd", "efgh"});
  CHECK(wrapped("ab cdefghijk l", 0, 2, 6) == std::vector<std::string>{"ab", "  cdef", "  ghij", "  k l"});
  CHECK(wrapped("日本語日本語", 1, 1, 6) == std::vector<std::string>{" 日本", " 語日", " 本語"});
}

TEST_CASE("columns are left out from the middle, evenly") {
  Report report;
  report.story = {scale_grid(17, "fp16")};
  const auto lines = lines_of(report, {80, false, true});
  std::istringstream header(lines[1]);
  std::vector<int> shown;
  for (int scale; header >> scale;) shown.push_back(scale);
  REQUIRE(shown.size() >= 4);
  CHECK(shown.front() == 0);
  CHECK(shown.back() == 16);
  int least = 17, most = 0;
  for (std::size_t i = 1; i < shown.size(); ++i) {
    least = std::min(least, shown[i] - shown[i - 1]);
    most = std::max(most, shown[i] - shown[i - 1]);
  }
  CHECK(most - least <= 1);
  CHECK(lines[2].find("fp16  flushed") == 2);
}

TEST_CASE("names give way before columns, and the key column never goes") {
  Report report;
  const std::string name = "layers.1.self_attn.in_proj_bias.of.a.transformer";
  for (int key = 1; key <= 6; ++key) {
    Grid grid{"", {"tensor", "c1", "c2", "c3", "c4", "c5", "c6"}, 1, {{{name, "1", "2", "3", "4", "5", "6"}, {}}}, key};
    report.story = {grid};
    // Wide enough once the name is cut: every column stays.
    const auto fair = lines_of(report, {50, false, true});
    CHECK(fair[1].ends_with("1   2   3   4   5   6"));
    CHECK(fair[1].find("…") != std::string::npos);
    // Too narrow for all: the key column is among those that stay.
    for (GridRow& row : std::get<Grid>(report.story[0]).rows) {
      for (std::size_t i = 1; i < row.cells.size(); ++i) row.cells[i] = "1234567 %";
    }
    const auto narrow = lines_of(report, {60, false, true});
    CHECK(narrow[0].find("c" + std::to_string(key)) != std::string::npos);
    CHECK(narrow[0].find("c6") != std::string::npos);
    CHECK(columns(narrow[1]) <= 60);
  }
}

TEST_CASE("names are cut only in the middle") {
  Report report;
  report.story = {scale_grid(17, "begin" + std::string(90, 'x') + "end")};
  const auto lines = lines_of(report, {60, false, false});
  CHECK(lines[2].find("beginx") != std::string::npos);
  CHECK(lines[2].find("x~x") != std::string::npos);
  CHECK(lines[2].find("xend  flushed") != std::string::npos);
  CHECK(lines[2].ends_with("57.2 %"));
}

TEST_CASE("a bar tells nothing from little") {
  CHECK(spark_text({0.0, 1e-300, 0.125, 0.126, 0.5, 1.0, 7.0}, 10, true) == " ▁▁▂▄██");
  CHECK(spark_text({0.0, 1e-300, 0.5, 1.0}, 10, false) == " .=#");
  CHECK(spark_text({0, 0, 0, 0.2, 0, 0}, 3, true) == " ▂ ");
  CHECK(spark_text({-1.0}, 3, true) == " ");
  CHECK(spark_text({}, 3, true).empty());
}

TEST_CASE("colour only adds, and without Unicode the text is ASCII") {
  Report report;
  report.story = {Heading{"Recommendation"}, Paragraph{"é…"}, scale_grid(15, "fp16")};
  std::string plain, coloured, ascii;
  find_writer("text")->write(report, {80, false, true}, plain);
  find_writer("text")->write(report, {80, true, true}, coloured);
  find_writer("text")->write(report, {80, false, false}, ascii);
  CHECK(coloured != plain);
  for (std::string_view code : {"\x1b[1m", "\x1b[0m"}) {
    for (std::size_t at; (at = coloured.find(code)) != std::string::npos;) coloured.erase(at, code.size());
  }
  CHECK(coloured == plain);
  CHECK(ascii.find("\\u{00E9}...") != std::string::npos);
  CHECK(std::all_of(ascii.begin(), ascii.end(), [](char c) { return c == '\n' || (c >= ' ' && c < 0x7F); }));
}
