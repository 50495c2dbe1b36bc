// SPDX-License-Identifier: Apache-2.0
// Evidence from elsewhere: a histogram that somebody logged, or nothing but the extremes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lowp/core/exact.h"
#include "lowp/summary/interval.h"

namespace lowp {

// `count` finite elements from `low` to `high`, either end included. Finite, low <= high.
struct Bin {
  double low = 0, high = 0;
  std::uint64_t count = 0;

  friend bool operator==(const Bin&, const Bin&) = default;
};

// Elements are divided by the dump's loss scale. Zeros cannot be told from other elements of a bin that holds zero.
struct Bins {
  std::vector<Bin> bins;  // by rising low, then high; in any other way they may overlap
  std::uint64_t nan_in = 0, inf_in = 0;
  std::optional<Exact> max_abs;          // exact largest magnitude, zero if there are but zeros; where it is known
  std::optional<Exact> min_nonzero_abs;  // likewise

  std::uint64_t elements() const;
  Interval zero_in() const;
  Exact largest_at_most() const;  // max_abs, else the outermost end
  friend bool operator==(const Bins&, const Bins&) = default;
};
Bins merged(const Bins& a, const Bins& b);

// The largest magnitude of so many elements; `has_inf`, `has_nan` where they were seen.
struct Peak {
  std::uint64_t elements = 0;  // 0: unknown
  Exact max_abs;
  std::optional<Exact> min_nonzero_abs;
  bool has_inf = false, has_nan = false;

  friend bool operator==(const Peak&, const Peak&) = default;
};
Peak merged(const Peak& a, const Peak& b);

}  // namespace lowp
