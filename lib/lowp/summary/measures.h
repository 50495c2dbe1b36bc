// SPDX-License-Identifier: Apache-2.0
// THE TABLE of what can be said about an outcome: columns of records, conditions of --fail-on, comparisons and the
// attributes of other languages are read from it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lowp/summary/evidence.h"
#include "lowp/summary/outcome.h"

namespace lowp {

// A value, an interval that holds it, or why there is none. Counts are whole numbers.
struct Measured {
  enum class Kind : std::uint8_t { missing, count, number };
  Kind kind = Kind::missing;
  Interval count;              // of a count
  double least = 0, most = 0;  // of a number
  std::string why;             // it is missing

  bool exact() const { return kind == Kind::count ? count.exact() : least == most; }
  std::optional<double> at_least() const;  // nothing where it is missing
  std::optional<double> at_most() const;
};

struct Measure {
  enum class Unit : std::uint8_t { count, share, number, decibels };
  std::string_view name;  // "flushed_of_nonzero"
  std::string_view key;   // of its column: "rates.flushed_of_nonzero"
  std::string_view what;  // one line
  Unit unit = Unit::count;
  Level needs = Level::counts;  // of evidence that knows it exactly for every format with up to ten fraction bits
  bool of_input = false;        // the same in every format and at every scale
  bool is_good = false;         // more of it is better
  Measured (*value)(const Outcome&) = nullptr;
};

std::span<const Measure> measures();  // in the order of columns
const Measure* find_measure(std::string_view name);

}  // namespace lowp
