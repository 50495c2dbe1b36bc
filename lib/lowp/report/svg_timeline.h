// SPDX-License-Identifier: Apache-2.0
// A panel of timelines: loss scales over training steps, on an axis of powers of two.
#pragma once

#include "lowp/report/report.h"
#include "lowp/report/svg_plot.h"

namespace lowp {

// Draws the timelines of `panel` inside `cell` as stairs, each with its own stroke; below the plot a strip per timeline
// with a mark at every skipped step. Any number of steps: what falls on one pixel column is drawn once.
void draw_timeline_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell);

}  // namespace lowp
