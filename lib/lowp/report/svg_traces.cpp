// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_traces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace lowp {
namespace {

constexpr double top_room = 52, name_room = 34, name_height = 17;
constexpr std::string_view strokes[] = {
    "stroke=\"#0b5fa5\" stroke-width=\"4\" stroke-opacity=\"0.6\"",
    "stroke=\"#b93815\" stroke-width=\"2\" stroke-dasharray=\"7 3\"",
    "stroke=\"#0f7a5f\" stroke-width=\"2\" stroke-dasharray=\"2 2.5\"",
    "stroke=\"#7e22ce\" stroke-width=\"1.6\" stroke-dasharray=\"9 3 2 3\"",
    "stroke=\"#6b4a08\" stroke-width=\"3\" stroke-opacity=\"0.75\"",
    "stroke=\"#45556b\" stroke-width=\"3\" stroke-dasharray=\"4 4\"",
};
constexpr std::string_view cross_style = "stroke=\"#111\" stroke-width=\"1.3\"";

std::string_view stroke_of(std::size_t index) {
  return strokes[index % std::size(strokes)];
}

void draw_cross(SvgCanvas& canvas, Point at) {
  constexpr double r = 3.2;
  canvas.line({at.x - r, at.y - r}, {at.x + r, at.y + r}, cross_style);
  canvas.line({at.x - r, at.y + r}, {at.x + r, at.y - r}, cross_style);
}

// The corners of a line that stays level between changes. Changes within half a pixel of the first become one upright
// stroke over all their levels.
struct Stair {
  std::vector<Point> corners = {};
  double x = -1e9, top = 0, bottom = 0, level = 0;  // of the stroke at hand

  void add(Point at) {
    if (at.x - x < 0.5) {
      if (at.y < top || at.y > bottom) corners.push_back({x, at.y});
    } else {
      if (!corners.empty()) corners.insert(corners.end(), {{x, level}, {at.x, level}});
      corners.push_back(at);
      x = at.x;
      top = bottom = at.y;
    }
    top = std::min(top, at.y);
    bottom = std::max(bottom, at.y);
    level = at.y;
  }
  std::vector<Point> corners_until(double end) {
    if (!corners.empty()) corners.insert(corners.end(), {{x, level}, {end, level}});
    return corners;
  }
};

struct TracesDrawing {
  SvgCanvas& canvas;
  const Panel& panel;
  const PanelSetting& setting;
  const Box& cell;
  Plot plot = {};
  bool any = false, marked = false;

  void lay_out() {
    double low = std::numeric_limits<double>::infinity(), high = -low, widest = text_width("skipped step", normal_size);
    for (const Trace& trace : panel.traces) {
      widest = std::max(widest, text_width(trace.label, normal_size));
      marked |= !trace.marked.empty();
      for (const double y : trace.log2) {
        if (!std::isfinite(y)) continue;
        any = true;
        low = std::min(low, y);
        high = std::max(high, y);
      }
    }
    const double names = std::min(widest + name_room + 12, cell.width * 0.4);
    plot.box = {cell.left + left_room, cell.top + top_room, cell.width - left_room - names,
                cell.height - top_room - bottom_room};
    plot.x = step_scale(panel.x.front(), std::max(panel.x.back(), panel.x.front()), plot.box.width > 400 ? 9 : 5);
    plot.y = any ? exponent_scale(std::floor(low) - 1, std::ceil(high) + 1, 10) : Scale{0, 1, {}};
  }

  void draw_axes() {
    canvas.rect(plot.box, "fill=\"#fff\"");
    for (const double tick : plot.y.ticks) {
      const double y = plot.to_py(tick);
      canvas.line({plot.box.left, y}, {plot.box.right(), y}, grid_style);
      draw_tick(canvas, plot, y, fmt::format("2^{}", tick));
    }
    canvas.rect(plot.box, "fill=\"none\" stroke=\"#333\"");
    draw_plain_axis(canvas, plot);
    draw_axis_titles(canvas, plot, setting, cell, plot.box.top);
  }

  void draw_trace(const Trace& trace, std::size_t index) {
    Stair stair;
    const auto end_run = [&](double px) {
      const std::vector<Point> corners = stair.corners_until(px);
      if (corners.size() > 1) canvas.polyline(corners, stroke_of(index));
      stair = {};
    };
    for (std::size_t i = 0; i < std::min(trace.from.size(), trace.log2.size()); ++i) {
      const double px = plot.to_px(trace.from[i]);
      std::isfinite(trace.log2[i]) ? stair.add({px, plot.to_py(trace.log2[i])}) : end_run(px);
    }
    end_run(plot.box.right());
  }

  double level_at(const Trace& trace, double step) const {
    const auto next = std::upper_bound(trace.from.begin(), trace.from.end(), step);
    return next == trace.from.begin() ? std::numeric_limits<double>::quiet_NaN()
                                      : trace.log2[static_cast<std::size_t>(next - trace.from.begin()) - 1];
  }

  void draw_marks(const Trace& trace) {
    Point last{-100, 0};
    for (const double step : trace.marked) {
      const double level = level_at(trace, step);
      const Point at{plot.to_px(step), std::isfinite(level) ? plot.to_py(level) : plot.box.bottom()};
      if (std::hypot(at.x - last.x, at.y - last.y) < 4) continue;
      draw_cross(canvas, at);
      last = at;
    }
  }

  void draw_names() {
    const double left = plot.box.right() + 10, text_left = left + name_room - 8;
    double y = plot.box.top + 8;
    for (std::size_t i = 0; i < panel.traces.size(); ++i, y += name_height) {
      canvas.line({left, y}, {left + 20, y}, stroke_of(i));
      canvas.text({text_left, y + 4}, normal_size,
                  fit_text(panel.traces[i].label, normal_size, cell.right() - text_left), "");
    }
    if (!marked) return;
    draw_cross(canvas, {left + 10, y});
    canvas.text({text_left, y + 4}, normal_size, "skipped step", "");
  }

  void draw() {
    lay_out();
    const double width = cell.right() - plot.box.left;
    canvas.text({plot.box.left, cell.top + 14}, panel_title_size, fit_text(panel.title, panel_title_size, width, true),
                "font-weight=\"bold\"");
    canvas.text({plot.box.left, cell.top + 30}, normal_size, fit_text(panel.remark, normal_size, width),
                "fill=\"#444\"");
    draw_axes();
    for (std::size_t i = 0; i < panel.traces.size(); ++i) draw_trace(panel.traces[i], i);
    for (const Trace& trace : panel.traces) draw_marks(trace);
    draw_names();
    if (any) return;
    canvas.text({plot.box.left + plot.box.width / 2, plot.box.top + plot.box.height / 2}, normal_size,
                "nothing to draw", "text-anchor=\"middle\" fill=\"#444\"");
  }
};

}  // namespace

void draw_traces_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell) {
  if (panel.x.size() < 2) return;
  TracesDrawing{canvas, panel, setting, cell}.draw();
}

}  // namespace lowp
