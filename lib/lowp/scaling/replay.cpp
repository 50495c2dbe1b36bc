// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/replay.h"

#include <algorithm>
#include <cmath>

namespace lowp::scaling {
namespace {

// Share of scaled gradients above the edge; `open` where the evidence does not decide against the threshold.
double above_edge(const RunSeries& run, const Settings& p, std::size_t index, double scale, double largest,
                  bool& open) {
  if (!(std::fabs(scale * largest) > p.edge)) return 0;
  std::optional<ShareInterval> below;
  if (run.share_below) below = run.share_below(index, p.edge / scale, true);
  const ShareInterval above = below ? ShareInterval{1 - below->most, 1 - below->least} : ShareInterval{0, 1};
  open = above.least <= p.threshold && above.most > p.threshold;
  return open ? above.most : above.least;
}

}  // namespace

double largest_scaled(const StepFacts& step, const Loop& loop) {
  if (step.forward_overflow) return std::numeric_limits<double>::quiet_NaN();
  double largest = step.largest_gradient();
  if (loop.divide != 1) largest /= loop.divide;
  return loop.loss_is_fp16 && largest < 1 ? 1 : largest;
}

std::vector<double> largest_of_updates(const RunSeries& run, const Loop& loop) {
  const auto window = static_cast<std::size_t>(loop.accumulate);
  std::vector<double> largest(run.steps.size() / window, 0);
  for (std::size_t i = 0; i < largest.size() * window; ++i) {
    double& most = largest[i / window];
    const double one = largest_scaled(run.steps[i], loop);
    if (std::isnan(one) || one > most) most = one;  // NaN stays: nothing is above it
  }
  return largest;
}

Replay replay(const RunSeries& run, const Setup& setup, const Loop& loop) {
  return replay(run, largest_of_updates(run, loop), setup, loop);
}

Replay replay(const RunSeries& run, const std::vector<double>& largest, const Setup& setup, const Loop& loop) {
  Replay result{setup, {}};
  const Scaler& scaler = *setup.scaler;
  const auto window = static_cast<std::size_t>(loop.accumulate);
  const std::size_t known = largest.size();
  const std::size_t wanted = known == 0 ? 0 : loop.steps.value_or(known);
  result.steps.reserve(wanted);
  result.from_run = std::min(known, wanted);
  State state = start(scaler, setup.settings);
  bool taken_one = false, loaded = !loop.resume_before;
  for (std::size_t i = 0; i < wanted && !result.raised; ++i) {
    const std::size_t last = (i % known + 1) * window - 1;
    if (!loaded && run.steps[last].step >= *loop.resume_before) {
      state = resumed(scaler, setup.settings, state);
      loaded = true;
    }
    Facts facts{.largest = largest[i % known]};
    facts.overflow = overflows(state.scale, facts.largest);
    bool open = false;
    if (scaler.asks_edge) facts.above_edge = above_edge(run, setup.settings, last, state.scale, facts.largest, open);
    result.guesses += open;
    const Decision decision = decide(scaler, state, facts);
    const std::int64_t step = i < known ? run.steps[last].step : result.steps.back().step + 1;
    result.steps.push_back({step, decision.scale, decision.skip});
    taken_one |= !decision.skip;
    result.overflows_taken += facts.overflow && !decision.skip;
    result.skipped_first += decision.skip && !taken_one;
    result.skipped_later += decision.skip && taken_one;
    const Advance after = advance(scaler, setup.settings, state, facts);
    result.raised = after.raised;
    result.growths += after.next.scale > state.scale;
    state = after.next;
  }
  result.final_scale = state.scale;
  return result;
}

std::int64_t step_of_update(const RunSeries& run, const Loop& loop, std::size_t update) {
  return run.steps[(update + 1) * static_cast<std::size_t>(loop.accumulate) - 1].step;
}

std::size_t stable_from(const Replay& replay) {
  std::size_t first = replay.steps.size();
  while (first > 0 && replay.steps[first - 1].scale == replay.final_scale) --first;
  return first;
}

std::optional<std::size_t> first_difference(const Replay& a, const Replay& b) {
  const std::size_t both = std::min(a.steps.size(), b.steps.size());
  for (std::size_t i = 0; i < both; ++i) {
    const bool same_scale =
        a.steps[i].scale == b.steps[i].scale || (std::isnan(a.steps[i].scale) && std::isnan(b.steps[i].scale));
    if (!same_scale || a.steps[i].skipped != b.steps[i].skipped) return i;
  }
  return {};
}

}  // namespace lowp::scaling
