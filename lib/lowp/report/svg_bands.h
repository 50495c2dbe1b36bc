// SPDX-License-Identifier: Apache-2.0
// Filled bands over the axis of a panel: their shape, their look, their names.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "lowp/report/report.h"
#include "lowp/report/svg_plot.h"

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

// Lower and upper edges of every band, as shares: edges[b] is below band b, edges[b + 1] above it.
using Edges = std::vector<std::vector<double>>;

// 0..1; whatever is missing or no number is 0.
double share_at(const Band& band, std::size_t i);
double largest_share(const Band& band, std::size_t count);
// A single x is drawn as a bar as wide as the axis.
std::vector<double> drawn_x(const std::vector<double>& x);
// Of the bands with these indices, at drawn_x.
Edges stacked(const Panel& panel, const std::vector<std::size_t>& bands);

// One panel's bands while they are drawn.
class BandDrawing {
 public:
  BandDrawing(SvgCanvas& canvas, const Panel& panel, const PanelSetting& setting)
      : canvas_(canvas), panel_(panel), setting_(setting) {}

  void draw(const Plot& plot, const std::vector<std::size_t>& bands);
  // Names the bands `shown` in the plot, but not those in `thin`; says so where there is nothing to see.
  void label(const Plot& plot, const std::vector<std::size_t>& shown, const std::vector<std::size_t>& thin);

  void take(const Box& box) { taken_.push_back(box); }      // no label goes there
  void avoid(const Box& box) { to_avoid_.push_back(box); }  // nor there while it can

 private:
  SvgCanvas& canvas_;
  const Panel& panel_;
  const PanelSetting& setting_;
  std::vector<Box> taken_, to_avoid_;
  bool may_cover_all_ = false;

  const BandLook& look(std::size_t band) const;
  bool is_free(const Box& place) const;
  bool label_inside(const Plot& plot, std::size_t band, const Edges& edges, std::size_t at);
  bool label_outside(const Plot& plot, std::size_t band, const Edges& edges, std::size_t at);
};

}  // namespace lowp
