// SPDX-License-Identifier: Apache-2.0
// The operations of a network that low precision hurts most, on given tensors, against exact values.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/accumulate/error_statistics.h"
#include "lowp/report/report.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

// One operation on one row: the last axis, or, for batch statistics, one feature over all rows of the tensor. `run`
// rounds every intermediate with `adder` and appends its results; `exact` does the same in FP64. exp and log are
// correctly rounded up to FP64's own error.
struct Operation {
  std::string_view name;
  std::string_view what;
  void (*run)(Adder& adder, std::span<const double> row, std::vector<double>& out);
  void (*exact)(std::span<const double> row, std::vector<double>& out);
  bool over_batch = false;
};
std::span<const Operation> operations();

struct OperationOutcome {
  std::size_t format = 0, operation = 0;
  bool fp32_inside = false;                                // intermediates in FP32, inputs and results in the format
  std::size_t terms = 0;                                   // only the first so many elements of rows that have them
  std::uint64_t results = 0, not_finite = 0, flushed = 0;  // flushed: 0 though the exact result is not below the format
  ErrorStatistics error;
};
struct OperationsResult {
  std::uint64_t tensors = 0, rows = 0;
  std::vector<OperationOutcome> outcomes;  // whole rows
  std::vector<OperationOutcome> growth;    // the first 2, 4, 8, ... elements, without FP32 inside
};

// At most 4,096 rows (and features) of each tensor, evenly chosen; rows with NaN or Inf are left out. Results are
// compared with exact ones of the inputs already rounded to the format, so that only the operation's own error counts.
Result<OperationsResult> replay_operations(const Input& input, const std::vector<Accumulator>& formats, int threads);

Report operations_report(const StepSeries& series, const std::vector<Accumulator>& formats,
                         const OperationsResult& result);

}  // namespace lowp::training
