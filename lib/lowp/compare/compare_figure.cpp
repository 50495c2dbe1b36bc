// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "lowp/compare/compare_report.h"
#include "lowp/report/humanize.h"

namespace lowp::compare {
namespace {

constexpr std::size_t most_points = 400;
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

// ||b - a|| / ||a||: 20 dB of signal to noise are 10 %.
double norm_ratio(const Differences& d) {
  if (d.one_sided() != 0) return nothing;
  return d.snr_db ? std::pow(10, -*d.snr_db / 20) : d.squared_differences == 0 && d.squares != 0 ? 0 : nothing;
}

double relative(const Differences& d, std::size_t which) {
  return d.relative.count == 0 ? nothing : std::bit_cast<double>(d.relative.at[which]);
}

// The largest of each stretch of values, so that many tensors make no more points than the picture can show.
void thin(std::vector<double>& values, std::size_t stretch) {
  std::vector<double> kept;
  for (std::size_t i = 0; i < values.size(); i += stretch) {
    double most = nothing;
    for (std::size_t j = i; j < std::min(i + stretch, values.size()); ++j) most = std::fmax(most, values[j]);
    kept.push_back(most);
  }
  values = std::move(kept);
}

Panel panel_of(std::string title, std::vector<Line> lines, std::size_t points) {
  Panel panel;
  panel.title = std::move(title);
  panel.x_is_log2 = false;
  const std::size_t stretch = (points + most_points - 1) / most_points;
  if (stretch > 1) panel.remark = fmt::format("each point is the largest of {} tensors", stretch);
  for (Line& line : lines) thin(line.value, std::max<std::size_t>(stretch, 1));
  for (std::size_t i = 0; i < points; i += std::max<std::size_t>(stretch, 1)) panel.x.push_back(static_cast<double>(i + 1));
  panel.lines = std::move(lines);
  return panel;
}

Figure depth_figure(const CompareFindings& f, std::size_t index) {
  const Comparison& all = f.comparison;
  const StepComparison& step = all.steps[index];
  std::vector<Line> lines{{"whole tensor", {}}, {"half of its values", {}}, {"99 % of them", {}}};
  std::optional<double> first;
  for (std::size_t i = step.begin; i < step.end; ++i) {
    const TensorComparison& tensor = all.tensors[i];
    if (!tensor.compared) continue;
    if (step.first == i) first = static_cast<double>(lines[0].value.size() + 1);
    lines[0].value.push_back(norm_ratio(tensor.differences));
    lines[1].value.push_back(relative(tensor.differences, 0));
    lines[2].value.push_back(relative(tensor.differences, 2));
  }
  const std::size_t points = lines[0].value.size();
  Panel panel = panel_of(step_text(step.inputs), std::move(lines), points);
  if (first) {
    panel.has_marker = true;
    panel.marker = *first;
    panel.marker_label = "first difference: " + all.tensors[*step.first].name();
  }
  return {"How far B is from A, tensor by tensor",
          fmt::format("whole tensor: norm of B - A by norm of A (10 % is 20 dB); its values: at most |b - a| / |a|; {}",
                      counted(step.total.elements, "value", "values")),
          "tensor, in the order of the file", "relative difference", {std::move(panel)}};
}

Figure steps_figure(const Comparison& all) {
  std::vector<Line> lines{{"all tensors", {}}, {"worst tensor", {}}};
  for (const StepComparison& step : all.steps) {
    if (step.compared == 0) continue;
    double worst = nothing;
    for (std::size_t i = step.begin; i < step.end; ++i) {
      if (all.tensors[i].compared) worst = std::fmax(worst, norm_ratio(all.tensors[i].differences));
    }
    lines[0].value.push_back(norm_ratio(step.total));
    lines[1].value.push_back(worst);
  }
  const std::size_t points = lines[0].value.size();
  return {"How far B is from A, step by step", "norm of B - A by norm of A (10 % is 20 dB)",
          "compared pair of steps, in order", "relative difference",
          {panel_of("Steps", std::move(lines), points)}};
}

}  // namespace

// Of several steps the first that differs is drawn tensor by tensor.
std::vector<Figure> compare_figures(const CompareFindings& f) {
  const Comparison& all = f.comparison;
  const auto compared = [](const StepComparison& step) { return step.compared != 0; };
  const auto some = std::ranges::find_if(all.steps, compared);
  if (some == all.steps.end()) return {};
  const std::size_t shown =
      all.first ? all.tensors[*all.first].step : static_cast<std::size_t>(some - all.steps.begin());
  std::vector<Figure> figures{depth_figure(f, shown)};
  if (std::ranges::count_if(all.steps, compared) > 1) figures.push_back(steps_figure(all));
  return figures;
}

}  // namespace lowp::compare
