// SPDX-License-Identifier: Apache-2.0
// What a run has logged of its tensors: histograms, and numbers such as the loss scale.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/bins.h"

namespace lowp {

// Counts of a tensor's values between edges: bin i holds edges[i] <= x < edges[i + 1], the last bin its end as well.
// `dropped` more values of the tensor are in no bin (NaN, Inf, out of range). `slack`: how far a value may lie outside
// of its bin, where the writer's own arithmetic put it there.
struct LoggedHistogram {
  std::string name;
  std::optional<std::int64_t> step;
  std::vector<double> edges;          // not descending, one more than counts
  std::vector<std::uint64_t> counts;  // at least one
  std::uint64_t dropped = 0;
  std::optional<double> min, max;  // of the tensor, exactly; nothing where unknown
  double slack = 0;

  std::uint64_t total() const;  // of counts
};

struct LoggedScalar {
  std::string name;
  std::int64_t step = 0;
  double value = 0;
};

struct LoggedRun {
  std::vector<LoggedHistogram> histograms;  // in file order
  std::vector<LoggedScalar> scalars;
  std::vector<std::string> notes;  // what was left out and why; printable lines
};

// Why `histogram` breaks its contract; nothing if it keeps it. Sizes, order of edges, NaN, min above max, too many
// values.
std::optional<std::string> fault_of(const LoggedHistogram& histogram);

// The same values as evidence, divided by the loss scale that they had. The ends of a bin are the outermost doubles that
// it can hold. What is in no bin is left out.
Bins bins_of(const LoggedHistogram& histogram, int loss_scale_log2);

// The largest |x|, at most `most`; exactly that where `exact`. Nothing where it is not known at all.
struct LoggedPeak {
  double most = 0;
  bool exact = false;
};
std::optional<LoggedPeak> peak_of(const LoggedHistogram& histogram);

// Whole counts from what a file holds as floating point; nothing if one is negative, not whole or above 2^53.
std::optional<std::vector<std::uint64_t>> whole_counts(std::span<const double> counts);

// A number of float32 units in the last place of the largest of these.
double float32_slack(std::span<const double> edges, int units);

}  // namespace lowp
