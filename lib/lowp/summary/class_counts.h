// SPDX-License-Identifier: Apache-2.0
// Classes as differences of what lies below three edges, from any evidence.
#pragma once

#include "lowp/summary/evidence.h"
#include "lowp/summary/outcome.h"

namespace lowp {

// At the scale 2^scale_log2. `rows`: those of the evidence where they are at hand, else nothing.
ClassCounts classes_of(const Evidence& evidence, const CountedRows* rows, const Target& target, int scale_log2);
// At any positive finite scale.
ClassCounts classes_of(const Evidence& evidence, const CountedRows* rows, const Target& target, double scale);

// Results that equal their element.
Interval exact_of(const CountedRows& counts, const Target& target, int scale_log2);

}  // namespace lowp
