// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/logged.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/core/dtype.h"
#include "lowp/summary/census.h"
#include "lowp/tensor/view.h"

namespace lowp {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The outermost doubles that a bin can hold. Bins of no width hold what equals their edge.
std::pair<double, double> ends_of(const LoggedHistogram& h, std::size_t bin) {
  double low = h.edges[bin] - h.slack, high = h.edges[bin + 1] + h.slack;
  const bool closed = h.slack > 0 || bin + 1 == h.counts.size() || h.edges[bin] == h.edges[bin + 1];
  if (!closed) high = std::nextafter(high, -infinity);
  if (h.min) low = std::max(low, *h.min);
  if (h.max) high = std::min(high, *h.max);
  constexpr double largest = std::numeric_limits<double>::max();
  low = std::clamp(low, -largest, largest);
  high = std::clamp(high, -largest, largest);
  return std::minmax(low, high);
}

// x * 2^log2, rounded outwards where it is below the range of double.
double unscaled(double x, int log2, double outwards) {
  constexpr double largest = std::numeric_limits<double>::max();
  const double y = std::clamp(std::ldexp(x, log2), -largest, largest), back = std::ldexp(y, -log2);
  const bool holds = outwards > 0 ? back >= x : back <= x;
  return holds ? y : std::nextafter(y, outwards);
}

}  // namespace

std::uint64_t LoggedHistogram::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<std::string> fault_of(const LoggedHistogram& h) {
  if (h.counts.empty()) return "no bins";
  if (h.edges.size() != h.counts.size() + 1) return "edges are not one more than counts";
  if (std::ranges::any_of(h.edges, [](double edge) { return std::isnan(edge); })) return "an edge is NaN";
  if (!std::ranges::is_sorted(h.edges)) return "edges descend";
  std::uint64_t total = h.dropped;
  for (const std::uint64_t count : h.counts) {
    if (count > max_elements || (total += count) > max_elements) return "more values than any tensor has";
  }
  if (total > max_elements) return "more values than any tensor has";
  if (h.min && h.max && !(*h.min <= *h.max)) return "min is above max";
  return {};
}

Bins bins_of(const LoggedHistogram& h, int loss_scale_log2) {
  Bins bins;
  for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
    if (h.counts[bin] == 0) continue;
    const auto [low, high] = ends_of(h, bin);
    bins.bins.push_back({unscaled(low, -loss_scale_log2, -infinity), unscaled(high, -loss_scale_log2, infinity),
                         h.counts[bin]});
  }
  std::ranges::sort(bins.bins, {}, [](const Bin& bin) { return std::pair(bin.low, bin.high); });
  if (h.min && h.max) {
    const double most = std::max(std::fabs(*h.min), std::fabs(*h.max));
    const Exact exact = decode(find_dtype("f64")->format, std::bit_cast<std::uint64_t>(most));
    if (std::isfinite(most)) bins.max_abs = lowest_terms(scaled(exact, -loss_scale_log2));
  }
  return bins;
}

std::optional<LoggedPeak> peak_of(const LoggedHistogram& h) {
  if (h.min && h.max) return LoggedPeak{std::max(std::fabs(*h.min), std::fabs(*h.max)), true};
  double most = 0;
  for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
    if (h.counts[bin] == 0) continue;
    const auto [low, high] = ends_of(h, bin);
    most = std::max({most, std::fabs(low), std::fabs(high)});
  }
  // Values beyond the outer edges may have been dropped; an edge at the end of the range says nothing.
  if (h.dropped > 0 || !(most < std::nextafter(std::numeric_limits<double>::max(), 0))) return {};
  return LoggedPeak{most, false};
}

std::optional<std::vector<std::uint64_t>> whole_counts(std::span<const double> counts) {
  std::vector<std::uint64_t> whole;
  whole.reserve(counts.size());
  for (const double count : counts) {
    if (!(count >= 0 && count <= 9007199254740992.0) || count != std::floor(count)) return {};
    whole.push_back(static_cast<std::uint64_t>(count));
  }
  return whole;
}

double float32_slack(std::span<const double> edges, int units) {
  double largest = 0;
  for (const double edge : edges) {
    if (std::isfinite(edge)) largest = std::max(largest, std::fabs(edge));
  }
  if (largest == 0) return 0;
  return std::ldexp(units, std::max(std::ilogb(largest), -126) - 23);
}

}  // namespace lowp
