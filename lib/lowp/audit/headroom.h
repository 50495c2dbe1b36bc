// SPDX-License-Identifier: Apache-2.0
// How much the largest gradient rises over the steps of a dump, and how many binades a static scale keeps free for it.
#pragma once

#include <cstddef>

#include "lowp/audit/policy.h"
#include "lowp/audit/advice_subjects.h"

namespace lowp {

struct Drift {
  std::size_t steps = 0;         // with a finite gradient that is not zero
  bool consecutive = false;      // their numbers are known and follow each other
  double largest_rise_log2 = 0;  // of a new largest value over all earlier ones that still stands at the end
};

// Largest values are compared over tensors that earlier steps have too, so that a tensor that appears late is no rise;
// a largest value that later steps fall below by more than a binade is a spike that is over. Tensors are those
// that a loss scale scales.
Drift drift_of(const Subjects& subjects);

// min_headroom, or what a further rise of the same size and a binade would want; at most max_headroom.
int headroom_wanted(const Drift& drift, const Policy& policy);

}  // namespace lowp
