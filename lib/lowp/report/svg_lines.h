// SPDX-License-Identifier: Apache-2.0
// A panel of lines: one a model, over powers of two, on a logarithmic axis.
#pragma once

#include "lowp/report/report.h"
#include "lowp/report/svg_plot.h"

namespace lowp {

// Draws the lines of `panel`, whose x can be drawn, inside `cell`. Each has a marker of its own shape and its name at
// its end, so none needs its colour; its look is that of its label's position in `setting`. A value of 0 stands on a
// line of its own below the axis.
void draw_lines_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell);

// Whether the longest of these labels would leave too little of half a page for the plot.
bool needs_whole_width(const std::vector<std::string>& line_labels);

}  // namespace lowp
