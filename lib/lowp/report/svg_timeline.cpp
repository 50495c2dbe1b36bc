// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr double top_room = 40, strip_height = 16, strip_gap = 6, label_gap = 12, label_height = 13;
constexpr std::string_view strokes[] = {
    "stroke=\"#0b5fa5\" stroke-width=\"1.8\"", "stroke=\"#b93815\" stroke-width=\"1.8\" stroke-dasharray=\"7 3\"",
    "stroke=\"#0f7a5f\" stroke-width=\"1.8\" stroke-dasharray=\"2 3\"", "stroke=\"#7e22ce\" stroke-width=\"1.2\"",
    "stroke=\"#6b4a08\" stroke-width=\"1.8\" stroke-dasharray=\"10 3 2 3\""};

std::string_view stroke_of(std::size_t line) {
  return strokes[line % std::size(strokes)];
}

bool is_drawn(double value) {
  return value > 0 && std::isfinite(value);
}

// Ticks at whole numbers, multiples of 1, 2 or 5 times a power of ten.
Scale step_scale(double first, double last) {
  Scale scale{first, last, {}};
  double unit = 1;
  for (const double digit : {1.0, 2.0, 5.0, 10.0}) {
    const double power = std::pow(10.0, std::floor(std::log10((last - first) / 6)));
    unit = std::max(1.0, digit * power);
    if ((last - first) / unit <= 8) break;
  }
  for (double tick = std::ceil(first / unit) * unit; tick <= last; tick += unit) scale.ticks.push_back(tick);
  return scale;
}

struct TimelineDrawing {
  SvgCanvas& canvas;
  const Panel& panel;
  const PanelSetting& setting;
  const Box& cell;
  Plot plot = {};
  bool any = false;

  void lay_out() {
    double first = std::numeric_limits<double>::infinity(), last = -first, low = first, high = -first, widest = 0;
    for (const Timeline& line : panel.timelines) {
      widest = std::max(widest, text_width(line.label, normal_size));
      for (std::size_t i = 0; i < std::min(line.step.size(), line.value.size()); ++i) {
        first = std::min(first, line.step[i]);
        last = std::max(last, line.step[i]);
        if (!is_drawn(line.value[i])) continue;
        any = true;
        low = std::min(low, std::log2(line.value[i]));
        high = std::max(high, std::log2(line.value[i]));
      }
      for (const double step : line.skipped) {
        first = std::min(first, step);
        last = std::max(last, step);
      }
    }
    if (!(first <= last)) first = last = 0;
    if (!any) low = high = 0;
    const double strips = static_cast<double>(panel.timelines.size()) * (strip_height + strip_gap);
    const double labels = panel.timelines.size() > 1 ? std::min(widest + label_gap + 4, cell.width * 0.4) : 14;
    plot.box = {cell.left + left_room, cell.top + top_room, cell.width - left_room - labels,
                cell.height - top_room - bottom_room - strips};
    plot.x = step_scale(first, last + 1);
    plot.y = exponent_scale(std::floor(low) - 1, std::ceil(high) + 1, 10);
  }

  Box strip(std::size_t line) const {
    const double top = plot.box.bottom() + strip_gap + static_cast<double>(line) * (strip_height + strip_gap);
    return {plot.box.left, top, plot.box.width, strip_height};
  }

  void draw_axes() {
    canvas.rect(plot.box, "fill=\"#fff\"");
    for (const double tick : plot.y.ticks) {
      const double y = plot.to_py(tick);
      if (tick != plot.y.low && tick != plot.y.high) canvas.line({plot.box.left, y}, {plot.box.right(), y}, grid_style);
      draw_tick(canvas, plot, y, fmt::format("2^{}", tick));
    }
    canvas.rect(plot.box, "fill=\"none\" stroke=\"#333\"");
    Plot all = plot;
    if (!panel.timelines.empty()) all.box.height = strip(panel.timelines.size() - 1).bottom() - plot.box.top;
    for (const double tick : plot.x.ticks) {
      const double px = plot.to_px(tick);
      canvas.line({px, all.box.bottom()}, {px, all.box.bottom() + 4}, "stroke=\"#333\"");
      const std::string text = tick >= 0 && tick < 1e15 ? grouped(static_cast<std::uint64_t>(tick)) : shortest(tick);
      canvas.text({px, all.box.bottom() + 17}, small_size + 0.5, text, "text-anchor=\"middle\"");
    }
    draw_axis_titles(canvas, all, setting, cell, plot.box.top);
  }

  // Stairs: a value holds until the next step. In one pixel column only its first, lowest, highest and last are drawn.
  void draw_stairs(const Timeline& line, std::string_view stroke) {
    std::vector<Point> run;
    const auto end_run = [&](double until) {
      if (!run.empty()) {
        run.push_back({until, run.back().y});
        canvas.polyline(run, stroke);
      }
      run.clear();
    };
    const std::size_t count = std::min(line.step.size(), line.value.size());
    double column_low = 0, column_high = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double px = plot.to_px(line.step[i]);
      if (!is_drawn(line.value[i])) {
        end_run(px);
        continue;
      }
      const double py = plot.to_py(std::log2(line.value[i]));
      if (!run.empty() && px - run.back().x < 0.5 && py >= column_low && py <= column_high) continue;
      if (run.empty() || px - run.back().x >= 0.5) column_low = column_high = py;
      column_low = std::min(column_low, py);
      column_high = std::max(column_high, py);
      if (!run.empty() && run.back().y == py) continue;
      if (!run.empty()) run.push_back({px, run.back().y});
      run.push_back({px, py});
    }
    if (count > 0) end_run(plot.to_px(line.step[count - 1] + 1));
  }

  void draw_skips(std::size_t index) {
    const Timeline& line = panel.timelines[index];
    const Box box = strip(index);
    canvas.rect(box, "fill=\"#f0f0ec\" stroke=\"#999\" stroke-width=\"0.6\"");
    draw_tick(canvas, plot, box.top + box.height / 2, "skipped");
    double drawn = -1;
    for (const double step : line.skipped) {
      const double px = plot.to_px(step);
      if (drawn >= 0 && px - drawn < 1) continue;
      drawn = px;
      canvas.line({px, box.top + 2}, {px, box.bottom() - 2}, "stroke=\"#b93815\" stroke-width=\"1.4\"");
    }
  }

  void draw_label(std::size_t index) {
    if (panel.timelines.size() < 2) return;
    const double y = strip(index).top + strip_height / 2 + 4, left = plot.box.right() + label_gap;
    const double name_y = plot.box.top + 12 + static_cast<double>(index) * label_height;
    canvas.line({left - 10, name_y - 4}, {left - 1, name_y - 4}, stroke_of(index));
    for (const double at : {name_y, y}) {
      canvas.text({left, at}, small_size, fit_text(panel.timelines[index].label, small_size, cell.right() - left), "");
    }
  }

  void draw() {
    lay_out();
    canvas.text({plot.box.left, cell.top + 14}, panel_title_size,
                fit_text(panel.title, panel_title_size, cell.right() - plot.box.left, true), "font-weight=\"bold\"");
    canvas.text({plot.box.left, cell.top + 30}, normal_size,
                fit_text(panel.remark, normal_size, cell.right() - plot.box.left), "fill=\"#444\"");
    draw_axes();
    for (std::size_t i = 0; i < panel.timelines.size(); ++i) {
      draw_stairs(panel.timelines[i], stroke_of(i));
      draw_skips(i);
      draw_label(i);
    }
    if (panel.has_marker && panel.marker >= plot.x.low && panel.marker <= plot.x.high) {
      const double px = plot.to_px(panel.marker);
      canvas.line({px, plot.box.top}, {px, plot.box.bottom()}, "stroke=\"#000\" stroke-dasharray=\"3 3\"");
    }
    if (any) return;
    canvas.text({plot.box.left + plot.box.width / 2, plot.box.top + plot.box.height / 2}, normal_size,
                "no scale logged", "text-anchor=\"middle\" fill=\"#444\"");
  }
};

}  // namespace

void draw_timeline_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell) {
  TimelineDrawing{canvas, panel, setting, cell}.draw();
}

}  // namespace lowp
