// SPDX-License-Identifier: Apache-2.0
// Names come from files of strangers: no writer lets one of them act on a terminal, a parser, a page or a spreadsheet.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lowp/report/report.h"
#include "lowp/report/writers.h"
#include "report_xml.h"

using namespace lowp;

namespace {

const std::vector<std::string> hostile_names = {
    "\x1b[2J\x1b]0;title\x07",
    std::string("nul\0nul", 7),
    "say \"hi\" \\ 'there'",
    "line\nbreak\r\nand\ttab",
    "\xff\xfe\xc3(\xed\xa0\x80\xf0\x9f",
    "\u009b31m \u0085",
    "\u202egnp.exe\u2066\u2028\ufeff\uffff",
    "</script><script>alert(1)</script>",
    "</text></svg><!-- ]]> & &amp; &#1;",
    "a|b|c `code` *bold* [x](http://y) $z$ ~~s~~",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "# outcomes",
    "a,b;c",
    "${HOME} {} {0} %s %n",
    "2^ 2^- 2^99999999999999999999 2^2^2^",
    "",
    " ",
};

Report report_about(const std::string& name) {
  Report report;
  report.tables.push_back({"single", {"name", "of." + name, "list"}, {{Cell{name}, Cell{Null{name}}, {}}}, true});
  report.tables[0].rows[0][2] = Cell{CellList{Cell{name}, Cell{CellList{Cell{name}}}}};
  report.tables.push_back({"rows", {"name", "value"}, {{Cell{name}, Cell{1.5}}, {Cell{name}, Cell{Null{name}}}}});
  report.story = {Heading{name}, Paragraph{name}, Paragraph{name, 2, 4},
                  Grid{name, {name, name, name}, 1, {{{name, name, name}, {0.5}}, {{name}, {}}}}};
  Panel panel{name, {0, 1, 2}, {{name, {0.5, 0.4, 0.3}}, {name + "2", {0.001, 0, 0}}}};
  panel.line = {1, 2, 3};
  panel.line_label = panel.marker_label = panel.remark = name;
  panel.has_marker = panel.has_window = true;
  report.figures = {{name, name, name, name, {panel, panel}}, {name, name, name, name, {}}};
  return report;
}

std::string written(const char* writer, const Report& report) {
  std::string out;
  find_writer(writer)->write(report, {}, out);
  return out;
}

// The JSON library is strict about UTF-8 when it writes.
bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// RFC 4180 with LF: all records, or none if quotes are misplaced.
std::vector<std::vector<std::string>> parsed_csv(const std::string& text) {
  std::vector<std::vector<std::string>> records(1);
  std::string field;
  bool was_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && field.empty() && !was_quoted) {
      was_quoted = true;
      for (++i; i < text.size() && (text[i] != '"' || text.substr(i, 2) == "\"\""); ++i) {
        field.push_back(text[i]);
        i += text[i] == '"';
      }
    } else if (text[i] == ',' || text[i] == '\n') {
      records.back().push_back(field);
      if (text[i] == '\n') records.emplace_back();
      field.clear();
      was_quoted = false;
    } else if (text[i] == '"' || was_quoted) {
      return {};
    } else {
      field.push_back(text[i]);
    }
  }
  records.pop_back();
  return records;
}

std::size_t bare_bars(std::string_view line) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '|') {
      ++count;
    }
  }
  return count;
}

}  // namespace

TEST_CASE("no writer lets a control character, a direction override or a broken sequence through") {
  for (const std::string& name : hostile_names) {
    for (const Writer& writer : writers()) {
      for (bool unicode : {true, false}) {
        std::string out;
        writer.write(report_about(name), {80, false, unicode}, out);
        CAPTURE(writer.name);
        CAPTURE(out);
        REQUIRE(std::none_of(out.begin(), out.end(), [](unsigned char c) { return c < 0x20 ? c != '\n' : c == 0x7F; }));
        for (std::string_view raw : {"\u009b", "\u0085", "\u202e", "\u2066", "\u2028", "\ufeff", "\uffff"}) {
          REQUIRE(out.find(raw) == std::string::npos);
        }
        REQUIRE(is_utf8(out));
      }
    }
  }
}

TEST_CASE("names add no lines where lines mean something") {
  for (const std::string& name : hostile_names) {
    for (const char* writer : {"json", "csv"}) {
      const std::string benign = written(writer, report_about("x")), out = written(writer, report_about(name));
      CHECK(std::count(out.begin(), out.end(), '\n') == std::count(benign.begin(), benign.end(), '\n'));
    }
  }
}

TEST_CASE("JSON parses to the very names") {
  for (const std::string& name : hostile_names) {
    const std::string out = written("json", report_about(name));
    CAPTURE(out);
    CHECK(out.find('<') == std::string::npos);
    const auto json = nlohmann::json::parse(out);
    CHECK(json["rows"][0]["value"] == 1.5);
    CHECK(json["rows"][1]["value"].is_null());
    if (!is_utf8(name)) continue;
    CHECK(json["single"]["name"] == name);
    CHECK(json["single"]["list"] == nlohmann::json({name, {name}}));
    CHECK(json["rows"][1].value("value_reason", "") == name);
  }
}

TEST_CASE("CSV parses back, and no cell is a formula") {
  for (const std::string& name : hostile_names) {
    const std::string out = written("csv", report_about(name));
    CAPTURE(out);
    const auto records = parsed_csv(out);
    REQUIRE(records.size() == 8);
    CHECK(records[0] == std::vector<std::string>{"# single"});
    CHECK(records[1].size() == 3);
    CHECK(records[2].size() == 3);
    CHECK(records[3] == std::vector<std::string>{""});
    CHECK(records[4] == std::vector<std::string>{"# rows"});
    CHECK(records[6].size() == 2);
    const std::string& cell = records[6][0];
    CHECK((cell.empty() || std::string("=+-@\t\r").find(cell[0]) == std::string::npos));
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c < 0x7F; });
    const bool formula = !name.empty() && std::string("=+-@").find(name[0]) != std::string::npos;
    if (printable) CHECK(cell == (formula ? "'" + name : name));
    CHECK(out.find("\n# ") == out.rfind("\n# "));
  }
}

TEST_CASE("markdown keeps its tables and takes no HTML") {
  for (const std::string& name : hostile_names) {
    const std::string out = written("markdown", report_about(name));
    CAPTURE(out);
    CHECK(out.find('<') == std::string::npos);
    std::size_t rows = 0;
    for (std::size_t begin = 0, end; (end = out.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(out).substr(begin, end - begin);
      if (!line.starts_with('|')) continue;
      CHECK(bare_bars(line) == 5);
      ++rows;
    }
    CHECK(rows == 4);
  }
}

TEST_CASE("SVG stays well-formed and holds only the elements we draw") {
  CHECK(lowp_test::is_well_formed("<a b=\"c\"><d/>&lt;</a>\n"));
  for (const char* bad :
       {"<a>", "<a></b>", "<a b=c/>", "<a>&x;</a>", "<a/><a/>", "<a b=\"1\" b=\"2\"/>", "x<a/>", "", "<a"}) {
    CHECK(!lowp_test::is_well_formed(bad));
  }
  for (const std::string& name : hostile_names) {
    const std::string out = written("svg", report_about(name));
    CAPTURE(out);
    CHECK(lowp_test::is_well_formed(out));
    CHECK(out.find("<script") == std::string::npos);
    CHECK(out.find("<!--") == std::string::npos);
    CHECK(out.find("href") == std::string::npos);
  }
}
