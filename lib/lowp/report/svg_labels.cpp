// SPDX-License-Identifier: Apache-2.0
// Names of bands, where there is room for them.
#include <algorithm>
#include <optional>

#include "lowp/report/svg_bands.h"

namespace lowp {
namespace {

constexpr double label_height = 16;
constexpr std::string_view label_ground = "fill=\"#fff\" fill-opacity=\"0.9\" rx=\"3\"";

// Linear between the points, as the bands are drawn.
double value_at(const std::vector<double>& x, const std::vector<double>& y, double at) {
  const auto above = std::lower_bound(x.begin(), x.end(), at);
  if (above == x.begin()) return y.front();
  if (above == x.end()) return y.back();
  const auto i = static_cast<std::size_t>(above - x.begin());
  const double part = (at - x[i - 1]) / (x[i] - x[i - 1]);
  return y[i - 1] + part * (y[i] - y[i - 1]);
}

}  // namespace

bool BandDrawing::is_free(const Box& place) const {
  const auto hit = [&](const Box& box) { return overlap(box, place); };
  return std::none_of(taken_.begin(), taken_.end(), hit) &&
         (may_cover_all_ || std::none_of(to_avoid_.begin(), to_avoid_.end(), hit));
}

// Tries places every 4 px, in the middle of the band and nearer its edges, and takes the one where the band is
// thickest.
bool BandDrawing::label_inside(const Plot& plot, std::size_t band, const Edges& edges, std::size_t at) {
  const std::vector<double> x = drawn_x(panel_.x);
  const std::string label = fit_text(panel_.bands[band].label, normal_size, plot.box.width - 24);
  const bool dark = look(band).dark;
  const double width = text_width(label, normal_size) + 8, height = label_height;
  const auto to_x = [&](double px) {
    return plot.x.low + (px - plot.box.left) / plot.box.width * (plot.x.high - plot.x.low);
  };
  std::optional<Box> best;
  double best_room = dark ? height : height - 5;  // on its own ground a label may touch the edges of the band
  for (double left = plot.box.left + 4; left + width <= plot.box.right() - 4; left += 4) {
    double floor = plot.box.bottom(), ceiling = plot.box.top;
    for (double px = left; px <= left + width; px += 2) {
      floor = std::min(floor, plot.to_py(value_at(x, edges[at], to_x(px))));
      ceiling = std::max(ceiling, plot.to_py(value_at(x, edges[at + 1], to_x(px))));
    }
    for (double part : {0.5, 0.25, 0.75}) {
      const Box place{left, ceiling + part * (floor - ceiling - height), width, height};
      if (floor - ceiling <= best_room || !is_free(place)) continue;
      best = place;
      best_room = floor - ceiling;
    }
  }
  if (!best) return false;
  if (!dark) canvas_.rect(*best, label_ground);
  canvas_.text({best->left + width / 2, best->top + 12}, normal_size, label,
               dark ? "text-anchor=\"middle\" fill=\"#fff\"" : "text-anchor=\"middle\" fill=\"#000\"");
  taken_.push_back(*best);
  return true;
}

// A band with no room for words is named above itself, with a line to the middle of where it is thickest.
bool BandDrawing::label_outside(const Plot& plot, std::size_t band, const Edges& edges, std::size_t at) {
  std::size_t peak = 0;
  for (std::size_t i = 0; i < panel_.x.size(); ++i) {
    if (share_at(panel_.bands[band], i) > share_at(panel_.bands[band], peak)) peak = i;
  }
  const std::string label = fit_text(panel_.bands[band].label, normal_size, plot.box.width - 24);
  const double width = text_width(label, normal_size) + 8;
  const Point target{std::clamp(plot.to_px(panel_.x[peak]), plot.box.left + 3, plot.box.right() - 3),
                     plot.to_py((edges[at][peak] + edges[at + 1][peak]) / 2)};
  const double left = std::clamp(target.x - width / 2, plot.box.left + 4, plot.box.right() - width - 4);
  for (double top = plot.to_py(edges[at + 1][peak]) - label_height - 12; top > plot.box.top + 2; top -= 8) {
    const Box place{left, top, width, label_height};
    if (!is_free(place)) continue;
    const Point end{std::clamp(target.x, left + 6, left + width - 6), place.bottom()};
    canvas_.line(target, end, "stroke=\"#000\"");
    canvas_.rect({target.x - 2, target.y - 2, 4, 4}, "fill=\"#000\"");
    canvas_.rect(place, label_ground);
    canvas_.text({left + width / 2, place.top + 12}, normal_size, label, "text-anchor=\"middle\"");
    taken_.push_back(place);
    return true;
  }
  return false;
}

void BandDrawing::label(const Plot& plot, const std::vector<std::size_t>& shown, const std::vector<std::size_t>& thin) {
  const Edges edges = stacked(panel_, shown);
  for (std::size_t b = 0; b < shown.size(); ++b) {
    const bool is_thin = std::find(thin.begin(), thin.end(), shown[b]) != thin.end();
    const Band& band = panel_.bands[shown[b]];
    if (is_thin || band.label.empty() || largest_share(band, panel_.x.size()) == 0) continue;
    for (bool cover : {false, true}) {
      may_cover_all_ = cover;
      if (label_inside(plot, shown[b], edges, b) || label_outside(plot, shown[b], edges, b)) break;
    }
  }
  if (std::all_of(edges.back().begin(), edges.back().end(), [](double share) { return share == 0; })) {
    canvas_.text({plot.box.left + plot.box.width / 2, plot.box.top + plot.box.height / 2 - 10}, normal_size,
                 "every share is exactly 0", "text-anchor=\"middle\" fill=\"#444\"");
  }
}

}  // namespace lowp
