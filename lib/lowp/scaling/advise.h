// SPDX-License-Identifier: Apache-2.0
// Which first scale and which interval skip least and lose least on a run.
#pragma once

#include <optional>
#include <vector>

#include "lowp/scaling/replay.h"

namespace lowp::scaling {

struct Trial {
  double init = 0;
  double interval = 0;
  std::size_t skipped = 0;
  std::optional<ShareInterval> flushed;  // mean over the steps that are taken
  double final_scale = 0;
};

struct Advice {
  int init_log2 = 0;
  double interval = 0;        // 0: the scaler has none
  Replay replay;              // with both
  std::vector<Trial> trials;  // first scales around the limit with the interval of the setup; then other intervals
  std::size_t hopeless = 0;   // updates that overflow at any scale
  std::size_t binding = 0;    // the update that sets the limit
  std::optional<int> without_binding_log2;  // the limit without it, where that is higher by two binades or more
  bool longer_than_run = false;             // the interval of the setup: nothing can be said about a longer one
};

// Fewest skipped steps, then the least flushed share, then the highest first scale, then the setup's own interval, then
// the shortest. The first scale is the largest power of two that no step overflows, or one below it. `widely`: other
// intervals are tried too. Nothing where each step is hopeless or zero, or where the scaler takes no first scale.
std::optional<Advice> advise(const RunSeries& run, const Setup& setup, const Loop& loop, bool widely);

// Mean over the steps that `replay` takes; nothing where only maxima are known.
std::optional<ShareInterval> mean_flushed(const RunSeries& run, const Replay& replay, const Loop& loop);

}  // namespace lowp::scaling
