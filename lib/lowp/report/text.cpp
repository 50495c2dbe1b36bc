// SPDX-License-Identifier: Apache-2.0
// The story for a terminal. Every text is made harmless first, so the layout sees exactly what will be printed.
#include <algorithm>

#include "lowp/report/escape.h"
#include "lowp/report/humanize.h"
#include "lowp/report/lines.h"
#include "lowp/report/report.h"
#include "lowp/report/sink.h"

namespace lowp {
namespace {

constexpr std::size_t least_width = 20;
constexpr std::size_t grid_indent = 2;
constexpr std::size_t gap = 2;
constexpr std::size_t fair_name = 16, least_name = 8;
constexpr std::size_t widest_prose = 100;  // longer lines are hard to read; tables use the whole terminal
constexpr std::size_t least_values = 3;  // columns kept before the bars at the end of the rows are given up

std::size_t usable_width(const TextStyle& style) {
  return std::max(least_width, static_cast<std::size_t>(std::max(style.width, 0)));
}

void append_line(std::string& out, std::string_view line) {
  out += line.substr(0, line.find_last_not_of(' ') + 1);
  out.push_back('\n');
}

void append_bold(std::string& out, std::string_view line, const TextStyle& style) {
  if (style.colour) out += "\x1b[1m";
  out += line;
  out += style.colour ? "\x1b[0m\n" : "\n";
}

struct Layout {
  std::vector<std::size_t> widths;   // of every column
  std::vector<std::size_t> columns;  // those that are printed
  std::size_t spark = 0;
};

std::size_t width_of(const Layout& layout, const std::vector<std::size_t>& columns) {
  std::size_t total = grid_indent;
  for (std::size_t column : columns) total += layout.widths[column] + gap;
  return total - (columns.empty() ? 0 : gap) + (layout.spark > 0 ? gap + layout.spark : 0);
}

// The first `left` columns and `values` of the others: the first, the last and evenly spaced ones between; `key`, where
// it is one of them, in place of its nearest neighbour.
std::vector<std::size_t> chosen_columns(std::size_t left, std::size_t all, std::size_t values, std::size_t key) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < left; ++i) columns.push_back(i);
  if (values == 1) columns.push_back(all - 1);
  for (std::size_t i = 0; values > 1 && i < values; ++i) {
    const std::size_t steps = values - 1;
    columns.push_back(left + (2 * i * (all - left - 1) + steps) / (2 * steps));
  }
  if (key < left || key >= all || values == 0 || std::ranges::find(columns, key) != columns.end()) return columns;
  const auto distance = [key](std::size_t column) { return column > key ? column - key : key - column; };
  const auto end = columns.end() - (values > 1 ? 1 : 0);  // the last one stays
  *std::min_element(columns.begin() + static_cast<std::ptrdiff_t>(left), end,
                    [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); }) = key;
  return columns;
}

Layout measured(const Grid& grid, std::size_t width) {
  Layout layout;
  for (const std::string& cell : grid.header) layout.widths.push_back(display_columns(cell));
  std::size_t points = 0;
  for (const GridRow& row : grid.rows) {
    for (std::size_t i = 0; i < std::min(row.cells.size(), layout.widths.size()); ++i) {
      layout.widths[i] = std::max(layout.widths[i], display_columns(row.cells[i]));
    }
    points = std::max(points, row.spark.size());
  }
  layout.spark = std::min(points, std::max(width / 7, std::size_t{8}));
  return layout;
}

// Fewer columns at equal distances read better than a few more at unequal ones.
std::size_t evenly(std::size_t values, std::size_t all) {
  for (std::size_t fewer = values; fewer > 2 && 3 * fewer >= 2 * values; --fewer) {
    if ((all - 1) % (fewer - 1) == 0) return fewer;
  }
  return values;
}

// Gives up, in this order: the middle of long names, columns down to `least_values`, the bars, more columns, and last
// the middle of short names. The key column stays.
Layout fitted(const Grid& grid, std::size_t width) {
  Layout layout = measured(grid, width);
  const std::size_t all = layout.widths.size();
  const std::size_t left = std::min(static_cast<std::size_t>(std::max(grid.left_columns, 0)), all);
  const std::size_t key = grid.key_column < 0 ? all : static_cast<std::size_t>(grid.key_column);
  const auto shorten = [&](std::size_t least) {
    for (std::size_t total = width_of(layout, layout.columns); total > width; --total) {
      const auto end = layout.widths.begin() + static_cast<std::ptrdiff_t>(left);
      const auto widest = std::max_element(layout.widths.begin(), end);
      if (left == 0 || *widest <= least) return;
      --*widest;
    }
  };
  const auto thin = [&](std::size_t least) {
    std::size_t values = all - left;
    const auto too_wide = [&] {
      layout.columns = chosen_columns(left, all, values, key);
      return width_of(layout, layout.columns) > width;
    };
    while (too_wide() && values > least) --values;
    layout.columns = chosen_columns(left, all, evenly(values, all - left), key);
    return width_of(layout, layout.columns) <= width;
  };
  layout.columns = chosen_columns(left, all, all - left, key);
  shorten(fair_name);
  if (thin(std::min(all - left, least_values))) return layout;
  layout.spark = 0;
  thin(std::min<std::size_t>(all - left, 1));
  shorten(least_name);
  return layout;
}

std::string cell_text(const std::string& cell, std::size_t columns, bool right, bool unicode) {
  std::string text = middle_cut(cell, columns);
  const std::size_t ellipsis = unicode ? text.npos : text.find("…");
  if (ellipsis != text.npos) text.replace(ellipsis, std::string_view("…").size(), "~");
  const std::string padding(columns - std::min(columns, display_columns(text)), ' ');
  return right ? padding + text : text + padding;
}

void append_cells(std::string& line, const std::vector<std::string>& cells, const Grid& grid, const Layout& layout,
                  bool unicode) {
  line.assign(grid_indent, ' ');
  for (std::size_t column : layout.columns) {
    static const std::string nothing;
    const std::string& cell = column < cells.size() ? cells[column] : nothing;
    const bool right = column >= static_cast<std::size_t>(std::max(grid.left_columns, 0));
    if (line.size() > grid_indent) line.append(gap, ' ');
    line += cell_text(cell, layout.widths[column], right, unicode);
  }
}

Grid visible_grid(const Grid& grid, bool unicode) {
  Grid safe = grid;
  safe.title = visible(grid.title, unicode);
  for (std::string& cell : safe.header) cell = visible(cell, unicode);
  for (GridRow& row : safe.rows) {
    for (std::string& cell : row.cells) cell = visible(cell, unicode);
  }
  return safe;
}

struct StoryPrinter {
  const TextStyle& style;
  std::string& out;
  std::size_t width = usable_width(style);
  std::size_t prose = std::min(width, widest_prose);
  bool begun = false;
  bool after_grid = false;

  void blank_line() {
    if (begun) out.push_back('\n');
  }

  void operator()(const Heading& heading) {
    blank_line();
    for (const std::string& line : wrapped(visible(heading.text, style.unicode), 0, 0, prose)) {
      append_bold(out, line, style);
    }
    after_grid = false;
  }

  void operator()(const Paragraph& paragraph) {
    if (after_grid) blank_line();
    after_grid = false;
    const auto column = [this](int wanted) {
      return std::min(static_cast<std::size_t>(std::max(wanted, 0)), prose / 2);
    };
    const std::size_t first = column(paragraph.indent);
    const std::size_t rest = column(paragraph.indent + paragraph.hanging);
    for (const std::string& line : wrapped(visible(paragraph.text, style.unicode), first, rest, prose)) {
      append_line(out, line);
    }
  }

  void operator()(const Grid& unsafe) {
    const Grid grid = visible_grid(unsafe, style.unicode);
    if (after_grid || !grid.title.empty()) blank_line();
    if (!grid.title.empty()) {
      for (const std::string& line : wrapped(grid.title, 0, 0, prose)) append_bold(out, line, style);
    }
    const Layout layout = fitted(grid, width);
    std::string line;
    append_cells(line, grid.header, grid, layout, style.unicode);
    append_line(out, line);
    for (const GridRow& row : grid.rows) {
      append_cells(line, row.cells, grid, layout, style.unicode);
      if (layout.spark > 0) line += std::string(gap, ' ') + spark_text(row.spark, layout.spark, style.unicode);
      append_line(out, line);
    }
    after_grid = true;
  }
};

}  // namespace

void write_text(const Report& report, const TextStyle& style, Sink& sink) {
  StoryPrinter printer{style, sink.text};
  for (const Block& block : report.story) {
    std::visit(printer, block);
    printer.begun = true;
    if (!sink.go_on()) return;
  }
}

}  // namespace lowp
