// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_heat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace lowp {
namespace {

constexpr double row_height = 14, row_gap = 1, top_room = 56, name_width = 214, right_room = 12;

constexpr std::array shades{
    HeatShade{0, "#fff", "nothing"},          HeatShade{1e-300, "#e3ebf3", "under 0.1 %"},
    HeatShade{0.001, "#b9cbdc", "under 1 %"}, HeatShade{0.01, "#7f9fbd", "under 10 %"},
    HeatShade{0.1, "#476f95", "under 50 %"},  HeatShade{0.5, "#1c334a", "50 % or more"},
};

struct HeatDrawing {
  SvgCanvas& canvas;
  const Panel& panel;
  const PanelSetting& setting;
  const Box& cell;
  Plot plot = {};

  double step() const { return plot.box.width / static_cast<double>(panel.x.size()); }

  void lay_out() {
    plot.box = {cell.left + name_width, cell.top + top_room, cell.width - name_width - right_room,
                row_height * static_cast<double>(panel.heat.size())};
    // A column is around its place, so that ticks stand under the middle.
    plot.x = exponent_scale(panel.x.front(), panel.x.back(), 14);
    plot.x.low = panel.x.front() - 0.5;
    plot.x.high = panel.x.back() + 0.5;
  }

  std::string_view fill_of(const HeatRow& row, std::size_t i) const {
    if (i < row.marked.size() && row.marked[i]) return heat_marked_fill();
    const double share = i < row.share.size() && row.share[i] > 0 ? row.share[i] : 0;
    std::string_view fill = shades.front().fill;
    for (const HeatShade& shade : shades) {
      if (share >= shade.least) fill = shade.fill;
    }
    return fill;
  }

  // Neighbours of one shade are one rectangle.
  void draw_row(const HeatRow& row, double top) {
    canvas.text({plot.box.left - 6, top + row_height - 3.5}, small_size,
                fit_text(row.label, small_size, name_width - 12), "text-anchor=\"end\"");
    for (std::size_t begin = 0, end = 0; begin < panel.x.size(); begin = end) {
      const std::string_view fill = fill_of(row, begin);
      while (end < panel.x.size() && fill_of(row, end) == fill) ++end;
      canvas.rect({plot.box.left + static_cast<double>(begin) * step(), top, static_cast<double>(end - begin) * step(),
                   row_height - row_gap},
                  fmt::format("fill=\"{}\"", fill));
    }
    if (row.chosen < 0 || row.chosen >= static_cast<int>(panel.x.size())) return;
    canvas.rect({plot.box.left + row.chosen * step() + 1, top + 0.5, step() - 2, row_height - row_gap - 1},
                "fill=\"none\" stroke=\"#111\" stroke-width=\"2\"");
  }

  // In two lines, one column up and one down.
  void draw_names() {
    for (std::size_t i = 0; i < panel.columns.size(); ++i) {
      const double middle = plot.box.left + (static_cast<double>(i) + 0.5) * step();
      canvas.text({middle, plot.box.bottom() + (i % 2 == 0 ? 12 : 23)}, small_size,
                  fit_text(panel.columns[i], small_size, 2 * step() - 4), "text-anchor=\"middle\"");
    }
  }

  void draw_marker() {
    if (!panel.has_marker || std::isnan(panel.marker)) return;
    const bool beyond = panel.marker < plot.x.low || panel.marker > plot.x.high;
    const double px = plot.to_px(std::clamp(panel.marker, plot.x.low, plot.x.high));
    const std::string label =
        fit_text(panel.marker_label + (beyond ? " (beyond the axis)" : ""), normal_size, plot.box.width, true);
    const double half = text_width(label, normal_size, true) / 2;
    canvas.text({std::clamp(px, plot.box.left + half, std::max(plot.box.left + half, plot.box.right() - half)),
                 plot.box.top - 12},
                normal_size, label, "text-anchor=\"middle\" font-weight=\"bold\"");
    if (beyond) return;
    canvas.line({px, plot.box.top}, {px, plot.box.bottom()}, halo_style);
    canvas.line({px, plot.box.top - 9}, {px, plot.box.bottom()}, marker_style);
  }

  void draw() {
    lay_out();
    const double width = cell.right() - cell.left;
    canvas.text({cell.left, cell.top + 14}, panel_title_size, fit_text(panel.title, panel_title_size, width, true),
                "font-weight=\"bold\"");
    canvas.text({cell.left, cell.top + 30}, normal_size, fit_text(panel.remark, normal_size, width), "fill=\"#444\"");
    double top = plot.box.top;
    for (const HeatRow& row : panel.heat) {
      draw_row(row, top);
      top += row_height;
    }
    canvas.rect(plot.box, "fill=\"none\" stroke=\"#333\"");
    draw_marker();
    panel.columns.empty() ? draw_exponent_axis(canvas, plot, false) : draw_names();
    canvas.text({plot.box.left + plot.box.width / 2, plot.box.bottom() + 33}, normal_size, setting.x_label,
                "text-anchor=\"middle\"");
  }
};

}  // namespace

std::span<const HeatShade> heat_shades() {
  return shades;
}

std::string_view heat_marked_fill() {
  return "url(#lowp-cross)";
}

double heat_panel_height(const Panel& panel) {
  return top_room + row_height * static_cast<double>(panel.heat.size()) + bottom_room;
}

void draw_heat_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell) {
  HeatDrawing{canvas, panel, setting, cell}.draw();
}

}  // namespace lowp
