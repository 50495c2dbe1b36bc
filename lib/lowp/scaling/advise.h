// SPDX-License-Identifier: Apache-2.0
// Which first scale and which interval skip least and lose least on a run.
#pragma once

#include <optional>
#include <vector>

#include "lowp/scaling/replay.h"

namespace lowp::scaling {

struct Trial {
  double init = 0;
  double interval = 0;  // 0: the scaler has none
  std::size_t skipped = 0;
  std::optional<Interval> flushed;  // mean over the steps that are taken
  double final_scale = 0;
};

struct Advice {
  int init_log2 = 0;
  double interval = 0;
  Replay replay;              // with both
  std::vector<Trial> inits;      // with the interval of the setup: powers of two around the limit, descending
  std::vector<Trial> intervals;  // with the advised first scale, ascending
  std::size_t hopeless = 0;      // steps that overflow at any scale
  std::optional<std::size_t> binding;  // index of the step that sets the limit
  std::optional<int> one_skip_log2;    // a first scale that costs one skip and is higher by two binades or more
  bool longer_than_run = false;        // the interval of the setup: nothing can be said about it
};

// Fewest skipped steps, then the least flushed share, then the highest scale, then the setup's own interval. The first
// scale is the largest power of two that no step overflows, or one below it. Nothing where every step is hopeless or
// zero, or where the scaler takes no first scale.
std::optional<Advice> advise(const RunSeries& run, const Setup& setup, const Loop& loop);

// Mean over the steps that `replay` takes; nothing where only maxima are known.
std::optional<Interval> mean_flushed(const RunSeries& run, const Replay& replay, const Loop& loop);

}  // namespace lowp::scaling
