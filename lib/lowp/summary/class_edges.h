// SPDX-License-Identifier: Apache-2.0
// Classes as stretches of the line of magnitudes: rounding keeps the order, so three edges tell all of them apart.
#pragma once

#include "lowp/core/exact.h"
#include "lowp/summary/outcome.h"

namespace lowp {

// "Below": magnitudes less than `at`, or equal to it where it is inclusive. `at` is zero or positive and finite; a
// sticky one lies between two numbers, so that `inclusive` says nothing.
struct Threshold {
  Exact at;
  bool inclusive = false;

  friend constexpr bool operator==(const Threshold&, const Threshold&) = default;
};

// Elements of one sign below each edge are flushed, no larger than subnormal, no larger than the largest number.
struct ClassEdges {
  Threshold flushed, subnormal, finite;
  ElementClass beyond = ElementClass::overflowed;  // what those above the last edge become
};

// Whether an element's sign has a say in its class: in directed modes.
bool looks_at_sign(Rounding mode);

// Scaled values of one sign below this are flushed.
Threshold flush_edge(const Target& target, bool negative);

// The edges of scaled values y. Found with core's rounding: the side of each half, and of each number, is asked of it.
ClassEdges edges_of(const Target& target, bool negative);

// The class of finite non-zero y, already scaled.
ElementClass class_of(const Target& target, Exact y);

// What becomes of elements of this sign beyond the largest number.
ElementClass class_beyond(const Target& target, bool negative);

// The largest scale_log2 at which magnitude x (finite, not zero) neither overflows nor saturates.
int largest_safe_scale_log2(const Target& target, Exact x);

}  // namespace lowp
