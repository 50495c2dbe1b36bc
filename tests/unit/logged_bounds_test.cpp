// SPDX-License-Identifier: Apache-2.0
// Bounds from bins against the values themselves: the truth is inside for any values, any bins and any threshold.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lowp/core/formats.h"
#include "lowp/summary/below.h"
#include "lowp/tensor/logged.h"

namespace {

using namespace lowp;

Threshold threshold(double at, bool inclusive) {
  if (at == 0) return {exact_special(Kind::zero, false), inclusive};
  int exponent = 0;
  const double fraction = std::frexp(at, &exponent);
  return {exact_finite(false, static_cast<std::uint64_t>(std::ldexp(fraction, 53)), exponent - 53), inclusive};
}

// np.histogram: half-open bins, the last one closed.
LoggedHistogram binned(const std::vector<double>& values, std::vector<double> edges) {
  LoggedHistogram h;
  h.counts.assign(edges.size() - 1, 0);
  for (const double x : values) {
    if (!(x >= edges.front() && x <= edges.back())) {
      ++h.dropped;
      continue;
    }
    const auto above = std::ranges::upper_bound(edges, x);
    const auto bin = std::min(static_cast<std::size_t>(above - edges.begin()), edges.size() - 1) - 1;
    ++h.counts[bin];
  }
  h.edges = std::move(edges);
  return h;
}

Interval count(const LoggedHistogram& h, double negative, double positive, bool inclusive) {
  return zero_or_below(bins_of(h, 0), threshold(negative, inclusive), threshold(positive, inclusive));
}

}  // namespace

TEST_CASE("bounds hold the truth: values on edges, zeros, one-sided, extremes known or not") {
  std::mt19937 random(7);
  const auto draw = [&] {
    return std::ldexp(static_cast<double>(random() % 16) / 8 - 1, static_cast<int>(random() % 6));
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> values(1 + random() % 20), edges(2 + random() % 6);
    for (double& x : values) x = draw();
    for (double& e : edges) e = draw();
    std::ranges::sort(edges);
    LoggedHistogram h = binned(values, edges);
    if (h.total() == 0) continue;
    std::erase_if(values, [&](double x) { return !(x >= edges.front() && x <= edges.back()); });
    if (random() % 2 == 0) {
      h.min = *std::ranges::min_element(values);
      h.max = *std::ranges::max_element(values);
    }
    REQUIRE(!fault_of(h));
    for (const double negative : {0.0, 0.25, 1.0, 5.0}) {
      for (const double positive : {0.0, 0.5, 2.0, 40.0}) {
        for (const bool inclusive : {false, true}) {
          // At 0 only the zeros are below: they count whatever the rule.
          const auto below = [&](double x) {
            const double end = x < 0 ? negative : positive;
            return x == 0 || std::fabs(x) < end || (inclusive && std::fabs(x) == end);
          };
          const auto truth = static_cast<std::uint64_t>(std::ranges::count_if(values, below));
          const Interval bounds = count(h, negative, positive, inclusive);
          CHECK(bounds.least <= truth);
          CHECK(truth <= bounds.most);
        }
      }
    }
    if (const auto peak = peak_of(h)) {
      double largest = 0;
      for (const double x : values) largest = std::max(largest, std::fabs(x));
      CHECK(peak->most >= largest);
      if (peak->exact) CHECK(peak->most == largest);
    }
  }
}

TEST_CASE("bounds are exact where a threshold is an edge") {
  const LoggedHistogram h = binned({-2, -1, -0.5, 0, 0.5, 1, 2}, {-2, -1, 0, 1, 2});
  CHECK(count(h, 1, 1, false) == Interval{2, 4});  // [-1, 0) may hold -1, [0, 1) is inside
  CHECK(count(h, 1, 1, true) == Interval{4, 6});   // [1, 2] may hold 1
  CHECK(count(h, 2, 2, true) == Interval{7, 7});
}

TEST_CASE("bins without width hold what equals their edge, slack opens every edge") {
  LoggedHistogram h{.name = "", .step = {}, .edges = {3, 3}, .counts = {5}, .min = {}, .max = {}};
  CHECK(count(h, 3, 3, true) == Interval{5, 5});
  CHECK(count(h, 3, 3, false) == Interval{0, 0});
  h = binned({0.5, 1.5}, {0, 1, 2});
  h.slack = 0.125;
  CHECK(count(h, 1, 1, true) == Interval{0, 2});
  CHECK(count(h, 1.25, 1.25, true) == Interval{1, 2});
}

TEST_CASE("peaks: extremes, outer edges, and none where values were dropped") {
  LoggedHistogram h = binned({-3, 1}, {-4, 0, 2});
  CHECK(peak_of(h)->most == 4);
  CHECK(!peak_of(h)->exact);
  h.min = -3;
  h.max = 1;
  CHECK(peak_of(h)->most == 3);
  CHECK(peak_of(h)->exact);
  const LoggedHistogram dropped = binned({-9, 1}, {-4, 0, 2});
  CHECK(dropped.dropped == 1);
  CHECK(!peak_of(dropped));
  LoggedHistogram open = binned({1}, {0, std::numeric_limits<double>::max()});
  CHECK(!peak_of(open));
}

TEST_CASE("the loss scale that values had is taken off, outwards where double ends") {
  LoggedHistogram h{.name = "", .step = {}, .edges = {-4, -0.5, 0, 6}, .counts = {1, 0, 2}, .min = -3, .max = 6};
  const Bins bins = bins_of(h, 3);
  REQUIRE(bins.bins.size() == 2);
  CHECK(bins.bins[0] == Bin{-0.375, std::nextafter(-0.5, -1) / 8, 1});
  CHECK(bins.bins[1] == Bin{0, 0.75, 2});
  CHECK(bins.max_abs == exact_finite(false, 3, -2));
  h = {.name = "", .step = {}, .edges = {0x1p-1074, 0x1p-1074 * 3}, .counts = {1}, .min = {}, .max = {}};
  const Bin tiny = bins_of(h, 1).bins[0];
  CHECK(tiny.low == 0);
  CHECK(tiny.high == 0x1p-1073);
}

TEST_CASE("a largest value that is known leaves one value beyond") {
  LoggedHistogram h = binned({-1, 0, 3}, {-4, 0, 4});
  CHECK(count(h, 3.5, 3.5, false) == Interval{0, 3});
  h.min = -1;
  h.max = 3;
  CHECK(count(h, 3.5, 3.5, false) == Interval{3, 3});
  CHECK(count(h, 2, 2, false) == Interval{1, 2});
}
