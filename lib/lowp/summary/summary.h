// SPDX-License-Identifier: Apache-2.0
// What a pass over a dump leaves: a plain value that owns all it says and refers to no file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/summary/evidence.h"

namespace lowp {

// One tensor of one step.
struct TensorSummary {
  std::string name;
  const Dtype* dtype = nullptr;  // a row of dtype_table
  std::vector<std::uint64_t> shape;
  Evidence evidence;  // of its elements divided by the step's dump scale

  friend bool operator==(const TensorSummary&, const TensorSummary&) = default;
};

// One step of a run: a file, or an index with its shards.
struct StepSummary {
  std::string path;    // as the user gave it
  std::string reader;  // "safetensors"
  std::optional<std::int64_t> step;
  std::uint64_t bytes = 0;
  int dump_scale_log2 = 0;  // the loss scale that its elements had and that was taken off
  std::optional<std::string> loss_dtype;  // of the loss, where the file says so
  std::vector<std::string> notes;         // printable lines
  std::vector<TensorSummary> tensors;     // in file order
  std::optional<Evidence> total;          // of all its elements, where it was kept

  friend bool operator==(const StepSummary&, const StepSummary&) = default;
};

struct Summary {
  std::vector<StepSummary> steps;
  std::optional<Evidence> total;  // of all elements, where it was kept

  friend bool operator==(const Summary&, const Summary&) = default;
};

// Where a tensor stands in a summary.
struct TensorRef {
  std::size_t step = 0;
  std::size_t tensor = 0;

  friend bool operator==(const TensorRef&, const TensorRef&) = default;
};

// Calls visit(ref, step, tensor) for every tensor, in order.
template <class Visit>
void for_each_tensor(const Summary& summary, Visit visit) {
  for (std::size_t s = 0; s < summary.steps.size(); ++s) {
    for (std::size_t t = 0; t < summary.steps[s].tensors.size(); ++t) {
      visit(TensorRef{s, t}, summary.steps[s], summary.steps[s].tensors[t]);
    }
  }
}

}  // namespace lowp
