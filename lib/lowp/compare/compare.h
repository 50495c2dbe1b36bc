// SPDX-License-Identifier: Apache-2.0
// Two dumps: which tensors of them differ, from where on, and by how much.
#pragma once

#include <optional>
#include <vector>

#include "lowp/compare/differences.h"
#include "lowp/compare/step_pairs.h"

namespace lowp::compare {

struct TensorComparison {
  std::size_t step = 0;             // of Comparison::steps
  const TensorView* a = nullptr;    // null where only B has it
  const TensorView* b = nullptr;
  bool compared = false;            // both have it with one shape; else `differences` only says what is missing
  Differences differences = {};

  const std::string& name() const { return a != nullptr ? a->name : b->name; }
};

struct StepComparison {
  InputPair inputs;
  std::size_t begin = 0, end = 0;          // of Comparison::tensors
  std::optional<std::size_t> first;        // the first of them that differs
  std::size_t compared = 0, differing = 0; // tensors
  Differences total = {};
  Squares squares = {};
};

// Refers to both series.
struct Comparison {
  std::vector<StepComparison> steps;
  std::vector<TensorComparison> tensors;  // step by step; in the order of A's file, then those that only B has
  std::optional<std::size_t> first;
  Differences total = {};

  std::size_t compared() const;
  std::size_t differing() const;
};

// An Error where a dump holds summaries in place of elements, no step or no tensor is in both, or reading fails.
Result<Comparison> compare_dumps(const StepSeries& a, const StepSeries& b, const Settings& settings);

}  // namespace lowp::compare
