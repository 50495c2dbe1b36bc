// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_bands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace lowp {
namespace {

constexpr BandLook looks[] = {
    {"#35506b", "#22364a", true},
    {"url(#lowp-hatch)", "#35506b", false},
    {"url(#lowp-cross)", "#8f2d1c", false},
    {"url(#lowp-dots)", "#4d4d4d", false},
};

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

double share_at(const Band& band, std::size_t i) {
  const double share = i < band.share.size() ? band.share[i] : 0;
  return share > 0 ? std::min(share, 1.0) : 0;  // NaN too is 0
}

double largest_share(const Band& band, std::size_t count) {
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, share_at(band, i));
  return largest;
}

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

const BandLook& BandDrawing::look(std::size_t band) const {
  const auto& labels = setting_.band_labels;
  const auto found = std::find(labels.begin(), labels.end(), panel_.bands[band].label);
  return band_look(static_cast<std::size_t>(found - labels.begin()));
}

// A band is outlined only where there is some of it: one polygon per run of intervals that are not zero at both ends.
void BandDrawing::draw(const Plot& plot, const std::vector<std::size_t>& bands) {
  const Edges edges = stacked(panel_, bands);
  const std::vector<double> x = drawn_x(panel_.x);
  for (std::size_t b = 0; b < bands.size(); ++b) {
    const std::vector<double>&lower = edges[b], &upper = edges[b + 1];
    const auto nothing_at = [&](std::size_t i) { return upper[i] <= lower[i]; };
    const BandLook& fill = look(bands[b]);
    const std::string style = fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"0.8\"", fill.fill, fill.stroke);
    for (std::size_t begin = 0; begin + 1 < x.size(); ++begin) {
      std::size_t end = begin;
      while (end + 1 < x.size() && !(nothing_at(end) && nothing_at(end + 1))) ++end;
      if (end == begin) continue;
      std::vector<Point> outline;
      for (std::size_t i = begin; i <= end; ++i) outline.push_back({plot.to_px(x[i]), plot.to_py(upper[i])});
      for (std::size_t i = end + 1; i-- > begin;) outline.push_back({plot.to_px(x[i]), plot.to_py(lower[i])});
      canvas_.polygon(outline, style);
      begin = end - 1;
    }
  }
}

}  // namespace lowp
