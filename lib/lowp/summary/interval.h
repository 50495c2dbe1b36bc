// SPDX-License-Identifier: Apache-2.0
// A count that is known exactly or between two bounds.
#pragma once

#include <cstdint>

namespace lowp {

struct Interval {
  std::uint64_t least = 0, most = 0;

  static constexpr Interval exactly(std::uint64_t count) { return {count, count}; }
  constexpr bool exact() const { return least == most; }
  constexpr Interval& operator+=(Interval other) {
    least += other.least;
    most += other.most;
    return *this;
  }
  friend constexpr Interval operator+(Interval a, Interval b) { return a += b; }
  // What remains of a when b, a part of it, is taken away; never below zero.
  friend constexpr Interval operator-(Interval a, Interval b) {
    return {a.least > b.most ? a.least - b.most : 0, a.most > b.least ? a.most - b.least : 0};
  }
  friend constexpr bool operator==(Interval, Interval) = default;
  friend constexpr bool operator==(Interval a, std::uint64_t count) { return a == exactly(count); }
};

}  // namespace lowp
