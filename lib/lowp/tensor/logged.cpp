// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/logged.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lowp/tensor/view.h"

namespace lowp {

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
