// SPDX-License-Identifier: Apache-2.0
// What every kind of panel shares: a rectangle with two scales, its axes, how figures set their panels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lowp/report/svg_canvas.h"
#include "lowp/report/svg_scale.h"

namespace lowp {

// What the panels of a figure share.
struct PanelSetting {
  std::string x_label, y_label;
  std::vector<std::string> band_labels;  // a band's look is its position here
  std::vector<std::string> line_labels;  // likewise
  bool right_axis = false;               // some panel has a line, so all leave room for its axis
};

inline constexpr double small_size = 10, normal_size = 11.5, panel_title_size = 15;
inline constexpr double left_room = 62, bottom_room = 38;

inline constexpr std::string_view marker_style = "stroke=\"#000\" stroke-width=\"2\"";
inline constexpr std::string_view halo_style = "stroke=\"#fff\" stroke-width=\"4.5\" stroke-opacity=\"0.85\"";
inline constexpr std::string_view grid_style = "stroke=\"#ccc\" stroke-width=\"0.7\"";

// A rectangle of the picture with a horizontal and a vertical scale that starts at its bottom.
struct Plot {
  Box box;
  Scale x, y;
  double to_px(double value) const { return box.left + (value - x.low) / (x.high - x.low) * box.width; }
  double to_py(double value) const { return box.bottom() - (value - y.low) / (y.high - y.low) * box.height; }
};

// "0.1 %"
std::string percent_label(double share);
// Whether these are coordinates at all: some, ascending, not absurd.
bool can_be_drawn(const std::vector<double>& x);

// Ticks under the plot, 2^n each (`plain`: the number itself), and both titles; the vertical one spans from `top`.
void draw_axis_titles(SvgCanvas& canvas, const Plot& plot, const PanelSetting& setting, const Box& cell, double top);
void draw_exponent_axis(SvgCanvas& canvas, const Plot& plot, bool plain);
// Ticks that are the numbers themselves.
void draw_plain_axis(SvgCanvas& canvas, const Plot& plot);
// A mark at the left edge with its text.
void draw_tick(SvgCanvas& canvas, const Plot& plot, double y_px, std::string_view text);

}  // namespace lowp
