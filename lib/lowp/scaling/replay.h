// SPDX-License-Identifier: Apache-2.0
// What a loss scaler would have done on a run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lowp/scaling/run_series.h"
#include "lowp/scaling/scaler.h"

namespace lowp::scaling {

struct Setup {
  const Scaler* scaler = nullptr;
  Settings settings;
};

// How the steps of a run reach the scaler.
struct Loop {
  bool loss_is_fp16 = false;         // its own gradient, 1 * scale, is an FP16 number too
  std::int64_t accumulate = 1;       // steps of the run per update: the scale stands still inside, one Inf skips all
  double divide = 1;                 // each gradient is divided by this before it is FP16 (loss / N)
  std::optional<std::size_t> steps;  // more than the run has: its steps come again in the same order
  std::optional<std::int64_t> resume_before;  // a checkpoint is saved and loaded before this step
};

struct ReplayedStep {
  std::int64_t step = 0;  // of the run; of an update, its last; counted on where the run is repeated
  double scale = 0;       // in force
  bool skipped = false;
};

struct Replay {
  Setup setup;
  std::vector<ReplayedStep> steps;  // updates
  double final_scale = 0;           // after the last step
  std::size_t skipped_first = 0;    // before the first step that is taken
  std::size_t skipped_later = 0;
  std::size_t overflows_taken = 0;  // by scalers that skip nothing
  std::size_t growths = 0;          // steps after which the scale is higher
  std::size_t guesses = 0;          // decisions that the evidence leaves open
  bool raised = false;              // the framework ended the run after the last step
  std::size_t from_run = 0;         // steps that are of the run itself; the others repeat it

  std::size_t skipped() const { return skipped_first + skipped_later; }
};

// The largest magnitude of a step that the scale multiplies before FP16 must hold it; NaN or Inf if no scale helps.
double largest_scaled(const StepFacts& step, const Loop& loop);

// The same of each update of the run: the largest of its steps.
std::vector<double> largest_of_updates(const RunSeries& run, const Loop& loop);

// One pass over the steps; 10^6 of them take milliseconds. `largest` is largest_of_updates(run, loop).
Replay replay(const RunSeries& run, const std::vector<double>& largest, const Setup& setup, const Loop& loop);
Replay replay(const RunSeries& run, const Setup& setup, const Loop& loop);

// The step that ends an update of the run.
std::int64_t step_of_update(const RunSeries& run, const Loop& loop, std::size_t update);

// Where the last scale began: the first step of the longest end with one scale.
std::size_t stable_from(const Replay& replay);

// The first index at which scale or skip differ; nothing where all of the shorter one agrees.
std::optional<std::size_t> first_difference(const Replay& a, const Replay& b);

}  // namespace lowp::scaling
