// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/advise.h"

#include <algorithm>
#include <cmath>

namespace lowp::scaling {
namespace {

constexpr double intervals[] = {100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
constexpr int deepest = 4;  // binades below the limit that are shown

// The largest k with 2^k * largest below 65520, at most 127: scales are FP32 numbers nearly everywhere.
int limit_log2(double largest) {
  int k = 0;
  std::frexp(65520 / std::fmax(largest, 0x1p-111), &k);  // 65520 / largest < 2^k
  while (overflows(std::ldexp(1.0, k), largest)) --k;
  return k;
}

Trial trial_of(const RunSeries& run, const Replay& replay, const Loop& loop) {
  const Settings& p = replay.setup.settings;
  return {init_parameter(*replay.setup.scaler).field == &Settings::init ? p.init : 0,
          interval_parameter(*replay.setup.scaler) != nullptr ? p.interval : 0, replay.skipped(),
          mean_flushed(run, replay, loop), replay.final_scale};
}

double least_flushed(const Trial& trial) { return trial.flushed ? trial.flushed->most : 0; }

// Whether `a` is the better one; equal ones keep their order.
bool better(const Trial& a, const Trial& b) {
  if (a.skipped != b.skipped) return a.skipped < b.skipped;
  return least_flushed(a) < least_flushed(b);
}

Setup with(Setup setup, double init, double interval) {
  setup.settings.init = init;
  if (interval != 0) setup.settings.interval = interval;
  return setup;
}

struct Limits {
  std::optional<int> lowest;        // over all steps that some scale can hold
  std::optional<std::size_t> binding;
  std::optional<int> second;        // without the binding step
  std::size_t hopeless = 0;
};

Limits limits_of(const RunSeries& run, const Loop& loop) {
  Limits limits;
  const std::size_t count = std::min(run.steps.size(), loop.steps.value_or(run.steps.size()) * static_cast<std::size_t>(loop.accumulate));
  for (std::size_t i = 0; i < count; ++i) {
    const double largest = largest_scaled(run.steps[i], loop);
    if (!std::isfinite(largest)) {
      ++limits.hopeless;
      continue;
    }
    if (largest == 0) continue;
    const int limit = limit_log2(largest);
    if (limit < -149) {
      ++limits.hopeless;
      continue;
    }
    if (!limits.lowest || limit < *limits.lowest) {
      limits.second = limits.lowest;
      limits.lowest = limit;
      limits.binding = i;
    } else if (!limits.second || limit < *limits.second) {
      limits.second = limit;
    }
  }
  return limits;
}

void try_intervals(const RunSeries& run, const Setup& setup, const Loop& loop, Advice& advice) {
  const double own = setup.settings.interval;
  const double init = std::ldexp(1.0, advice.init_log2);
  advice.longer_than_run = !(own < static_cast<double>(advice.replay.steps.size()));
  std::vector<double> all(std::begin(intervals), std::end(intervals));
  if (std::ranges::find(all, own) == all.end()) all.push_back(own);
  std::ranges::sort(all);
  Trial best = trial_of(run, advice.replay, loop);
  for (const double interval : all) {
    const Trial trial = trial_of(run, replay(run, with(setup, init, interval), loop), loop);
    advice.intervals.push_back(trial);
    if (better(trial, best)) best = trial;
    if (!(interval < static_cast<double>(advice.replay.steps.size()))) break;  // longer ones do the same
  }
  advice.interval = best.interval;
}

}  // namespace

std::optional<Interval> mean_flushed(const RunSeries& run, const Replay& replay, const Loop& loop) {
  Interval sum;
  std::size_t count = 0;
  const auto window = static_cast<std::size_t>(loop.accumulate);
  for (std::size_t i = 0; i < replay.from_run && i < replay.steps.size(); ++i) {
    if (replay.steps[i].skipped) continue;
    for (std::size_t j = i * window; j < (i + 1) * window; ++j) {
      const auto share = flushed_share(run, j, replay.steps[i].scale / loop.divide);
      if (!share) continue;
      sum.least += share->least;
      sum.most += share->most;
      ++count;
    }
  }
  if (count == 0) return {};
  return Interval{sum.least / static_cast<double>(count), sum.most / static_cast<double>(count)};
}

std::optional<Advice> advise(const RunSeries& run, const Setup& setup, const Loop& loop) {
  const Limits limits = limits_of(run, loop);
  if (!limits.lowest || init_parameter(*setup.scaler).field != &Settings::init) return {};
  Advice advice;
  advice.hopeless = limits.hopeless;
  advice.binding = limits.binding;
  if (limits.second && *limits.second >= *limits.lowest + 2) advice.one_skip_log2 = *limits.second;
  for (int k = *limits.lowest + 1; k >= *limits.lowest - deepest; --k) {
    advice.inits.push_back(trial_of(run, replay(run, with(setup, std::ldexp(1.0, k), 0), loop), loop));
  }
  advice.init_log2 = better(advice.inits[2], advice.inits[1]) ? *limits.lowest - 1 : *limits.lowest;
  const double init = std::ldexp(1.0, advice.init_log2);
  advice.replay = replay(run, with(setup, init, 0), loop);
  advice.interval = advice.replay.setup.settings.interval;
  if (interval_parameter(*setup.scaler) != nullptr && !advice.replay.steps.empty()) try_intervals(run, setup, loop, advice);
  if (advice.interval != advice.replay.setup.settings.interval) advice.replay = replay(run, with(setup, init, advice.interval), loop);
  return advice;
}

}  // namespace lowp::scaling
