// SPDX-License-Identifier: Apache-2.0
// What a histogram says about counts below a magnitude: bounds, since a bin is all that is known of a value.
#pragma once

#include <optional>

#include "lowp/summary/interval.h"
#include "lowp/tensor/logged.h"

namespace lowp {

// How many of the binned values have |x| < threshold, or <= where it is inclusive; zeros count. The truth lies inside.
Interval count_below(const LoggedHistogram& histogram, double threshold, bool inclusive);

// The largest |x|, at most `most`; exactly that where `exact`. Nothing where it is not known at all.
struct Peak {
  double most = 0;
  bool exact = false;
};
std::optional<Peak> peak_of(const LoggedHistogram& histogram);

}  // namespace lowp
