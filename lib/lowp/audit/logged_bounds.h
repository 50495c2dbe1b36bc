// SPDX-License-Identifier: Apache-2.0
// What a histogram says about counts below a magnitude: bounds, since a bin is all that is known of a value.
#pragma once

#include <optional>

#include "lowp/summary/class_edges.h"
#include "lowp/summary/interval.h"
#include "lowp/tensor/logged.h"

namespace lowp {

// How many of the binned values lie below: negative ones below one threshold, the others, zeros among them, below the
// other one. The truth lies inside.
Interval count_below(const LoggedHistogram& histogram, Threshold negative, Threshold positive);

// The largest |x|, at most `most`; exactly that where `exact`. Nothing where it is not known at all.
struct LoggedPeak {
  double most = 0;
  bool exact = false;
};
std::optional<LoggedPeak> peak_of(const LoggedHistogram& histogram);

}  // namespace lowp
