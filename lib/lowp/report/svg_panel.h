// SPDX-License-Identifier: Apache-2.0
// One format's plot: filled bands over the loss scale, the window, the recommendation, a second quantity as a line.
#pragma once

#include <string_view>

#include "lowp/report/report.h"
#include "lowp/report/svg_plot.h"

namespace lowp {

inline constexpr std::string_view window_style = "fill=\"#f3eecb\"";
inline constexpr std::string_view window_edge = "stroke=\"#6b5d00\" stroke-width=\"1\" stroke-dasharray=\"4 3\"";
inline constexpr std::string_view curve_style =
    "stroke=\"#000\" stroke-width=\"1.6\" stroke-dasharray=\"1 3.2\" stroke-linecap=\"round\"";

// Draws `panel` inside `cell` (at least 300 x 200 px); its lines, where it has some. Bad data (sizes that differ, NaN,
// no x) leaves parts out.
void draw_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell);

}  // namespace lowp
