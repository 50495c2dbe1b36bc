// SPDX-License-Identifier: Apache-2.0
// What a pass over a dump leaves: a plain value that owns all it says and refers to no file.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/summary/evidence.h"

namespace lowp {

// Which elements of a tensor: all, or those that one of several readers saw. Evidence of different parts adds up.
struct Part {
  enum class Kind : std::uint8_t { whole, part, rank };
  Kind kind = Kind::whole;
  std::uint32_t index = 0;  // of a part from 1 on, of a rank from 0 on
  std::uint32_t count = 1;

  std::string text() const;  // "whole", "part 2 of 4", "rank 0 of 8"
  friend auto operator<=>(const Part&, const Part&) = default;
};

// One tensor of one step.
struct TensorSummary {
  std::string name;
  const Dtype* dtype = nullptr;  // a row of dtype_table
  std::vector<std::uint64_t> shape;
  Evidence evidence;  // of its elements divided by the step's dump scale
  Part part = {};
  std::vector<std::uint32_t> digests = {};  // of a whole that was added up: of each of its parts, in order

  friend bool operator==(const TensorSummary&, const TensorSummary&) = default;
};

// What was counted. No path and no time: the same elements give the same bytes wherever they lie.
struct SourceStamp {
  std::string name;  // of the file, without its directory
  std::uint64_t bytes = 0;
  std::uint32_t crc32c = 0;  // of the element bytes that were counted, in order

  friend auto operator<=>(const SourceStamp&, const SourceStamp&) = default;
};

// One step of a run: a file, or an index with its shards.
struct StepSummary {
  std::string path;    // as the user gave it
  std::string dump;    // name of the dump without its directory: what tells steps without a number apart
  std::string reader;  // "safetensors"
  std::optional<std::int64_t> step;
  std::uint64_t bytes = 0;
  int dump_scale_log2 = 0;                // the loss scale that its elements had and that was taken off
  std::optional<std::string> loss_dtype;  // of the loss, where the file says so
  std::vector<std::string> notes;         // printable lines
  std::vector<TensorSummary> tensors;     // in file order
  std::optional<Evidence> total;          // of all its elements, where it was kept
  std::vector<SourceStamp> sources = {};  // sorted; where they were taken

  friend bool operator==(const StepSummary&, const StepSummary&) = default;
};

// Whether elements of the step were counted, and not only its largest magnitudes written down.
bool counts_elements(const StepSummary& step);

struct Summary {
  std::vector<StepSummary> steps;
  std::optional<Evidence> total;  // of all elements, where it was kept

  friend bool operator==(const Summary&, const Summary&) = default;
};

// A step of both, which are of one step. Entries are (tensor, part): different parts stand side by side until all are
// there and then become the whole, the same entry twice is there once. An Error where one entry has two contents, or
// where the steps differ. Associative, commutative and idempotent; entries and sources come out sorted.
Result<StepSummary> merged(const StepSummary& a, const StepSummary& b);
// The same step with sorted entries, complete sets of parts added up.
Result<StepSummary> canonical(StepSummary step);

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
