// SPDX-License-Identifier: Apache-2.0
// From outcomes to advice: which scale to start with, how far it may move, what binds it, and what is not known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/audit/audit.h"

namespace lowp {

// What counts as acceptable.
struct Policy {
  double max_flushed = 0.25;  // share of non-zero values that may be lost at the best scale
  double max_regret = 0.01;   // share of what the best scale keeps that a smaller scale may lose again
  int assumed_headroom = 3;   // binades kept free below overflow where there is only one step
  int spare_headroom = 1;     // and on top of the largest rise seen where there are several
};

// Advice for one target. The window holds the scales of the range at which nothing overflows at any step and the
// flushed share meets the policy; an end is missing where the range of scales ends before it does.
struct Recommendation {
  std::optional<int> init_scale_log2;  // nothing: no single scale fits, or nothing to scale
  std::optional<int> window_low, window_high;
  bool empty_window = false;
  bool needs_no_scale = false;       // 2^0 is as good as any scale
  std::optional<int> headroom_log2;  // binades between init_scale and the first scale that would overflow, less one
  std::optional<TensorRef> above, below;  // the tensors that bind the window's ends
  std::uint64_t flushed = 0, beyond = 0;  // of `nonzero`, at init_scale; without one, at the best scale that is safe
  std::uint64_t nonzero = 0;
  std::vector<std::string> reasons;  // sentences; the first is the answer
};

// One recommendation per format of the question, in order. Pure.
std::vector<Recommendation> recommend(const AuditResult& result, const Question& question, const Policy& policy);

// What the evidence does not cover, for all formats: sentences. Pure.
std::vector<std::string> caveats(const AuditResult& result, const Question& question, const Policy& policy);

// Steps at which the largest value is known, and by how many binades it ever rose from one to the next.
struct Drift {
  std::size_t steps = 0;
  double largest_rise_log2 = 0;
};
Drift drift_of(const Summary& summary);

}  // namespace lowp
