// SPDX-License-Identifier: Apache-2.0
// The one call that reads data: a dump becomes a summary, every tensor read once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "lowp/summary/binade_counter.h"
#include "lowp/summary/evidence.h"
#include "lowp/summary/question.h"
#include "lowp/summary/summary.h"
#include "lowp/tensor/step_series.h"

namespace lowp {

// What to remember.
struct Keep {
  // What will be asked of the totals and of leaves. Formats with more than ten fraction bits need their widths
  // recorded, and where only counts are asked for a cheaper pass suffices.
  Question question;
  Level tensors = Level::flushed;  // of each tensor: flushed, counts, errors or leaves
  bool total = true;               // of all steps, at least as sharp as the question asks
  bool step_totals = false;        // and of each
  int dump_scale_log2 = 0;         // of inputs that do not say with which loss scale they were dumped
  Part part;                       // which part of its tensors the series is
};

// Adds all elements of a tensor's source to a counter, as its count() would.
using TensorCounter = std::function<Result<Done>(const TensorView& view, BinadeCounter& counter)>;

// By what means. None of it changes the result by a bit.
struct Effort {
  int threads = 0;                    // 0: as many as the machine has
  std::size_t chunk_bytes = 1 << 20;  // of one read; rounded down to whole elements, never less than one
  std::function<void(std::uint64_t bytes)> progress;  // called from any thread with bytes just read; may be empty
  bool checksums = false;                             // find out what was counted: StepSummary::sources
  TensorCounter count_tensor;  // in place of the processor's threads (a GPU), one call at a time; may be empty
};

// Who wants to see evidence while it is there: nothing of it is held longer than the call. Any may be empty.
struct Watch {
  // The full evidence of each tensor, from any thread and in any order; every tensor then gets a table of its own.
  std::function<void(TensorRef tensor, const Evidence& evidence)> tensor;
  // A step that is complete, in the order of the series. What is moved out of it is not held any longer.
  std::function<Result<Done>(StepSummary& step)> step;
};

// The error, if any, is a fault of the question, that of the first faulty tensor in series order, or that a file
// changed while it was read.
Result<Summary> summarize(const StepSeries& series, const Keep& keep, const Effort& effort = {},
                          const Watch& watch = {});

}  // namespace lowp
