// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/run_series.h"

#include <algorithm>
#include <cmath>

namespace lowp::scaling {

Kind kind_of_tensor(std::string_view name) {
  if (name == "loss_grad" || name == "act_grad/loss") return Kind::loss_grad;
  const std::size_t slash = name.find('/');
  if (slash == name.npos) return Kind::grad;
  return find_magnitude_kind(name.substr(0, slash)).value_or(Kind::grad);
}

double StepFacts::largest_gradient() const {
  if (nan) return std::numeric_limits<double>::quiet_NaN();
  if (inf) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t kind = 0; kind < largest.size(); ++kind) {
    if (static_cast<Kind>(kind) != Kind::act) most = std::max(most, largest[kind]);
  }
  return most;
}

void StepFacts::see(Kind kind, double magnitude) {
  if (kind == Kind::act) forward_overflow |= !(magnitude < 65520);
  if (std::isfinite(magnitude)) {
    double& most = largest[static_cast<std::size_t>(kind)];
    most = std::max(most, magnitude);
  } else if (kind != Kind::act) {
    (std::isnan(magnitude) ? nan : inf) = true;
  }
}

bool RunSeries::has(Kind kind) const {
  return std::ranges::any_of(
      steps, [kind](const StepFacts& step) { return step.largest[static_cast<std::size_t>(kind)] != not_seen; });
}

std::optional<ShareInterval> flushed_share(const RunSeries& run, std::size_t index, double scale) {
  if (!run.share_below) return {};
  if (!(scale > 0)) return ShareInterval{1, 1};  // 0 and NaN leave nothing
  return run.share_below(index, 0x1p-25 / scale, true);
}

}  // namespace lowp::scaling
