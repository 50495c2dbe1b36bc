// SPDX-License-Identifier: Apache-2.0
// Axes with round numbers.
#pragma once

#include <vector>

namespace lowp {

// Where an axis begins and ends, and the values that get a tick (within the ends, ascending).
struct Scale {
  double low = 0, high = 1;
  std::vector<double> ticks;
};

// From 0 to 1, 2 or 5 times a power of ten, the least that is not below `largest` (0..1, at least 1e-6); 1 when largest
// is 0 or above `zoom_below`. Ticks at quarters or fifths, 0 and the end included.
Scale share_scale(double largest, double zoom_below);
// From `first` to `last` (equal: half a unit on both sides) with at most `max_ticks` ticks at multiples of a power
// of 2.
Scale exponent_scale(double first, double last, int max_ticks);
// From `first` to `last` (equal: half a unit on both sides) with at most `max_ticks` ticks at whole multiples of 1, 2 or
// 5 times a power of ten.
Scale step_scale(double first, double last, int max_ticks);
// Round ends and steps around [smallest, largest], always containing 0; five or six ticks at most.
Scale value_scale(double smallest, double largest);
// In powers of ten: whole decades around [smallest, largest] (positive) with at most `max_ticks` ticks; where that would
// be two decades or less, the nearest 1, 2 or 5 times a power of ten, and ticks at them.
Scale decade_scale(double smallest, double largest, int max_ticks);

}  // namespace lowp
