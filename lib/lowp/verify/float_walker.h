// SPDX-License-Identifier: Apache-2.0
// All finite positive numbers of a source format in ascending order, cut where their place in a target changes.
#pragma once

#include <cstdint>
#include <vector>

#include "lowp/verify/oracle.h"

namespace lowp::oracle {

// Source magnitudes first, first + 1, ..., up to the next segment's first, lie at one place of the target.
struct Segment {
  std::uint64_t first;
  Place place;
};

// Segments from source magnitude 1 to the largest; a last one at the largest + 1 closes the list. The cuts are found
// exactly, once per target: every mode and overflow rule reads the same list.
std::vector<Segment> segments(const Grid& source, const Grid& target);

}  // namespace lowp::oracle
