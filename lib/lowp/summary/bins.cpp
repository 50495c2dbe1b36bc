// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/bins.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/census.h"

namespace lowp {
namespace {

const Exact& larger(const Exact& a, const Exact& b) {
  return magnitude_less(a, b) ? b : a;
}
// Of numbers that are not zero; a zero says that there is none.
const Exact& smaller(const Exact& a, const Exact& b) {
  if (a.kind == Kind::zero || b.kind == Kind::zero) return a.kind == Kind::zero ? b : a;
  return magnitude_less(a, b) ? a : b;
}

}  // namespace

std::uint64_t Bins::elements() const {
  std::uint64_t sum = nan_in + inf_in;
  for (const Bin& bin : bins) sum += bin.count;
  return sum;
}

Interval Bins::zero_in() const {
  Interval zeros;
  for (const Bin& bin : bins) {
    if (bin.low <= 0 && bin.high >= 0) zeros += Interval{bin.low == 0 && bin.high == 0 ? bin.count : 0, bin.count};
  }
  return zeros;
}

Exact Bins::largest_at_most() const {
  if (max_abs) return *max_abs;
  double most = 0;
  for (const Bin& bin : bins) most = std::max({most, std::abs(bin.low), std::abs(bin.high)});
  return lowest_terms(decode(find_format("fp64").format, std::bit_cast<std::uint64_t>(most)));
}

Bins merged(const Bins& a, const Bins& b) {
  Bins sum{a.bins, a.nan_in + b.nan_in, a.inf_in + b.inf_in, {}, {}};
  sum.bins.insert(sum.bins.end(), b.bins.begin(), b.bins.end());
  const auto place = [](const Bin& bin) { return std::tuple(bin.low, bin.high); };
  std::ranges::sort(sum.bins, {}, place);
  std::vector<Bin> joined;
  for (const Bin& bin : sum.bins) {
    if (!joined.empty() && place(joined.back()) == place(bin)) {
      joined.back().count += bin.count;
    } else {
      joined.push_back(bin);
    }
  }
  sum.bins = std::move(joined);
  if (a.max_abs && b.max_abs) sum.max_abs = larger(*a.max_abs, *b.max_abs);
  if (a.min_nonzero_abs && b.min_nonzero_abs) sum.min_nonzero_abs = smaller(*a.min_nonzero_abs, *b.min_nonzero_abs);
  return sum;
}

Peak merged(const Peak& a, const Peak& b) {
  Peak sum{a.elements != 0 && b.elements != 0 ? a.elements + b.elements : 0,
           larger(a.max_abs, b.max_abs),
           {},
           a.has_inf || b.has_inf,
           a.has_nan || b.has_nan};
  if (a.min_nonzero_abs && b.min_nonzero_abs) sum.min_nonzero_abs = smaller(*a.min_nonzero_abs, *b.min_nonzero_abs);
  return sum;
}

}  // namespace lowp
