// SPDX-License-Identifier: Apache-2.0
// How many elements lie below a magnitude: the one question behind every class count, answered by any evidence.
#pragma once

#include <cstdint>

#include "lowp/summary/class_edges.h"
#include "lowp/summary/cut_counter.h"
#include "lowp/summary/tensor_counts.h"

namespace lowp {

enum class Signs : std::uint8_t { both, negative, positive };

// Finite non-zero elements with these signs below a threshold. Exact where the threshold is a place that the evidence
// tells apart, else the narrowest interval that it allows. Elements, thresholds: divided by the dump's loss scale.
Interval below(const TensorCounts& counts, Threshold threshold, Signs signs);
Interval below(const CutCounts& counts, Threshold threshold, Signs signs);
Interval below(const BinadeTable& table, Threshold threshold, Signs signs);

// How many of the elements `target` flushes to zero at a scale: exact, since below the smallest number only the side of
// its half matters, and of a binade only the powers of two can lie on it.
std::uint64_t flushed_at(const TensorCounts& counts, const Target& target, int scale_log2);

}  // namespace lowp
