// SPDX-License-Identifier: Apache-2.0
// The audit of a dump: every tensor read once, every question answered from the tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lowp/summary/binade_counts.h"
#include "lowp/summary/sweep.h"
#include "lowp/tensor/step_series.h"

namespace lowp {

enum class Scope : std::uint8_t { total, tensor, step };

// Adds all elements of a tensor's source to an empty table, as count() of the table would.
using TensorCounter = std::function<Result<Done>(const TensorView& view, BinadeTable& table)>;

struct AuditOptions {
  std::vector<Target> targets;  // one rounding mode for all
  ScaleRange scales;
  Scope by = Scope::total;            // `total` is always reported; the others come on top
  bool counts_only = false;           // no errors and no number of exact results, for a cheaper pass
  std::size_t chunk_bytes = 1 << 20;  // of one read; rounded down to whole elements, never less than one
  int threads = 0;                    // 0: as many as the machine has
  std::function<void(std::uint64_t bytes)> progress;  // called from any thread with bytes just read; may be empty
  TensorCounter count_tensor;  // in place of the processor's threads (a GPU), one call at a time; may be empty
};

struct TensorAudit {
  std::size_t input = 0;   // index into StepSeries::inputs
  std::size_t tensor = 0;  // index into its tensors
  TensorCounts counts;     // as dumped
};

// Outcomes of one table: for each target, one outcome per scale.
using Outcomes = std::vector<std::vector<Outcome>>;

struct ScopedOutcomes {
  Scope scope = Scope::total;
  std::size_t input = 0;   // for tensor and step
  std::size_t tensor = 0;  // for tensor
  Outcomes outcomes;
};

struct AuditResult {
  std::vector<TensorAudit> tensors;  // in the order of the series
  Outcomes total;
  std::vector<ScopedOutcomes> scoped;  // tensors or steps in the order of the series; empty for Scope::total
};

// Reads every tensor once. The result is bit-identical for any number of threads and any chunk size. The error, if
// any, is that of the first faulty tensor in series order.
Result<AuditResult> run_audit(const StepSeries& series, const AuditOptions& options);

}  // namespace lowp
