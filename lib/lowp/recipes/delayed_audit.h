// SPDX-License-Identifier: Apache-2.0
// Delayed scaling over the steps of a series: what each window would have lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowp/recipes/delayed.h"
#include "lowp/recipes/recipe_audit.h"
#include "lowp/report/report.h"

namespace lowp::recipes {

struct DelayedAuditOptions {
  DelayedBy by = DelayedBy::te_fused;
  FromHistory algorithm = FromHistory::max;
  std::vector<std::uint32_t> windows;
  int margin = 0;
  int threads = 0;
};

// One step of one tensor under one window. Window 0 is current scaling, for comparison.
struct DelayedStep {
  std::size_t input = 0;
  float largest = 0;
  float scale = 1;  // what elements were multiplied by
  bool frozen = false;  // an Inf in the history keeps the scale
  RecipeCounts counts;
};
struct DelayedTrajectory {
  std::string tensor, format;
  std::uint32_t window = 0;
  std::vector<DelayedStep> steps;
};
struct DelayedAudit {
  std::vector<DelayedTrajectory> trajectories;  // by tensor, then window
};

// Gradients in E5M2, all else in E4M3 (HYBRID). Tensors are the same by name; the steps are the inputs in their order.
Result<DelayedAudit> audit_delayed(const StepSeries& series, const DelayedAuditOptions& options);
Report delayed_report(const StepSeries& series, const DelayedAuditOptions& options, const DelayedAudit& audit);

}  // namespace lowp::recipes
