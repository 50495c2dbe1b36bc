// SPDX-License-Identifier: Apache-2.0
// Where a format's numbers become sparse and where they end.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lowp/core/format.h"

namespace lowp {

// Fraction bits that survive in a binade: all of them, or fewer below the smallest normal; may be negative.
constexpr int kept_fraction_bits(Format f, int binade) {
  return fraction_bits(f) - std::max(0, min_exponent(f) - binade);
}

// How far below the end of its binade the largest number is, in units of its last place.
constexpr std::uint64_t distance_of_max(Format f) {
  const int q = kept_fraction_bits(f, max_exponent(f));
  return (std::uint64_t{2} << q) - ordinal_significand(f, max_finite_ordinal(f));
}

// Whether a result `distance` units of q fraction bits below the end of the largest binade lies beyond the largest
// number.
constexpr bool passes_max(Format f, int q, std::uint64_t distance) {
  return distance << (kept_fraction_bits(f, max_exponent(f)) - q) < distance_of_max(f);
}

// Width to look up for a scaled binade; table_fraction_bits and more lose nothing.
constexpr int lookup_width(Format f, int binade, int table_fraction_bits) {
  return std::min(kept_fraction_bits(f, binade), table_fraction_bits);
}

// Whether a table that keeps every bit of a scaled binade need not be asked: nothing is rounded, nothing passes the
// max.
constexpr bool is_exact(Format f, int binade, int table_fraction_bits) {
  const int q = lookup_width(f, binade, table_fraction_bits);
  return q == table_fraction_bits && !(binade == max_exponent(f) && passes_max(f, q, 1));
}

// Whether rounding a scaled binade to `f` asks a table for a width beyond its leaves.
constexpr bool asks_wide(Format f, int binade, int table_fraction_bits, int resolved_bits) {
  return binade <= max_exponent(f) && lookup_width(f, binade, table_fraction_bits) >= resolved_bits &&
         !is_exact(f, binade, table_fraction_bits);
}

}  // namespace lowp
