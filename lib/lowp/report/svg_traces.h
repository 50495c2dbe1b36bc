// SPDX-License-Identifier: Apache-2.0
// A panel of powers of two over the steps of training.
#pragma once

#include "lowp/report/report.h"
#include "lowp/report/svg_plot.h"

namespace lowp {

// Draws the traces of `panel` inside `cell`, each with a look of its own that its colour is only a part of, their names
// right of the plot. Changes closer than the picture can show become one upright line.
void draw_traces_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell);

}  // namespace lowp
