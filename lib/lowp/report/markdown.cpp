// SPDX-License-Identifier: Apache-2.0
// The story as GitHub markdown: one line per paragraph, indented paragraphs become list items.
#include <algorithm>

#include "lowp/report/escape.h"
#include "lowp/report/lines.h"
#include "lowp/report/report.h"
#include "lowp/report/sink.h"

namespace lowp {
namespace {

constexpr std::size_t spark_columns = 16;

// A web page folds blanks; a dot keeps the bars in their places and still means exactly zero.
std::string spark_cell(const std::vector<double>& shares) {
  std::string text;
  for (char c : spark_text(shares, spark_columns, true)) {
    if (c == ' ') {
      text += "·";
    } else {
      text.push_back(c);
    }
  }
  return text;
}

void append_row(std::string& out, const std::vector<std::string>& cells, std::size_t columns) {
  for (std::size_t i = 0; i < columns; ++i) out += "| " + (i < cells.size() ? markdown_text(cells[i]) : "") + " ";
}

struct MarkdownPrinter {
  std::string& out;
  bool begun = false;
  bool in_list = false;

  void begin_block(bool list_item) {
    if (begun && !(in_list && list_item)) out.push_back('\n');
    begun = true;
    in_list = list_item;
  }

  void operator()(const Heading& heading) {
    begin_block(false);
    out += "## " + markdown_text(heading.text) + "\n";
  }

  void operator()(const Paragraph& paragraph) {
    begin_block(paragraph.indent > 0);
    out += (paragraph.indent > 0 ? "- " : "") + markdown_text(paragraph.text) + "\n";
  }

  void operator()(const Grid& grid) {
    begin_block(false);
    if (!grid.title.empty()) out += "**" + markdown_text(grid.title) + "**\n\n";
    const bool with_spark =
        std::any_of(grid.rows.begin(), grid.rows.end(), [](const GridRow& row) { return !row.spark.empty(); });
    append_row(out, grid.header, grid.header.size());
    out += with_spark ? "| |\n" : "|\n";
    for (std::size_t i = 0; i < grid.header.size(); ++i) {
      out += i < static_cast<std::size_t>(std::max(grid.left_columns, 0)) ? "| :-- " : "| --: ";
    }
    out += with_spark ? "| :-- |\n" : "|\n";
    for (const GridRow& row : grid.rows) {
      append_row(out, row.cells, grid.header.size());
      out += with_spark ? "| " + spark_cell(row.spark) + " |\n" : "|\n";
    }
  }
};

}  // namespace

void write_markdown(const Report& report, const TextStyle&, Sink& sink) {
  MarkdownPrinter printer{sink.text};
  for (const Block& block : report.story) {
    std::visit(printer, block);
    if (!sink.go_on()) return;
  }
}

}  // namespace lowp
