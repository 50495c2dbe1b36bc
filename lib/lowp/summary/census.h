// SPDX-License-Identifier: Apache-2.0
// What is known of every tensor, however little evidence is kept.
#pragma once

#include <bit>
#include <cstdint>

#include "lowp/core/exact.h"

namespace lowp {

// Extremes are of finite elements, zero where there is none but zeros. They are in lowest terms (odd significands), so
// that equal numbers are equal values.
struct Census {
  std::uint64_t elements = 0, zero_in = 0, nan_in = 0, inf_in = 0;
  Exact max_abs, min_nonzero_abs;

  constexpr std::uint64_t nonzero() const { return elements - zero_in - nan_in - inf_in; }
  friend constexpr bool operator==(const Census&, const Census&) = default;
};

// The magnitude of zero or finite x with an odd significand.
constexpr Exact lowest_terms(Exact x) {
  if (x.kind != Kind::finite) return exact_special(Kind::zero, false);
  const int zeros = std::countr_zero(x.significand);
  return exact_finite(false, x.significand >> zeros, x.exponent + zeros);
}

// Adds what another part of the same elements holds.
constexpr void add(Census& to, const Census& from) {
  to.elements += from.elements;
  to.zero_in += from.zero_in;
  to.nan_in += from.nan_in;
  to.inf_in += from.inf_in;
  if (magnitude_less(to.max_abs, from.max_abs)) to.max_abs = from.max_abs;
  if (from.min_nonzero_abs.kind == Kind::finite &&
      (to.min_nonzero_abs.kind == Kind::zero || magnitude_less(from.min_nonzero_abs, to.min_nonzero_abs))) {
    to.min_nonzero_abs = from.min_nonzero_abs;
  }
}

}  // namespace lowp
