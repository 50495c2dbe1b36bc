// SPDX-License-Identifier: Apache-2.0
// The audit of what a run has logged: histograms as evidence, bounds in place of counts, and the advice of every audit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/audit/recommend.h"
#include "lowp/summary/interval.h"
#include "lowp/summary/question.h"
#include "lowp/tensor/logged_series.h"

namespace lowp {

// Of all binned values, which include the zeros.
struct LoggedOutcome {
  int scale_log2 = 0;
  Interval zero_or_flushed;  // zero before or after
  Interval beyond;           // above the largest number: saturated or overflowed
};

// The largest scale at which nothing goes beyond the largest number; it is that scale, not only a safe one, if `exact`.
struct SafeScale {
  int scale_log2 = 0;
  bool exact = false;
};

struct LoggedFormat {
  std::vector<LoggedOutcome> sweep;  // one per scale of the question
  std::optional<SafeScale> safe;     // over all steps; nothing where some largest value is unknown or all are zero
  std::string limiting;              // the tensor that sets it
};

struct LoggedStep {
  std::optional<std::int64_t> step;
  std::uint64_t histograms = 0, values = 0, dropped = 0;
  std::optional<double> largest;  // at most; nothing where unknown
  bool largest_exact = false;
};

struct LoggedAudit {
  std::uint64_t histograms = 0, values = 0;  // in bins
  std::uint64_t dropped = 0;                 // in none: NaN, Inf, out of range
  std::uint64_t unknown_peaks = 0;           // histograms whose largest value is not known
  std::vector<LoggedStep> steps;             // ascending
  std::vector<LoggedFormat> formats;         // of the question
  std::vector<Recommendation> recommendations;  // of the question; none where a largest value is not known
  std::vector<std::string> caveats;
};

// Logged values are divided by the loss scale that they had.
LoggedAudit audit_logged(std::span<const LoggedInput> inputs, const Question& question, const Policy& policy,
                         int dump_scale_log2);

}  // namespace lowp
