// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "lowp/report/svg_scale.h"

namespace lowp {
namespace {

constexpr BandLook looks[] = {
    {"#35506b", "#22364a", true},
    {"url(#lowp-hatch)", "#35506b", false},
    {"url(#lowp-cross)", "#8f2d1c", false},
    {"url(#lowp-dots)", "#4d4d4d", false},
};

constexpr double small = 10, normal = 11.5;
constexpr double left_room = 62, right_room = 12, right_axis_room = 46, top_room = 62, bottom_room = 38;
constexpr double strip_height = 34, strip_gap = 10;
constexpr double zoom_below = 0.2;   // a panel whose bands stay below this share gets a magnified axis
constexpr double thin_share = 0.02;  // of the axis: a band below it cannot be seen
constexpr std::string_view halo = "stroke=\"#fff\" stroke-width=\"4.5\" stroke-opacity=\"0.85\"";

// Lower and upper edges of every band, as shares: edges[b] is below band b, edges[b + 1] above it.
using Edges = std::vector<std::vector<double>>;

double share_at(const Band& band, std::size_t i) {
  const double share = i < band.share.size() ? band.share[i] : 0;
  return share > 0 ? std::min(share, 1.0) : 0;  // NaN too is 0
}

double largest_share(const Band& band, std::size_t count) {
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, share_at(band, i));
  return largest;
}

// A single x is drawn as a bar as wide as the axis.
std::vector<double> drawn_x(const std::vector<double>& x) {
  return x.size() == 1 ? std::vector<double>{x[0] - 0.5, x[0] + 0.5} : x;
}

Edges stacked(const Panel& panel, const std::vector<std::size_t>& bands) {
  const std::size_t count = panel.x.size() == 1 ? 2 : panel.x.size();
  Edges edges(1, std::vector<double>(count, 0.0));
  for (std::size_t band : bands) {
    std::vector<double> upper = edges.back();
    for (std::size_t i = 0; i < count; ++i) {
      upper[i] = std::min(1.0, upper[i] + share_at(panel.bands[band], std::min(i, panel.x.size() - 1)));
    }
    edges.push_back(std::move(upper));
  }
  return edges;
}

// A rectangle of the picture with a horizontal and a vertical scale.
struct Plot {
  Box box;
  Scale x, y;
  double to_px(double value) const { return box.left + (value - x.low) / (x.high - x.low) * box.width; }
  double to_py(double share) const { return box.bottom() - share / y.high * box.height; }
};

struct PanelDrawing {
  SvgCanvas& canvas;
  const Panel& panel;
  const PanelSetting& setting;
  const Box& cell;
  std::vector<double> x = drawn_x(panel.x);
  std::vector<std::size_t> shown = {};  // bands of the main plot: all
  std::vector<std::size_t> thin = {};   // those that need the magnified strip
  Plot main = {}, strip = {};
  std::vector<Box> taken = {};  // by labels and the marker

  std::vector<Box> curve = {};  // its points, which labels avoid while they can
  bool may_cover_curve = false;

  double top() const { return thin.empty() ? main.box.top : strip.box.top; }

  std::size_t look_index(std::size_t band) const {
    const auto& labels = setting.band_labels;
    return static_cast<std::size_t>(std::find(labels.begin(), labels.end(), panel.bands[band].label) - labels.begin());
  }

  void lay_out();
  void draw_titles();
  void draw_background(const Plot& plot);
  void draw_bands(const Plot& plot, const std::vector<std::size_t>& bands);
  void draw_share_axis(const Plot& plot, bool ends_only);
  void draw_exponent_axis();
  void draw_window();
  void draw_marker();
  void draw_curve();
  void label_bands();
  bool label_inside(std::size_t band, const std::vector<double>& lower, const std::vector<double>& upper);
  bool label_outside(std::size_t band, const std::vector<double>& lower, const std::vector<double>& upper);
  bool is_free(const Box& place) const;
  void draw_strip_caption();
  void draw_all();
};

void PanelDrawing::lay_out() {
  const double right = setting.right_axis ? right_axis_room : right_room;
  main.box = {cell.left + left_room, cell.top + top_room, cell.width - left_room - right,
              cell.height - top_room - bottom_room};
  main.x = exponent_scale(panel.x.front(), panel.x.back(), main.box.width > 400 ? 14 : 8);
  for (std::size_t i = 0; i < panel.bands.size(); ++i) shown.push_back(i);
  const std::vector<double> total = stacked(panel, shown).back();
  main.y = share_scale(*std::max_element(total.begin(), total.end()), zoom_below);
  double thin_total = 0;
  for (std::size_t band : shown) {
    const double largest = largest_share(panel.bands[band], panel.x.size());
    if (largest == 0 || largest >= thin_share * main.y.high) continue;
    thin.push_back(band);
    thin_total += largest;
  }
  if (thin.empty()) return;
  strip = {{main.box.left, main.box.top, main.box.width, strip_height}, main.x, share_scale(thin_total, 1.0)};
  main.box.top += strip_height + strip_gap;
  main.box.height -= strip_height + strip_gap;
}

std::string percent_label(double share) {
  return fmt::format("{:.6g} %", share * 100);
}

void PanelDrawing::draw_titles() {
  const double width = main.box.width;
  const std::string note =
      main.y.high < 1 ? fmt::format("magnified: the axis ends at {}", percent_label(main.y.high)) : "";
  const double note_width = note.empty() ? 0 : text_width(note, small) + 8;
  canvas.text({main.box.left, cell.top + 14}, 15, fit_text(panel.title, 15, width - note_width, true),
              "font-weight=\"bold\"");
  canvas.text({main.box.right(), cell.top + 14}, small, note, "text-anchor=\"end\" font-style=\"italic\"");
  canvas.text({main.box.left, cell.top + 30}, normal, fit_text(panel.remark, normal, width), "fill=\"#444\"");
}

void PanelDrawing::draw_background(const Plot& plot) {
  canvas.rect(plot.box, "fill=\"#fff\"");
  const double low = std::max(panel.window_low, plot.x.low), high = std::min(panel.window_high, plot.x.high);
  if (panel.has_window && low <= high) {
    canvas.rect({plot.to_px(low), plot.box.top, plot.to_px(high) - plot.to_px(low), plot.box.height}, window_style);
  }
  for (double tick : plot.y.ticks) {
    if (tick == 0 || tick == plot.y.high || &plot == &strip) continue;
    const double y = plot.to_py(tick);
    canvas.line({plot.box.left, y}, {plot.box.right(), y}, "stroke=\"#ccc\" stroke-width=\"0.7\"");
  }
}

// A band is outlined only where there is some of it: one polygon per run of intervals that are not zero at both ends.
void PanelDrawing::draw_bands(const Plot& plot, const std::vector<std::size_t>& bands) {
  const Edges edges = stacked(panel, bands);
  for (std::size_t b = 0; b < bands.size(); ++b) {
    const std::vector<double>&lower = edges[b], &upper = edges[b + 1];
    const auto nothing_at = [&](std::size_t i) { return upper[i] <= lower[i]; };
    const BandLook& look = band_look(look_index(bands[b]));
    const std::string style = fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"0.8\"", look.fill, look.stroke);
    for (std::size_t begin = 0; begin + 1 < x.size(); ++begin) {
      std::size_t end = begin;
      while (end + 1 < x.size() && !(nothing_at(end) && nothing_at(end + 1))) ++end;
      if (end == begin) continue;
      std::vector<Point> outline;
      for (std::size_t i = begin; i <= end; ++i) outline.push_back({plot.to_px(x[i]), plot.to_py(upper[i])});
      for (std::size_t i = end + 1; i-- > begin;) outline.push_back({plot.to_px(x[i]), plot.to_py(lower[i])});
      canvas.polygon(outline, style);
      begin = end - 1;
    }
  }
}

void PanelDrawing::draw_share_axis(const Plot& plot, bool ends_only) {
  for (double tick : plot.y.ticks) {
    if (ends_only && tick != 0 && tick != plot.y.high) continue;
    const double y = plot.to_py(tick);
    canvas.line({plot.box.left - 4, y}, {plot.box.left, y}, "stroke=\"#333\"");
    canvas.text({plot.box.left - 7, y + 3.6}, small, tick == 0 ? "0" : percent_label(tick), "text-anchor=\"end\"");
  }
  canvas.rect(plot.box, "fill=\"none\" stroke=\"#333\"");
}

void PanelDrawing::draw_exponent_axis() {
  const Box& box = main.box;
  for (double tick : main.x.ticks) {
    const double px = main.to_px(tick);
    canvas.line({px, box.bottom()}, {px, box.bottom() + 4}, "stroke=\"#333\"");
    canvas.text({px, box.bottom() + 17}, small + 0.5, fmt::format("2^{}", tick), "text-anchor=\"middle\"");
  }
  canvas.text({box.left + box.width / 2, box.bottom() + 33}, normal, fit_text(setting.x_label, normal, box.width),
              "text-anchor=\"middle\"");
  const double x_mid = cell.left + 11, y_mid = (top() + box.bottom()) / 2;
  canvas.text({x_mid, y_mid}, normal, fit_text(setting.y_label, normal, box.bottom() - top()),
              fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x_mid, y_mid));
}

// Edges are drawn over the bands, and a bar above the plot shows the window where bands would hide the shade.
void PanelDrawing::draw_window() {
  const double low = std::max(panel.window_low, main.x.low), high = std::min(panel.window_high, main.x.high);
  if (!panel.has_window || !(low <= high)) return;  // NaN too
  const double left = main.to_px(low), right = std::max(main.to_px(high), left + 2);
  canvas.rect({left, top() - 8, right - left, 5}, "fill=\"#b5a642\" stroke=\"#6b5d00\" stroke-width=\"0.8\"");
  for (double value : {panel.window_low, panel.window_high}) {
    if (value <= main.x.low || value >= main.x.high) continue;
    const double px = main.to_px(value);
    canvas.line({px, top()}, {px, main.box.bottom()}, "stroke=\"#fff\" stroke-width=\"3\" stroke-opacity=\"0.7\"");
    canvas.line({px, top() - 3}, {px, main.box.bottom()}, window_edge);
  }
}

void PanelDrawing::draw_marker() {
  if (!panel.has_marker || std::isnan(panel.marker)) return;
  const bool beyond = panel.marker < main.x.low || panel.marker > main.x.high;
  const double px = main.to_px(std::clamp(panel.marker, main.x.low, main.x.high));
  const std::string label =
      fit_text(panel.marker_label + (beyond ? " (beyond the axis)" : ""), normal, main.box.width, true);
  const double half = text_width(label, normal, true) / 2;
  const double middle = std::clamp(px, main.box.left + std::min(half, main.box.width / 2),
                                   main.box.right() - std::min(half, main.box.width / 2));
  canvas.text({middle, top() - 14}, normal, label, "text-anchor=\"middle\" font-weight=\"bold\"");
  if (beyond) return;
  canvas.line({px, top()}, {px, main.box.bottom()}, halo);
  canvas.line({px, top() - 11}, {px, main.box.bottom()}, marker_style);
  taken.push_back({px - 3, top(), 6, main.box.bottom() - top()});
}

void PanelDrawing::draw_curve() {
  double smallest = std::numeric_limits<double>::infinity(), largest = -smallest;
  const std::size_t count = std::min(panel.line.size(), panel.x.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(panel.line[i])) continue;
    smallest = std::min(smallest, panel.line[i]);
    largest = std::max(largest, panel.line[i]);
  }
  if (smallest > largest) return;
  const Scale scale = value_scale(smallest, largest);
  const Box& box = main.box;
  const auto to_py = [&](double value) {
    return box.bottom() - (value - scale.low) / (scale.high - scale.low) * box.height;
  };
  const auto draw = [&](std::vector<Point>& run) {
    if (run.size() == 1) run.push_back({run[0].x + 0.1, run[0].y});
    if (!run.empty()) canvas.polyline(run, halo);
    if (!run.empty()) canvas.polyline(run, curve_style);
    run.clear();
  };
  std::vector<Point> run;
  for (std::size_t i = 0; i < count; ++i) {
    if (std::isfinite(panel.line[i])) {
      run.push_back({main.to_px(panel.x[i]), to_py(panel.line[i])});
      curve.push_back({run.back().x - 3, run.back().y - 3, 6, 6});
    } else {
      draw(run);
    }
  }
  draw(run);
  for (double tick : scale.ticks) {
    canvas.line({box.right(), to_py(tick)}, {box.right() + 4, to_py(tick)}, "stroke=\"#333\"");
    canvas.text({box.right() + 7, to_py(tick) + 3.6}, small, fmt::format("{:.6g}", tick), "");
  }
  const double x_mid = cell.right() - 4, y_mid = box.top + box.height / 2;
  canvas.text({x_mid, y_mid}, normal, fit_text(panel.line_label, normal, box.height),
              fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x_mid, y_mid));
}

// Linear between the points, as the bands are drawn.
double value_at(const std::vector<double>& x, const std::vector<double>& y, double at) {
  const auto above = std::lower_bound(x.begin(), x.end(), at);
  if (above == x.begin()) return y.front();
  if (above == x.end()) return y.back();
  const auto i = static_cast<std::size_t>(above - x.begin());
  const double part = (at - x[i - 1]) / (x[i] - x[i - 1]);
  return y[i - 1] + part * (y[i] - y[i - 1]);
}

bool PanelDrawing::is_free(const Box& place) const {
  const auto hit = [&](const Box& box) { return overlap(box, place); };
  return std::none_of(taken.begin(), taken.end(), hit) &&
         (may_cover_curve || std::none_of(curve.begin(), curve.end(), hit));
}

// Tries places every 4 px, in the middle of the band and nearer its edges, and takes the one where the band is
// thickest.
bool PanelDrawing::label_inside(std::size_t band, const std::vector<double>& lower, const std::vector<double>& upper) {
  const std::string label = fit_text(panel.bands[band].label, normal, main.box.width - 24);
  const bool dark = band_look(look_index(band)).dark;
  const double width = text_width(label, normal) + 8, height = 16;
  const auto to_x = [&](double px) {
    return main.x.low + (px - main.box.left) / main.box.width * (main.x.high - main.x.low);
  };
  std::optional<Box> best;
  double best_room = dark ? height : height - 5;  // on its own ground a label may touch the edges of the band
  for (double left = main.box.left + 4; left + width <= main.box.right() - 4; left += 4) {
    double floor = main.box.bottom(), ceiling = main.box.top;
    for (double px = left; px <= left + width; px += 2) {
      floor = std::min(floor, main.to_py(value_at(x, lower, to_x(px))));
      ceiling = std::max(ceiling, main.to_py(value_at(x, upper, to_x(px))));
    }
    for (double part : {0.5, 0.25, 0.75}) {
      const Box place{left, ceiling + part * (floor - ceiling - height), width, height};
      if (floor - ceiling <= best_room || !is_free(place)) continue;
      best = place;
      best_room = floor - ceiling;
    }
  }
  if (!best) return false;
  if (!dark) canvas.rect(*best, "fill=\"#fff\" fill-opacity=\"0.9\" rx=\"3\"");
  canvas.text({best->left + width / 2, best->top + 12}, normal, label,
              fmt::format("text-anchor=\"middle\" fill=\"{}\"", dark ? "#fff" : "#000"));
  taken.push_back(*best);
  return true;
}

// A band with no room for words is named above itself, with a line to the middle of where it is thickest.
bool PanelDrawing::label_outside(std::size_t band, const std::vector<double>& lower, const std::vector<double>& upper) {
  std::size_t peak = 0;
  for (std::size_t i = 0; i < panel.x.size(); ++i) {
    if (share_at(panel.bands[band], i) > share_at(panel.bands[band], peak)) peak = i;
  }
  const std::string label = fit_text(panel.bands[band].label, normal, main.box.width - 24);
  const double width = text_width(label, normal) + 8, height = 16;
  const Point target{std::clamp(main.to_px(panel.x[peak]), main.box.left + 3, main.box.right() - 3),
                     main.to_py((lower[peak] + upper[peak]) / 2)};
  const double left = std::clamp(target.x - width / 2, main.box.left + 4, main.box.right() - width - 4);
  for (double top = main.to_py(upper[peak]) - height - 12; top > main.box.top + 2; top -= 8) {
    const Box place{left, top, width, height};
    if (!is_free(place)) continue;
    const Point end{std::clamp(target.x, left + 6, left + width - 6), place.bottom()};
    canvas.line(target, end, "stroke=\"#000\"");
    canvas.rect({target.x - 2, target.y - 2, 4, 4}, "fill=\"#000\"");
    canvas.rect(place, "fill=\"#fff\" fill-opacity=\"0.9\" rx=\"3\"");
    canvas.text({left + width / 2, place.top + 12}, normal, label, "text-anchor=\"middle\"");
    taken.push_back(place);
    return true;
  }
  return false;
}

void PanelDrawing::label_bands() {
  const Edges edges = stacked(panel, shown);
  for (std::size_t b = 0; b < shown.size(); ++b) {
    const bool is_thin = std::find(thin.begin(), thin.end(), shown[b]) != thin.end();
    const Band& band = panel.bands[shown[b]];
    if (is_thin || band.label.empty() || largest_share(band, panel.x.size()) == 0) continue;
    for (bool cover : {false, true}) {
      may_cover_curve = cover;
      if (label_inside(shown[b], edges[b], edges[b + 1]) || label_outside(shown[b], edges[b], edges[b + 1])) break;
    }
  }
  if (std::all_of(edges.back().begin(), edges.back().end(), [](double share) { return share == 0; })) {
    canvas.text({main.box.left + main.box.width / 2, main.box.top + main.box.height / 2 - 10}, normal,
                "every share is exactly 0", "text-anchor=\"middle\" fill=\"#444\"");
  }
}

// The caption stands over the half of the strip with the lower bands.
void PanelDrawing::draw_strip_caption() {
  std::string names;
  for (std::size_t band : thin) names += (names.empty() ? "" : ", ") + panel.bands[band].label;
  const std::vector<double> total = stacked(panel, thin).back();
  const auto middle = total.begin() + static_cast<std::ptrdiff_t>(total.size() / 2);
  const bool high_left = *std::max_element(total.begin(), middle) > *std::max_element(middle, total.end());
  const std::string caption = fit_text(names + ", magnified", small, strip.box.width * 0.8);
  const double width = text_width(caption, small) + 8;
  const double left = high_left ? strip.box.right() - width - 4 : strip.box.left + 4;
  canvas.rect({left, strip.box.top + 3, width, 14}, "fill=\"#fff\" fill-opacity=\"0.9\" rx=\"3\"");
  canvas.text({left + width / 2, strip.box.top + 13.5}, small, caption, "text-anchor=\"middle\" font-style=\"italic\"");
}

void PanelDrawing::draw_all() {
  lay_out();
  draw_titles();
  draw_background(main);
  draw_bands(main, shown);
  if (!thin.empty()) {
    draw_background(strip);
    draw_bands(strip, thin);
  }
  draw_window();
  draw_curve();
  draw_marker();
  label_bands();
  if (!thin.empty()) {
    draw_strip_caption();
    draw_share_axis(strip, true);
  }
  draw_share_axis(main, false);
  draw_exponent_axis();
}

bool can_be_drawn(const std::vector<double>& x) {
  return !x.empty() && std::is_sorted(x.begin(), x.end()) &&
         std::all_of(x.begin(), x.end(), [](double value) { return std::abs(value) < 1e6; });
}

}  // namespace

const BandLook& band_look(std::size_t index) {
  return looks[index % std::size(looks)];
}

std::string_view pattern_defs() {
  return R"svg(<defs>
<pattern id="lowp-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="7" height="7" fill="#d5e2ee"/><rect width="2" height="7" fill="#5d83a8"/></pattern>
<pattern id="lowp-cross" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="7" height="7" fill="#f7d9cf"/><rect width="1.8" height="7" fill="#b5432c"/>
<rect width="7" height="1.8" fill="#b5432c"/></pattern>
<pattern id="lowp-dots" width="7" height="7" patternUnits="userSpaceOnUse">
<rect width="7" height="7" fill="#ededed"/><circle cx="3.5" cy="3.5" r="1.5" fill="#4d4d4d"/></pattern>
</defs>
)svg";
}

void draw_panel(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting, const Box& cell) {
  if (can_be_drawn(panel.x)) {
    PanelDrawing{canvas, panel, setting, cell}.draw_all();
    return;
  }
  canvas.text({cell.left + left_room, cell.top + 14}, 15, fit_text(panel.title, 15, cell.width - left_room, true),
              "font-weight=\"bold\"");
  canvas.text({cell.left + left_room, cell.top + 30}, normal, "nothing to draw", "fill=\"#444\"");
}

}  // namespace lowp
