// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/advise.h"

#include <algorithm>
#include <cmath>

namespace lowp::scaling {
namespace {

constexpr double intervals[] = {100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

// The largest k with 2^k * largest below 65520, at most 127: scales are FP32 numbers nearly everywhere.
int limit_log2(double largest) {
  int k = 0;
  std::frexp(65520 / std::fmax(largest, 0x1p-111), &k);  // 65520 / largest < 2^k
  while (overflows(std::ldexp(1.0, k), largest)) --k;
  return k;
}

double flushed_key(const Trial& trial) {
  return trial.flushed ? trial.flushed->most : 0;
}

// Whether `a` is the better one of two in the order of advise().
bool better(const Trial& a, const Trial& b, double own_interval) {
  if (a.skipped != b.skipped) return a.skipped < b.skipped;
  if (flushed_key(a) != flushed_key(b)) return flushed_key(a) < flushed_key(b);
  if (a.init != b.init) return a.init > b.init;
  if (a.interval == own_interval || b.interval == own_interval)
    return a.interval == own_interval && b.interval != own_interval;
  return a.interval < b.interval;
}

struct Limits {
  std::optional<int> lowest, second;  // of the update that binds, and of all others
  std::size_t binding = 0, hopeless = 0;
};

Limits limits_of(const std::vector<double>& largest, std::size_t count) {
  Limits limits;
  for (std::size_t i = 0; i < std::min(count, largest.size()); ++i) {
    if (largest[i] == 0) continue;
    const int limit = std::isfinite(largest[i]) ? limit_log2(largest[i]) : -1000;
    if (limit < -149) {  // below the smallest FP32 number
      ++limits.hopeless;
    } else if (!limits.lowest || limit < *limits.lowest) {
      limits.second = limits.lowest;
      limits.lowest = limit;
      limits.binding = i;
    } else if (!limits.second || limit < *limits.second) {
      limits.second = limit;
    }
  }
  return limits;
}

// Replays of one run under one loop.
struct Laboratory {
  const RunSeries& run;
  const Setup& setup;
  const Loop& loop;
  std::vector<double> largest;

  Replay replay_with(double init, double interval) const {
    Setup changed = setup;
    changed.settings.init = init;
    changed.settings.interval = interval;
    return replay(run, largest, changed, loop);
  }
  Trial try_out(double init, double interval) const {
    const Replay replay = replay_with(init, interval);
    return {init, interval, replay.skipped(), mean_flushed(run, replay, loop), replay.final_scale};
  }
};

// Longer intervals than the run do what the first of them does.
std::vector<double> intervals_for(double own, std::size_t steps) {
  std::vector<double> tried;
  for (const double interval : intervals) {
    if (interval != own) tried.push_back(interval);
    if (!(interval < static_cast<double>(steps))) break;
  }
  return tried;
}

}  // namespace

std::optional<ShareInterval> mean_flushed(const RunSeries& run, const Replay& replay, const Loop& loop) {
  ShareInterval sum;
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
  return ShareInterval{sum.least / static_cast<double>(count), sum.most / static_cast<double>(count)};
}

std::optional<Advice> advise(const RunSeries& run, const Setup& setup, const Loop& loop, bool widely) {
  const Laboratory lab{run, setup, loop, largest_of_updates(run, loop)};
  const Limits limits = limits_of(lab.largest, loop.steps.value_or(lab.largest.size()));
  if (!limits.lowest || init_parameter(*setup.scaler).field != &Settings::init) return {};
  Advice advice;
  advice.hopeless = limits.hopeless;
  advice.binding = limits.binding;
  if (limits.second && *limits.second >= *limits.lowest + 2) advice.without_binding_log2 = limits.second;
  const double own = setup.settings.interval, limit = std::ldexp(1.0, *limits.lowest);
  std::vector<Trial> candidates{lab.try_out(limit, own), lab.try_out(limit / 2, own)};
  advice.trials = candidates;
  if (widely) {
    advice.trials.insert(advice.trials.begin(), lab.try_out(limit * 2, own));
    for (double init = limit / 4; init >= limit / 16; init /= 2) advice.trials.push_back(lab.try_out(init, own));
    if (interval_parameter(*setup.scaler) != nullptr) {
      for (const double interval : intervals_for(own, lab.largest.size())) {
        for (const double init : {limit, limit / 2}) candidates.push_back(lab.try_out(init, interval));
      }
    }
    advice.trials.insert(advice.trials.end(), candidates.begin() + 2, candidates.end());
  }
  const Trial best =
      *std::ranges::min_element(candidates, [&](const Trial& a, const Trial& b) { return better(a, b, own); });
  advice.init_log2 = best.init == limit ? *limits.lowest : *limits.lowest - 1;
  advice.replay = lab.replay_with(best.init, best.interval);
  if (interval_parameter(*setup.scaler) != nullptr) {
    advice.interval = best.interval;
    advice.longer_than_run = !(own < static_cast<double>(advice.replay.steps.size()));
  }
  return advice;
}

}  // namespace lowp::scaling
