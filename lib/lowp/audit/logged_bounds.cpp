// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/logged_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowp {
namespace {

// Where the values of a bin can lie: low <= x < high, or <= high where it is closed.
struct Stretch {
  double low, high;
  bool closed;
};

Stretch stretch_of(const LoggedHistogram& h, std::size_t bin) {
  Stretch s{h.edges[bin] - h.slack, h.edges[bin + 1] + h.slack, h.slack > 0 || bin + 1 == h.counts.size()};
  // Bins of no width hold what equals their edge.
  if (h.edges[bin] == h.edges[bin + 1]) s.closed = true;
  if (h.min) s.low = std::max(s.low, *h.min);
  if (h.max && *h.max < s.high) s = {s.low, *h.max, true};
  return s;
}

// A threshold as float64, which holds those of every format and scale that histograms are asked for.
struct End {
  double at;
  bool inclusive;
};

End end_of(Threshold threshold) {
  if (threshold.at.kind == Kind::zero) return {0, true};
  const double at = std::ldexp(static_cast<double>(threshold.at.significand), threshold.at.exponent);
  return {at, threshold.inclusive || threshold.at.sticky};
}

}  // namespace

Interval count_below(const LoggedHistogram& h, Threshold negative, Threshold positive) {
  const End left = end_of(negative), right = end_of(positive);
  Interval count;
  for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
    if (h.counts[bin] == 0) continue;
    const Stretch s = stretch_of(h, bin);
    const bool begins_inside = left.inclusive ? s.low >= -left.at : s.low > -left.at;
    const bool ends_inside = right.inclusive || !s.closed ? s.high <= right.at : s.high < right.at;
    const bool begins_before_end = right.inclusive ? s.low <= right.at : s.low < right.at;
    const bool ends_after_begin = left.inclusive && s.closed ? s.high >= -left.at : s.high > -left.at;
    count += Interval{begins_inside && ends_inside ? h.counts[bin] : 0,
                      begins_before_end && ends_after_begin ? h.counts[bin] : 0};
  }
  return count;
}

std::optional<LoggedPeak> peak_of(const LoggedHistogram& h) {
  if (h.min && h.max) return LoggedPeak{std::max(std::fabs(*h.min), std::fabs(*h.max)), true};
  double most = 0;
  for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
    if (h.counts[bin] == 0) continue;
    const Stretch s = stretch_of(h, bin);
    most = std::max({most, std::fabs(s.low), std::fabs(s.high)});
  }
  // Values beyond the outer edges may have been dropped; an edge at the end of the range says nothing.
  if (h.dropped > 0 || !(most < std::numeric_limits<double>::max())) return {};
  return LoggedPeak{most, false};
}

}  // namespace lowp
