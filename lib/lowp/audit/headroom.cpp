// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/headroom.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

namespace lowp {
namespace {

constexpr double none = -std::numeric_limits<double>::infinity();

double log2_of(Exact x) {
  return x.kind == Kind::finite ? std::log2(static_cast<double>(x.significand)) + x.exponent : none;
}

// One step's largest value, and the largest of earlier steps over the same tensors.
struct StepLargest {
  double now = none, before = none;
};

std::vector<StepLargest> levels_of(const Subjects& subjects) {
  const Summary& summary = subjects.summary();
  std::map<std::string_view, double> largest_before;
  std::vector<StepLargest> levels;
  for (std::size_t begin = 0, end = 0; begin < summary.steps.size(); begin = end) {
    std::map<std::string_view, double> largest;  // of this step: dumps of one step (ranks) count as one
    end = begin;
    do {
      for (std::size_t t = 0; t < summary.steps[end].tensors.size(); ++t) {
        if (!subjects.is_scaled({end, t})) continue;
        const TensorSummary& tensor = summary.steps[end].tensors[t];
        double& known = largest.try_emplace(tensor.name, none).first->second;
        known = std::max(known, log2_of(largest_at_most(tensor.evidence)));
      }
      ++end;
    } while (end < summary.steps.size() && summary.steps[begin].step &&
             summary.steps[end].step == summary.steps[begin].step);
    StepLargest level;
    double any = none;
    for (const auto& [name, now] : largest) {
      any = std::max(any, now);
      const auto before = largest_before.find(name);
      if (before == largest_before.end()) continue;
      level.now = std::max(level.now, now);
      level.before = std::max(level.before, before->second);
    }
    for (const auto& [name, now] : largest) {
      double& known = largest_before.try_emplace(name, none).first->second;
      known = std::max(known, now);
    }
    if (any == none) continue;
    if (level.now == none) level = {any, none};
    levels.push_back(level);
  }
  return levels;
}

// How far the second half of the steps rises above the first: a trend, however small its steps.
double trend(const std::vector<StepLargest>& levels) {
  if (levels.size() < 4) return 0;
  const auto middle = levels.begin() + static_cast<std::ptrdiff_t>(levels.size() / 2);
  const auto largest = [](auto begin, auto end) {
    return std::ranges::max_element(begin, end, {}, &StepLargest::now)->now;
  };
  return largest(middle, levels.end()) - largest(levels.begin(), middle);
}

}  // namespace

Drift drift_of(const Subjects& subjects) {
  const Summary& summary = subjects.summary();
  const std::vector<StepLargest> levels = levels_of(subjects);
  Drift drift{levels.size(), levels.size() > 1, 0};
  for (std::size_t s = 1; s < summary.steps.size(); ++s) {
    const auto &step = summary.steps[s].step, &previous = summary.steps[s - 1].step;
    drift.consecutive = drift.consecutive && step && previous && *step == *previous + 1;
  }
  double later = none;  // the largest value of the steps after the one at hand
  bool stands = true;
  for (std::size_t i = levels.size(); i-- > 0;) {
    stands = later == none || later >= levels[i].now - 1;
    if (stands && levels[i].before != none) {
      drift.largest_rise_log2 = std::max(drift.largest_rise_log2, levels[i].now - levels[i].before);
    }
    later = std::max(later, levels[i].now);
  }
  // A trend ends at the top: a spike that is over does not make one.
  if (!levels.empty() && levels.back().now >= later - 1) {
    drift.largest_rise_log2 = std::max(drift.largest_rise_log2, trend(levels));
  }
  return drift;
}

int headroom_wanted(const Drift& drift, const Policy& policy) {
  const int wanted = static_cast<int>(std::ceil(drift.largest_rise_log2)) + 1;
  return std::clamp(wanted, policy.min_headroom, std::max(policy.min_headroom, policy.max_headroom));
}

}  // namespace lowp
