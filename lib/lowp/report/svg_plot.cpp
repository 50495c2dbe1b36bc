// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lowp/report/humanize.h"

namespace lowp {

std::string percent_label(double share) {
  return fmt::format("{:.6g} %", share * 100);
}

bool can_be_drawn(const std::vector<double>& x) {
  return !x.empty() && std::is_sorted(x.begin(), x.end()) &&
         std::all_of(x.begin(), x.end(), [](double value) { return std::abs(value) < 1e6; });
}

void draw_axis_titles(SvgCanvas& canvas, const Plot& plot, const PanelSetting& setting, const Box& cell, double top) {
  const Box& box = plot.box;
  canvas.text({box.left + box.width / 2, box.bottom() + 33}, normal_size,
              fit_text(setting.x_label, normal_size, box.width), "text-anchor=\"middle\"");
  const double x_mid = cell.left + 11, y_mid = (top + box.bottom()) / 2;
  canvas.text({x_mid, y_mid}, normal_size, fit_text(setting.y_label, normal_size, box.bottom() - top),
              fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x_mid, y_mid));
}

void draw_exponent_axis(SvgCanvas& canvas, const Plot& plot, bool plain) {
  const Box& box = plot.box;
  for (double tick : plot.x.ticks) {
    const double px = plot.to_px(tick);
    canvas.line({px, box.bottom()}, {px, box.bottom() + 4}, "stroke=\"#333\"");
    const std::string text =
        plain ? grouped(static_cast<std::uint64_t>(std::llround(std::exp2(tick)))) : fmt::format("2^{}", tick);
    canvas.text({px, box.bottom() + 17}, small_size + 0.5, text, "text-anchor=\"middle\"");
  }
}

void draw_plain_axis(SvgCanvas& canvas, const Plot& plot) {
  for (const double tick : plot.x.ticks) {
    const double px = plot.to_px(tick);
    canvas.line({px, plot.box.bottom()}, {px, plot.box.bottom() + 4}, "stroke=\"#333\"");
    canvas.text({px, plot.box.bottom() + 17}, small_size + 0.5,
                (tick < 0 ? "-" : "") + grouped(static_cast<std::uint64_t>(std::fabs(tick))),
                "text-anchor=\"middle\"");
  }
}

void draw_tick(SvgCanvas& canvas, const Plot& plot, double y_px, std::string_view text) {
  canvas.line({plot.box.left - 4, y_px}, {plot.box.left, y_px}, "stroke=\"#333\"");
  canvas.text({plot.box.left - 7, y_px + 3.6}, small_size, text, "text-anchor=\"end\"");
}

}  // namespace lowp
