// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowp/report/svg_bands.h"
#include "lowp/report/svg_heat.h"
#include "lowp/report/svg_lines.h"
#include "lowp/report/svg_traces.h"

namespace lowp {
namespace {

constexpr double right_room = 12, right_axis_room = 46, top_room = 62;
constexpr double strip_height = 34, strip_gap = 10;
constexpr double zoom_below = 0.2;   // a panel whose bands stay below this share gets a magnified axis
constexpr double thin_share = 0.02;  // of the axis: a band below it cannot be seen

struct PanelDrawing {
  SvgCanvas& canvas;
  const Panel& panel;
  const PanelSetting& setting;
  const Box& cell;
  BandDrawing bands;
  std::vector<std::size_t> shown = {};  // bands of the main plot: all
  std::vector<std::size_t> thin = {};   // those that need the magnified strip
  Plot main = {}, strip = {};

  double top() const { return thin.empty() ? main.box.top : strip.box.top; }

  void lay_out();
  void draw_titles();
  void draw_background(const Plot& plot);
  void draw_share_axis(const Plot& plot, bool ends_only);
  void draw_window();
  void draw_marker();
  void draw_curve();
  void draw_strip_caption();
  void draw_all();
};

void PanelDrawing::lay_out() {
  const double right = setting.right_axis ? right_axis_room : right_room;
  main.box = {cell.left + left_room, cell.top + top_room, cell.width - left_room - right,
              cell.height - top_room - bottom_room};
  main.x = exponent_scale(panel.x.front(), panel.x.back(), main.box.width > 400 ? 14 : 8);
  for (std::size_t i = 0; i < panel.bands.size(); ++i) shown.push_back(i);
  const std::vector<double> total = stacked(panel, shown).back();
  main.y = share_scale(*std::max_element(total.begin(), total.end()), zoom_below);
  double thin_total = 0;
  for (std::size_t band : shown) {
    const double largest = largest_share(panel.bands[band], panel.x.size());
    if (largest == 0 || largest >= thin_share * main.y.high) continue;
    thin.push_back(band);
    thin_total += largest;
  }
  if (thin.empty()) return;
  strip = {{main.box.left, main.box.top, main.box.width, strip_height}, main.x, share_scale(thin_total, 1.0)};
  main.box.top += strip_height + strip_gap;
  main.box.height -= strip_height + strip_gap;
}

void PanelDrawing::draw_titles() {
  const double width = main.box.width;
  const std::string note =
      main.y.high < 1 ? fmt::format("magnified: the axis ends at {}", percent_label(main.y.high)) : "";
  const double note_width = note.empty() ? 0 : text_width(note, small_size) + 8;
  canvas.text({main.box.left, cell.top + 14}, panel_title_size,
              fit_text(panel.title, panel_title_size, width - note_width, true), "font-weight=\"bold\"");
  canvas.text({main.box.right(), cell.top + 14}, small_size, note, "text-anchor=\"end\" font-style=\"italic\"");
  canvas.text({main.box.left, cell.top + 30}, normal_size, fit_text(panel.remark, normal_size, width), "fill=\"#444\"");
}

void PanelDrawing::draw_background(const Plot& plot) {
  canvas.rect(plot.box, "fill=\"#fff\"");
  const double low = std::max(panel.window_low, plot.x.low), high = std::min(panel.window_high, plot.x.high);
  if (panel.has_window && low <= high) {
    canvas.rect({plot.to_px(low), plot.box.top, plot.to_px(high) - plot.to_px(low), plot.box.height}, window_style);
  }
  for (double tick : plot.y.ticks) {
    if (tick == 0 || tick == plot.y.high || &plot == &strip) continue;
    const double y = plot.to_py(tick);
    canvas.line({plot.box.left, y}, {plot.box.right(), y}, grid_style);
  }
}

void PanelDrawing::draw_share_axis(const Plot& plot, bool ends_only) {
  for (double tick : plot.y.ticks) {
    if (ends_only && tick != 0 && tick != plot.y.high) continue;
    draw_tick(canvas, plot, plot.to_py(tick), tick == 0 ? "0" : percent_label(tick));
  }
  canvas.rect(plot.box, "fill=\"none\" stroke=\"#333\"");
}

// Edges are drawn over the bands, and a bar above the plot shows the window where bands would hide the shade.
void PanelDrawing::draw_window() {
  const double low = std::max(panel.window_low, main.x.low), high = std::min(panel.window_high, main.x.high);
  if (!panel.has_window || !(low <= high)) return;  // NaN too
  const double left = main.to_px(low), right = std::max(main.to_px(high), left + 2);
  canvas.rect({left, top() - 8, right - left, 5}, "fill=\"#b5a642\" stroke=\"#6b5d00\" stroke-width=\"0.8\"");
  for (double value : {panel.window_low, panel.window_high}) {
    if (value <= main.x.low || value >= main.x.high) continue;
    const double px = main.to_px(value);
    canvas.line({px, top()}, {px, main.box.bottom()}, "stroke=\"#fff\" stroke-width=\"3\" stroke-opacity=\"0.7\"");
    canvas.line({px, top() - 3}, {px, main.box.bottom()}, window_edge);
  }
}

void PanelDrawing::draw_marker() {
  if (!panel.has_marker || std::isnan(panel.marker)) return;
  const bool beyond = panel.marker < main.x.low || panel.marker > main.x.high;
  const double px = main.to_px(std::clamp(panel.marker, main.x.low, main.x.high));
  const std::string label =
      fit_text(panel.marker_label + (beyond ? " (beyond the axis)" : ""), normal_size, main.box.width, true);
  const double half = text_width(label, normal_size, true) / 2;
  const double middle = std::clamp(px, main.box.left + std::min(half, main.box.width / 2),
                                   main.box.right() - std::min(half, main.box.width / 2));
  canvas.text({middle, top() - 14}, normal_size, label, "text-anchor=\"middle\" font-weight=\"bold\"");
  if (beyond) return;
  canvas.line({px, top()}, {px, main.box.bottom()}, halo_style);
  canvas.line({px, top() - 11}, {px, main.box.bottom()}, marker_style);
  bands.take({px - 3, top(), 6, main.box.bottom() - top()});
}

void PanelDrawing::draw_curve() {
  double smallest = std::numeric_limits<double>::infinity(), largest = -smallest;
  const std::size_t count = std::min(panel.line.size(), panel.x.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(panel.line[i])) continue;
    smallest = std::min(smallest, panel.line[i]);
    largest = std::max(largest, panel.line[i]);
  }
  if (smallest > largest) return;
  const Scale scale = value_scale(smallest, largest);
  const Box& box = main.box;
  const auto to_py = [&](double value) {
    return box.bottom() - (value - scale.low) / (scale.high - scale.low) * box.height;
  };
  const auto draw = [&](std::vector<Point>& run) {
    if (run.size() == 1) run.push_back({run[0].x + 0.1, run[0].y});
    if (!run.empty()) canvas.polyline(run, halo_style);
    if (!run.empty()) canvas.polyline(run, curve_style);
    run.clear();
  };
  std::vector<Point> run;
  for (std::size_t i = 0; i < count; ++i) {
    if (std::isfinite(panel.line[i])) {
      run.push_back({main.to_px(panel.x[i]), to_py(panel.line[i])});
      bands.avoid({run.back().x - 3, run.back().y - 3, 6, 6});
    } else {
      draw(run);
    }
  }
  draw(run);
  for (double tick : scale.ticks) {
    canvas.line({box.right(), to_py(tick)}, {box.right() + 4, to_py(tick)}, "stroke=\"#333\"");
    canvas.text({box.right() + 7, to_py(tick) + 3.6}, small_size, fmt::format("{:.6g}", tick), "");
  }
  const double x_mid = cell.right() - 4, y_mid = box.top + box.height / 2;
  canvas.text({x_mid, y_mid}, normal_size, fit_text(panel.line_label, normal_size, box.height),
              fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x_mid, y_mid));
}

// The caption stands over the half of the strip with the lower bands.
void PanelDrawing::draw_strip_caption() {
  std::string names;
  for (std::size_t band : thin) names += (names.empty() ? "" : ", ") + panel.bands[band].label;
  const std::vector<double> total = stacked(panel, thin).back();
  const auto middle = total.begin() + static_cast<std::ptrdiff_t>(total.size() / 2);
  const bool high_left = *std::max_element(total.begin(), middle) > *std::max_element(middle, total.end());
  const std::string caption = fit_text(names + ", magnified", small_size, strip.box.width * 0.8);
  const double width = text_width(caption, small_size) + 8;
  const double left = high_left ? strip.box.right() - width - 4 : strip.box.left + 4;
  canvas.rect({left, strip.box.top + 3, width, 14}, "fill=\"#fff\" fill-opacity=\"0.9\" rx=\"3\"");
  canvas.text({left + width / 2, strip.box.top + 13.5}, small_size, caption,
              "text-anchor=\"middle\" font-style=\"italic\"");
}

void PanelDrawing::draw_all() {
  lay_out();
  draw_titles();
  draw_background(main);
  bands.draw(main, shown);
  if (!thin.empty()) {
    draw_background(strip);
    bands.draw(strip, thin);
  }
  draw_window();
  draw_curve();
  draw_marker();
  bands.label(main, shown, thin);
  if (!thin.empty()) {
    draw_strip_caption();
    draw_share_axis(strip, true);
  }
  draw_share_axis(main, false);
  draw_exponent_axis(canvas, main, false);
  draw_axis_titles(canvas, main, setting, cell, top());
}

}  // namespace

void draw_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell) {
  if (!panel.traces.empty()) return draw_traces_panel(canvas, panel, setting, cell);
  if (can_be_drawn(panel.x)) {
    if (!panel.heat.empty()) {
      draw_heat_panel(canvas, panel, setting, cell);
    } else if (panel.lines.empty()) {
      PanelDrawing{canvas, panel, setting, cell, {canvas, panel, setting}}.draw_all();
    } else {
      draw_lines_panel(canvas, panel, setting, cell);
    }
    return;
  }
  const double size = panel_title_size;
  canvas.text({cell.left + left_room, cell.top + 14}, size, fit_text(panel.title, size, cell.width - left_room, true),
              "font-weight=\"bold\"");
  canvas.text({cell.left + left_room, cell.top + 30}, normal_size, "nothing to draw", "fill=\"#444\"");
}

}  // namespace lowp
