// SPDX-License-Identifier: Apache-2.0
// One standalone picture: title, panels in two columns, legend, and the same facts in words for screen readers.
// It brings its own light ground, so it reads the same on dark pages and on paper.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "lowp/report/escape.h"
#include "lowp/report/report.h"
#include "lowp/report/sink.h"
#include "lowp/report/svg.h"
#include "lowp/report/svg_bands.h"
#include "lowp/report/svg_canvas.h"
#include "lowp/report/svg_heat.h"
#include "lowp/report/svg_lines.h"
#include "lowp/report/svg_panel.h"

namespace lowp {
namespace {

constexpr double page_width = 800, margin = 18, column_gap = 20, row_gap = 16;
constexpr double cell_height = 278, single_height = 360;
constexpr double title_size = 18, subtitle_size = 12.5, legend_size = 12;

PanelSetting setting_of(const Figure& figure) {
  PanelSetting setting{figure.x_label, figure.y_label, {}, {}, false};
  const auto add = [](std::vector<std::string>& labels, const std::string& label) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  };
  for (const Panel& panel : figure.panels) {
    setting.right_axis |= std::any_of(panel.line.begin(), panel.line.end(), [](double y) { return std::isfinite(y); });
    for (const Band& band : panel.bands) add(setting.band_labels, band.label);
    for (const Line& line : panel.lines) add(setting.line_labels, line.label);
  }
  return setting;
}

struct FigureDrawing {
  SvgCanvas& canvas;
  const Figure& figure;
  double y;  // everything above is drawn
  PanelSetting setting = setting_of(figure);
  double legend_x = margin;

  void draw_lines(std::string_view text, double size, bool bold, std::string_view attributes) {
    if (text.empty()) return;
    for (const std::string& line : fit_lines(text, size, page_width - 2 * margin, 2, bold)) {
      y += size * 1.25;
      canvas.text({margin, y}, size, line, attributes);
    }
    y += 4;
  }

  bool has_heat() const {
    return std::any_of(figure.panels.begin(), figure.panels.end(), [](const Panel& panel) { return !panel.heat.empty(); });
  }

  void draw_panels() {
    const bool heat = has_heat();
    const std::size_t columns = figure.panels.size() > 1 && !heat && !needs_whole_width(setting.line_labels) ? 2 : 1;
    const double width = columns == 2 ? (page_width - 2 * margin - column_gap) / 2 : page_width - 2 * margin;
    y += 14;
    for (std::size_t i = 0; i < figure.panels.size(); ++i) {
      const double height = heat           ? heat_panel_height(figure.panels[i])
                            : columns == 2 ? cell_height
                                           : single_height;
      const double left = margin + static_cast<double>(i % columns) * (width + column_gap);
      canvas.out += "<g>\n";
      draw_panel(canvas, figure.panels[i], setting, {left, y, width, height});
      canvas.out += "</g>\n";
      if (i % columns + 1 == columns || i + 1 == figure.panels.size()) y += height + row_gap;
    }
  }

  // Returns the place of the swatch; the next entry goes to the right of this one or to a new line.
  Box add_legend_entry(std::string_view label) {
    const std::string text = fit_text(label, legend_size, page_width / 2);
    const double width = 30 + text_width(text, legend_size) + 14;
    if (legend_x > margin && legend_x + width > page_width - margin) {
      legend_x = margin;
      y += 20;
    }
    canvas.text({legend_x + 30, y + 10.5}, legend_size, text, "");
    const Box swatch{legend_x, y, 24, 13};
    legend_x += width;
    return swatch;
  }

  void draw_legend() {
    const auto any = [this](auto&& has) { return std::any_of(figure.panels.begin(), figure.panels.end(), has); };
    for (std::size_t i = 0; i < setting.band_labels.size(); ++i) {
      const BandLook& look = band_look(i);
      canvas.rect(add_legend_entry(setting.band_labels[i]),
                  fmt::format("fill=\"{}\" stroke=\"{}\"", look.fill, look.stroke));
    }
    if (has_heat()) {
      for (const HeatShade& shade : heat_shades())
        canvas.rect(add_legend_entry(shade.label), fmt::format("fill=\"{}\" stroke=\"#777\"", shade.fill));
      canvas.rect(add_legend_entry(figure.marked_label), fmt::format("fill=\"{}\" stroke=\"#8f2d1c\"", heat_marked_fill()));
    }
    if (any([](const Panel& panel) { return panel.has_window && panel.heat.empty(); })) {
      const Box box = add_legend_entry("usable window");
      canvas.rect(box, window_style);
      canvas.rect({box.left, box.top, box.width, 4}, "fill=\"#b5a642\" stroke=\"#6b5d00\" stroke-width=\"0.8\"");
      canvas.line({box.left, box.top}, {box.left, box.bottom()}, window_edge);
      canvas.line({box.right(), box.top}, {box.right(), box.bottom()}, window_edge);
    }
    if (any([](const Panel& panel) { return panel.has_marker && panel.lines.empty(); })) {
      const Box box = add_legend_entry("recommended scale");
      canvas.line({box.left + 12, box.top - 1}, {box.left + 12, box.bottom() + 1}, marker_style);
    }
    if (setting.right_axis) {
      const auto with_line = std::find_if(figure.panels.begin(), figure.panels.end(),
                                          [](const Panel& panel) { return !panel.line.empty(); });
      const Box box =
          add_legend_entry(with_line->line_label.empty() ? "right axis" : with_line->line_label + " (right axis)");
      canvas.polyline({{box.left, box.top + 7}, {box.right(), box.top + 7}}, curve_style);
    }
    if (legend_x > margin) y += 20;
  }

  void draw() {
    y += 12;
    draw_lines(figure.title, title_size, true, "font-weight=\"bold\"");
    draw_lines(figure.subtitle, subtitle_size, false, "fill=\"#444\"");
    draw_panels();
    draw_legend();
    y += 10;
  }
};

std::string range_in_words(const Band& band) {
  const auto [smallest, largest] = std::minmax_element(band.share.begin(), band.share.end());
  if (band.share.empty() || *largest == 0) return band.label + ": 0 everywhere";
  return fmt::format("{}: {:.3g} % to {:.3g} %", band.label, *smallest * 100, *largest * 100);
}

std::string ends_in_words(const Line& line) {
  if (line.value.empty()) return line.label + ": nothing";
  return fmt::format("{}: {:.3g} first, {:.3g} last", line.label, line.value.front(), line.value.back());
}

std::string ends_in_words(const Trace& trace) {
  if (trace.log2.empty()) return trace.label + ": nothing";
  return fmt::format("{}: 2^{:.4g} first, 2^{:.4g} last, {} marked", trace.label, trace.log2.front(), trace.log2.back(),
                     trace.marked.size());
}

std::string range_in_words(const HeatRow& row) {
  const auto marked = std::count(row.marked.begin(), row.marked.end(), true);
  return range_in_words(Band{row.label, row.share}) + (marked == 0 ? "" : fmt::format(", {} marked", marked));
}

std::string in_words(const Report& report) {
  std::string text;
  for (const Figure& figure : report.figures) {
    for (const Panel& panel : figure.panels) {
      text += panel.title + ". " + (panel.remark.empty() ? "" : panel.remark + ". ");
      for (const Band& band : panel.bands) text += range_in_words(band) + ". ";
      for (const Line& line : panel.lines) text += ends_in_words(line) + ". ";
      for (const HeatRow& row : panel.heat) text += range_in_words(row) + ". ";
      for (const Trace& trace : panel.traces) text += ends_in_words(trace) + ". ";
      if (panel.has_marker) text += panel.marker_label + ". ";
    }
  }
  return text;
}

}  // namespace

void write_svg(const Report& report, const TextStyle&, Sink& sink) {
  std::string& out = sink.text;
  std::string body;
  SvgCanvas canvas{body};
  double height = 0;
  for (const Figure& figure : report.figures) {
    FigureDrawing drawing{canvas, figure, height};
    drawing.draw();
    height = drawing.y;
  }
  height = std::max(std::ceil(height), 1.0);
  const std::string title = report.figures.empty() ? "no figure" : report.figures.front().title;
  out += svg_mark;
  fmt::format_to(std::back_inserter(out),
                 "width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                 "role=\"img\">\n<title>{2}</title>\n<desc>{3}</desc>\n",
                 page_width, height, xml_text(title), xml_text(in_words(report)));
  out += pattern_defs();
  // Blanks beside a raised exponent are kept by xml:space alone: some renderers trim every tspan.
  fmt::format_to(std::back_inserter(out),
                 "<rect width=\"{}\" height=\"{}\" fill=\"#fcfcfa\"/>\n<g xml:space=\"preserve\" "
                 "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\" fill=\"#111\">\n",
                 page_width, height);
  out += body;
  out += "</g>\n</svg>\n";
}

}  // namespace lowp
