// SPDX-License-Identifier: Apache-2.0
// How many elements lie below a magnitude: the one question behind every class count, answered by any evidence.
#pragma once

#include <cstdint>

#include "lowp/summary/class_edges.h"
#include "lowp/summary/evidence.h"

namespace lowp {

enum class Signs : std::uint8_t { both, negative, positive };

// Nothing and everything are below these.
inline constexpr Threshold below_none{};
inline constexpr Threshold above_all{exact_finite(false, 1, 1 << 20), false};

// Finite non-zero elements with these signs below a threshold. Exact where the threshold is a place that the evidence
// tells apart, else the narrowest interval that it allows. Elements, thresholds: divided by the dump's loss scale.
Interval below(const Evidence& evidence, Threshold threshold, Signs signs);
Interval below(const Peak& peak, Threshold threshold, Signs signs);
Interval below(const Bins& bins, Threshold threshold, Signs signs);
Interval below(const TensorCounts& counts, Threshold threshold, Signs signs);
Interval below(const CutCounts& counts, Threshold threshold, Signs signs);
Interval below(const CountedRows& counts, Threshold threshold, Signs signs);
Interval below(const BinadeCounts& counts, Threshold threshold, Signs signs);
Interval below(const RoundingErrors& errors, Threshold threshold, Signs signs);
Interval below(const BinadeTable& table, Threshold threshold, Signs signs);

// Finite non-zero elements with these signs that are below `to` but not below `from`.
Interval between(const Evidence& evidence, Threshold from, Threshold to, Signs signs);

// Whether evidence tells negative elements from positive ones.
bool has_signs(const Evidence& evidence);

// Zeros and what lies below together, negative elements below one threshold and the others below the other one: sharper
// than their sum where the two cannot be told apart.
Interval zero_or_below(const Bins& bins, Threshold negative, Threshold positive);

// How many of the elements `target` flushes to zero at a scale: exact, since below the smallest number only the side of
// its half matters, and of a binade only the powers of two can lie on it.
std::uint64_t flushed_at(const TensorCounts& counts, const Target& target, int scale_log2);
// The same of any evidence: an interval where it cannot tell.
Interval flushed_at(const Evidence& evidence, const Target& target, int scale_log2);
// With the zeros that were there before. Differences between scales are of what is flushed alone, and of bins sharper.
Interval zero_or_flushed_at(const Evidence& evidence, const Target& target, int scale_log2);

}  // namespace lowp
