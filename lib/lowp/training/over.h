// SPDX-License-Identifier: Apache-2.0
// The same tensors of several dumps added element by element, as micro-batches or ranks are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lowp/accumulate/error_statistics.h"
#include "lowp/accumulate/sums.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

struct OverOptions {
  std::vector<Accumulator> accumulators;
  std::vector<const SumModel*> models;
  std::optional<Accumulator> terms;  // contributions are rounded to this format first; always to the accumulator's
  std::size_t block = 4;
  double predivide = 1;               // every contribution is divided by it, rounded, before it is added
  int scale_low = 0, scale_high = 0;  // log2 of the factor on every contribution
  int threads = 0;
};

// What one order in one accumulator did to all elements, for the first `terms` contributions each.
struct OverOutcome {
  std::size_t accumulator = 0, model = 0;  // indices into the options
  int scale_log2 = 0;
  std::size_t terms = 0;
  std::uint64_t elements = 0;       // with finite contributions only
  std::uint64_t contributions = 0;  // that are not zero
  std::uint64_t flushed = 0;        // of them, rounded to zero before they were added
  std::uint64_t absorbed = 0;       // additions that changed nothing; no meaning for compensated orders
  std::uint64_t stopped = 0;        // elements whose sum stood still in the second half of the contributions; sequential only
  std::uint64_t overflowed = 0;     // results that are Inf or NaN though the exact sum is within the format
  std::uint64_t beyond = 0;         // and those whose exact sum is not
  ErrorStatistics error;            // of finite results, scale and division undone
};

struct OverResult {
  std::size_t inputs = 0;
  std::uint64_t tensors = 0, elements = 0;
  std::uint64_t nonfinite = 0;        // elements left out because a contribution is NaN or Inf
  std::vector<std::string> left_out;  // names that are not in every dump with one shape
  std::vector<OverOutcome> outcomes;
};

// Every combination of options for 2, 4, 8, ... and all contributions. The same on any number of threads. At least two
// inputs; no tensor in common is an Error.
Result<OverResult> sum_over(const StepSeries& series, const OverOptions& options);

}  // namespace lowp::training
