// SPDX-License-Identifier: Apache-2.0
// THE TABLE of what can be said about the differences of two tensors, or of several together: columns of records and
// conditions of --fail-on are read from it.
#pragma once

#include <span>
#include <string_view>

#include "lowp/compare/differences.h"
#include "lowp/summary/measures.h"

namespace lowp::compare {

struct DifferenceMeasure {
  std::string_view name;  // "ulps_p99"
  std::string_view key;   // of its column: "ulps.p99"
  std::string_view what;  // one line
  Measure::Unit unit = Measure::Unit::count;
  Measured (*value)(const Differences&) = nullptr;
};

std::span<const DifferenceMeasure> difference_measures();  // in the order of columns

}  // namespace lowp::compare
