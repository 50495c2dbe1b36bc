// SPDX-License-Identifier: Apache-2.0
// A panel of rows over the axis: how much each row loses at each place, as one of a few shades.
#pragma once

#include <span>
#include <string_view>

#include "lowp/report/report.h"
#include "lowp/report/svg_plot.h"

namespace lowp {

// Shades from nothing to most, told apart without colour, and the hatching of what is marked.
struct HeatShade {
  double least;  // share from which on it is used; of the first: exactly zero
  std::string_view fill, label;
};
std::span<const HeatShade> heat_shades();
std::string_view heat_marked_fill();

double heat_panel_height(const Panel& panel);
// Draws the heat rows of `panel` inside `cell`, their names left of the plot.
void draw_heat_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell);

}  // namespace lowp
