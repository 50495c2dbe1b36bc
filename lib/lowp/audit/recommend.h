// SPDX-License-Identifier: Apache-2.0
// From a summary to advice: which scale to start with, how far it may move, what binds it, and what is not known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/audit/audit.h"
#include "lowp/audit/judge_tensors.h"

namespace lowp {

// Advice for one format. The window holds the scales at which nothing overflows at any step of the dump and the
// policy's criteria hold; its low end is missing where they hold down to the smallest scale, its high end where no
// finite gradient is there. Ends follow from the evidence alone, not from the scales that are shown.
struct Recommendation {
  std::string verdict;                   // one sentence: what to do
  std::optional<int> init_scale_log2;    // for a dynamic scaler; nothing: none fits, or nothing to scale, or 8 bits
  std::optional<int> static_scale_log2;  // for a loss scale that never changes: headroom below the window's high end
  std::optional<int> window_low, window_high;
  bool empty_window = false;  // no single scale fits
  bool needs_no_scale = false;
  std::optional<int> headroom_log2;       // binades between the static scale and the window's high end
  std::optional<TensorRef> above, below;  // the tensors that bind the window's ends
  std::uint64_t flushed = 0, beyond = 0;  // of `nonzero`, at shown_log2; beyond: overflowed or saturated
  std::uint64_t nonzero = 0;  // 0 where there is nothing to scale, and where only largest magnitudes are known
  int shown_log2 = 0;  // the scale that the figures speak of: the static one, or the best that is safe
  Judgement judgement;
  std::vector<std::string> reasons;  // sentences behind the verdict

  bool nothing_to_scale() const { return judgement.limits.empty(); }
  // Scales to point out in a picture: of 8-bit formats none, since one scale for all is not what they are used with.
  bool has_window() const { return init_scale_log2 && !empty_window && window_high; }
  std::optional<int> pictured_scale_log2() const { return init_scale_log2 ? init_scale_log2 : static_scale_log2; }
  std::string pictured_note() const;  // beside a curve: "init_scale 2^16", "no single scale fits"
  bool loss_known() const { return nonzero != 0; }  // else only largest magnitudes are, and nothing of what is lost
};

// One recommendation per format of the question, in order. Pure.
std::vector<Recommendation> recommend(const AuditResult& result, const Question& question, const Policy& policy);

// What the evidence does not cover, for all formats: sentences. Pure.
std::vector<std::string> caveats(const AuditResult& result, const Question& question, const Policy& policy,
                                 const std::vector<Recommendation>& recommendations);

}  // namespace lowp
