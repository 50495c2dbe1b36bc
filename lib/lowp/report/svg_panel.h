// SPDX-License-Identifier: Apache-2.0
// One format's plot: filled bands over the loss scale, the window, the recommendation, a second quantity as a line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/report/report.h"
#include "lowp/report/svg_canvas.h"

namespace lowp {

// How a band is filled: distinguishable in grey, the hue only helps. `pattern_defs` defines the fills once per
// document.
struct BandLook {
  std::string_view fill;
  std::string_view stroke;
  bool dark;  // light text stands on it directly
};
const BandLook& band_look(std::size_t index);
std::string_view pattern_defs();

// What the panels of a figure share.
struct PanelSetting {
  std::string x_label, y_label;
  std::vector<std::string> band_labels;  // a band's look is its position here
  bool right_axis = false;               // some panel has a line, so all leave room for its axis
};

inline constexpr std::string_view window_style = "fill=\"#f3eecb\"";
inline constexpr std::string_view window_edge = "stroke=\"#6b5d00\" stroke-width=\"1\" stroke-dasharray=\"4 3\"";
inline constexpr std::string_view marker_style = "stroke=\"#000\" stroke-width=\"2\"";
inline constexpr std::string_view curve_style =
    "stroke=\"#000\" stroke-width=\"1.6\" stroke-dasharray=\"1 3.2\" stroke-linecap=\"round\"";

// Draws `panel` inside `cell` (at least 300 x 200 px). Bad data (sizes that differ, NaN, no x) leaves parts out.
void draw_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell);

}  // namespace lowp
