// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>

namespace lowp {
namespace {

constexpr double top_room = 52, label_gap = 26, label_height = 13, zero_room = 22;
constexpr std::size_t shapes = 6;
constexpr std::string_view colours[] = {"#0b5fa5", "#b93815", "#0f7a5f", "#7e22ce", "#6b4a08", "#b0126f",
                                        "#111",    "#45556b", "#4d7c0f", "#1d3a8a", "#9a6700", "#0e7490"};

// Drawn or not: a number, not below 0.
bool has_value(const Line& line, std::size_t i) {
  return i < line.value.size() && std::isfinite(line.value[i]) && line.value[i] >= 0;
}

// The first six shapes are filled on solid lines, the next hollow on dashed ones.
struct LineLook {
  std::size_t index;
  std::string_view colour() const { return colours[index % std::size(colours)]; }
  bool hollow() const { return index / shapes % 2 == 1; }
  std::string stroke() const {
    return fmt::format("stroke=\"{}\" stroke-width=\"1.6\"{}", colour(), hollow() ? " stroke-dasharray=\"6 3\"" : "");
  }
};

// Circle, square, triangle, diamond, a triangle on its tip, and a cross.
void draw_mark(SvgCanvas& canvas, const LineLook& look, Point at) {
  constexpr double r = 3.6;
  const std::size_t shape = look.index % shapes;
  if (shape == 5) {
    const std::string stroke = fmt::format("stroke=\"{}\" stroke-width=\"2\"", look.colour());
    const double across = look.hollow() ? 0 : r, along = look.hollow() ? r + 1 : r;  // + or x
    canvas.line({at.x - along, at.y - across}, {at.x + along, at.y + across}, stroke);
    canvas.line({at.x - across, at.y + along}, {at.x + across, at.y - along}, stroke);
    return;
  }
  constexpr int corners[] = {16, 4, 3, 4, 3};
  constexpr double turns[] = {0, 0.125, 0.75, 0, 0.25};
  std::vector<Point> outline;
  for (int i = 0; i < corners[shape]; ++i) {
    const double angle = 2 * std::numbers::pi * (turns[shape] + static_cast<double>(i) / corners[shape]);
    const double radius = corners[shape] == 16 ? r : r * 1.3;
    outline.push_back({at.x + radius * std::cos(angle), at.y + radius * std::sin(angle)});
  }
  canvas.polygon(outline, fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"1.2\"",
                                      look.hollow() ? "#fff" : look.colour(), look.colour()));
}

// 1 %, 10^-6, 2 10^-6
std::string tick_text(double exponent) {
  const double decade = std::floor(exponent + 1e-9), digit = std::round(std::pow(10, exponent - decade));
  if (exponent < 1e-9 && exponent > -4 - 1e-9) return fmt::format("{:.3g} %", digit * std::pow(10, decade + 2));
  return (digit == 1 ? "" : fmt::format("{}\u00b7", digit)) + fmt::format("10^{}", decade);
}

struct LinesDrawing {
  SvgCanvas& canvas;
  const Panel& panel;
  const PanelSetting& setting;
  const Box& cell;
  Plot plot = {};
  bool any = false, zeros = false;
  std::vector<Point> ends = {};  // of each line; x is negative where it has none

  LineLook look(const Line& line) const {
    const auto& labels = setting.line_labels;
    return {static_cast<std::size_t>(std::find(labels.begin(), labels.end(), line.label) - labels.begin())};
  }
  double zero_y() const { return plot.box.bottom() + zero_room - 6; }
  double to_py(double value) const { return value == 0 ? zero_y() : plot.to_py(std::log10(value)); }

  void lay_out() {
    double smallest = std::numeric_limits<double>::infinity(), largest = 0, widest = 0;
    for (const Line& line : panel.lines) {
      widest = std::max(widest, text_width(line.label, normal_size));
      for (std::size_t i = 0; i < panel.x.size(); ++i) {
        if (!has_value(line, i)) continue;
        any = true;
        zeros |= line.value[i] == 0;
        if (line.value[i] > 0) smallest = std::min(smallest, line.value[i]);
        largest = std::max(largest, line.value[i]);
      }
    }
    const double labels = std::min(widest + label_gap, cell.width * 0.45);
    plot.box = {cell.left + left_room, cell.top + top_room, cell.width - left_room - labels,
                cell.height - top_room - bottom_room - (zeros ? zero_room : 0)};
    const int ticks = plot.box.width > 400 ? 14 : 6;
    plot.x = panel.x_is_log2 ? exponent_scale(panel.x.front(), panel.x.back(), ticks)
                             : step_scale(panel.x.front(), panel.x.back(), ticks);
    plot.y = largest > 0 ? decade_scale(smallest, largest, 8) : Scale{-1, 0, {}};
  }

  // Values of 0 have no place on a logarithmic axis: a row below it, set apart.
  Plot with_zero_row() const {
    Plot all = plot;
    all.box.height += zeros ? zero_room : 0;
    return all;
  }

  void draw_axes() {
    canvas.rect(plot.box, "fill=\"#fff\"");
    for (double tick : plot.y.ticks) {
      const double y = plot.to_py(tick);
      if (tick != plot.y.low && tick != plot.y.high) canvas.line({plot.box.left, y}, {plot.box.right(), y}, grid_style);
      draw_tick(canvas, plot, y, tick_text(tick));
    }
    if (zeros) {
      canvas.rect({plot.box.left, plot.box.bottom(), plot.box.width, zero_room}, "fill=\"#f0f0ec\"");
      draw_tick(canvas, plot, zero_y(), "0");
      canvas.line({plot.box.left, plot.box.bottom()}, {plot.box.right(), plot.box.bottom()}, "stroke=\"#333\"");
    }
    const Plot all = with_zero_row();
    canvas.rect(all.box, "fill=\"none\" stroke=\"#333\"");
    if (panel.x_is_log2) draw_exponent_axis(canvas, all, panel.x.front() >= 0 && panel.x.back() <= 20);
    else draw_plain_axis(canvas, all);
    draw_axis_titles(canvas, all, setting, cell, plot.box.top);
  }

  void draw_marker() {
    if (!panel.has_marker || !(panel.marker >= plot.x.low && panel.marker <= plot.x.high)) return;
    const double px = plot.to_px(panel.marker), half = text_width(panel.marker_label, normal_size, true) / 2;
    const double middle = std::clamp(px, plot.box.left + std::min(half, plot.box.width / 2),
                                     plot.box.right() - std::min(half, plot.box.width / 2));
    canvas.text({middle, plot.box.top - 7}, normal_size,
                fit_text(panel.marker_label, normal_size, plot.box.width, true),
                "text-anchor=\"middle\" font-weight=\"bold\"");
    canvas.line({px, plot.box.top - 4}, {px, with_zero_row().box.bottom()}, marker_style);
  }

  // Runs between gaps; the marks over all of the line, so that lines below one another are seen.
  void draw_line(const Line& line) {
    std::vector<Point> run, marks;
    const auto end_run = [&] {
      if (run.size() > 1) canvas.polyline(run, look(line).stroke());
      run.clear();
    };
    for (std::size_t i = 0; i < panel.x.size(); ++i) {
      if (!has_value(line, i)) {
        end_run();
        continue;
      }
      run.push_back({plot.to_px(panel.x[i]), to_py(line.value[i])});
      marks.push_back(run.back());
    }
    end_run();
    const std::size_t every = marks.size() / 20 + 1;
    for (std::size_t i = 0; i < marks.size(); i += every) draw_mark(canvas, look(line), marks[i]);
    ends.push_back(marks.empty() ? Point{-1, 0} : marks.back());
  }

  // Names stand right of the plot at the height of their line's end, or as near as the others let them.
  void draw_labels() {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < panel.lines.size(); ++i) {
      if (ends[i].x >= 0) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [this](auto a, auto b) { return ends[a].y < ends[b].y; });
    const Box all = with_zero_row().box;
    const double step =
        std::min(label_height, all.height / static_cast<double>(std::max<std::size_t>(order.size(), 1)));
    std::vector<double> at(order.size());
    double floor = all.top;
    for (std::size_t n = 0; n < order.size(); ++n) floor = (at[n] = std::max(ends[order[n]].y, floor)) + step;
    double ceiling = all.bottom();
    for (std::size_t n = order.size(); n-- > 0;) ceiling = (at[n] = std::min(at[n], ceiling)) - step;
    for (std::size_t n = 0; n < order.size(); ++n) {
      const Line& line = panel.lines[order[n]];
      const Point end = ends[order[n]];
      const double left = all.right() + 12;
      canvas.line(end, {left - 4, at[n]}, fmt::format("stroke=\"{}\" stroke-width=\"0.6\"", look(line).colour()));
      draw_mark(canvas, look(line), {left, at[n]});
      canvas.text({left + 8, at[n] + 4}, normal_size, fit_text(line.label, normal_size, cell.right() - left - 8), "");
    }
  }

  void draw() {
    lay_out();
    const double width = cell.right() - plot.box.left;
    canvas.text({plot.box.left, cell.top + 14}, panel_title_size, fit_text(panel.title, panel_title_size, width, true),
                "font-weight=\"bold\"");
    canvas.text({plot.box.left, cell.top + 30}, normal_size, fit_text(panel.remark, normal_size, width),
                "fill=\"#444\"");
    draw_axes();
    draw_marker();
    for (const Line& line : panel.lines) draw_line(line);
    draw_labels();
    if (any) return;
    canvas.text({plot.box.left + plot.box.width / 2, plot.box.top + plot.box.height / 2}, normal_size,
                "nothing to draw", "text-anchor=\"middle\" fill=\"#444\"");
  }
};

}  // namespace

void draw_lines_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell) {
  LinesDrawing{canvas, panel, setting, cell}.draw();
}

bool needs_whole_width(const std::vector<std::string>& line_labels) {
  return std::any_of(line_labels.begin(), line_labels.end(),
                     [](const std::string& label) { return text_width(label, normal_size) > 110; });
}

}  // namespace lowp
