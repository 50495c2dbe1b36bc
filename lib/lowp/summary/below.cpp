// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/below.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "lowp/base/contract.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

// A threshold within its binade: elements of that binade are below it if their fraction is.
struct Place {
  int binade;
  std::uint64_t fraction;  // bits below the leading one, from the top of the word
  bool inclusive;          // whether a fraction equal to it is below

  bool is_start() const { return fraction == 0 && !inclusive; }
  // The first fraction of so many bits that is not below.
  std::uint64_t first_above(int bits) const {
    const std::uint64_t whole = bits == 0 ? 0 : fraction >> (64 - bits);
    const bool cut = bits == 0 ? fraction != 0 : (fraction << bits) != 0;
    return whole + (inclusive || cut ? 1 : 0);
  }
};

Place place_of(Threshold threshold) {
  const int shift = 64 - bit_width(threshold.at.significand);
  const std::uint64_t significand = threshold.at.significand << shift;
  return {exponent_of(threshold.at), significand << 1, threshold.inclusive || threshold.at.sticky};
}

bool matches(bool negative, Signs signs) {
  return signs == Signs::both || negative == (signs == Signs::negative);
}

// Whether magnitude x lies below.
bool is_below(Exact x, Threshold threshold) {
  if (threshold.at.kind == Kind::zero) return false;
  if (magnitude_less(x, threshold.at)) return true;
  return !magnitude_less(threshold.at, x) && (threshold.inclusive || threshold.at.sticky);
}

// What the extremes say of all elements together, and no evidence may contradict.
Interval sharpened(Interval count, const Census& census, Threshold threshold) {
  const std::uint64_t all = census.nonzero();
  if (all == 0 || !is_below(census.min_nonzero_abs, threshold)) return {0, 0};
  if (is_below(census.max_abs, threshold)) return {all, all};
  return {std::max<std::uint64_t>(count.least, 1), std::min(count.most, all - 1)};
}

// Fractions of a row below a place: between the counts at the known places on either side of it.
Interval fractions_below(const BinadeCountsRow& row, const Place& place) {
  std::uint64_t least = 0, most = row.count;
  // `count` fractions are less than, or at most, `fraction`.
  const auto know = [&](std::uint64_t fraction, bool inclusive, std::uint64_t count) {
    if (std::pair(fraction, inclusive) <= std::pair(place.fraction, place.inclusive)) least = std::max(least, count);
    if (std::pair(fraction, inclusive) >= std::pair(place.fraction, place.inclusive)) most = std::min(most, count);
  };
  know(0, false, 0);
  know(0, true, row.on_grid[0]);
  for (std::size_t j = 1; j <= row.at_least.size(); ++j) {
    const std::uint64_t below = row.count - row.at_least[j - 1], fraction = ~std::uint64_t{0} << (64 - j);
    know(fraction, false, below);
    know(fraction, true, below + row.equal[j - 1]);
  }
  constexpr std::uint64_t thirteen_sixteenths = std::uint64_t{13} << 60;
  know(thirteen_sixteenths, true, row.count - row.above_13_16);
  know(thirteen_sixteenths, false, row.count - row.above_13_16 - row.equal.back());
  return {least, most};
}

Exact exact_of(double magnitude) {
  return decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(magnitude));
}

// The least and the largest magnitude that an element of a bin can have.
std::pair<Exact, Exact> magnitudes_of(const Bin& bin) {
  const double low = std::abs(bin.low), high = std::abs(bin.high);
  const double least = bin.low <= 0 && bin.high >= 0 ? 0 : std::min(low, high);
  return {exact_of(least), exact_of(std::max(low, high))};
}

// Nothing, or everything, where the extremes decide already.
std::optional<Interval> decided(const Census& census, Threshold threshold) {
  const std::uint64_t all = census.nonzero();
  if (all == 0 || !is_below(census.min_nonzero_abs, threshold)) return Interval{0, 0};
  if (is_below(census.max_abs, threshold)) return Interval{all, all};
  return {};
}

// Evidence without signs, asked for one sign: any share of what lies below may have it.
Interval of_unknown_sign(Interval count, Signs signs) {
  return signs == Signs::both ? count : Interval{0, count.most};
}

}  // namespace

Interval below(const TensorCounts& counts, Threshold threshold, Signs signs) {
  if (threshold.at.kind == Kind::zero) return {0, 0};
  if (signs == Signs::both) {
    if (const auto known = decided(counts, threshold)) return *known;
  }
  const Place place = place_of(threshold);
  Interval total;
  for (const BinadeCount& held : counts.binades) {
    if (held.binade > place.binade || (counts.has_signs && !matches(held.negative, signs))) continue;
    if (held.binade < place.binade) {
      total += Interval::exactly(held.count);
    } else if (!place.is_start()) {
      total += Interval{held.powers_of_two, place.fraction == 0 ? held.powers_of_two : held.count};
    }
  }
  if (signs == Signs::both) return sharpened(total, counts, threshold);
  return counts.has_signs ? total : of_unknown_sign(sharpened(total, counts, threshold), signs);
}

Interval below(const CutCounts& counts, Threshold threshold, Signs signs) {
  if (threshold.at.kind == Kind::zero) return {0, 0};
  if (signs == Signs::both) {
    if (const auto known = decided(counts, threshold)) return *known;
  }
  const Place place = place_of(threshold);
  const std::uint64_t first_above = place.first_above(narrow_fraction_bits);
  const auto cuts = counts.plan.cuts();
  Interval total;
  for (const CutCounts::Row& row : counts.rows) {
    if (row.binade > place.binade) break;
    for (std::size_t part = 0; part <= cuts.size(); ++part) {
      const std::uint64_t begin = part == 0 ? 0 : cuts[part - 1];
      const std::uint64_t end = part == cuts.size() ? std::uint64_t{1} << narrow_fraction_bits : cuts[part];
      const bool all = row.binade < place.binade || end <= first_above, any = all || begin < first_above;
      total += Interval{all ? row.parts[part] : 0, any ? row.parts[part] : 0};
    }
  }
  return of_unknown_sign(sharpened(total, counts, threshold), signs);
}

Interval below(const BinadeTable& table, Threshold threshold, Signs signs) {
  if (threshold.at.kind == Kind::zero) return {0, 0};
  if (signs == Signs::both) {
    if (const auto known = decided(table.census(), threshold)) return *known;
  }
  const Place place = place_of(threshold);
  const std::uint64_t leaf = place.fraction >> (64 - leaf_bits);
  const bool at_leaf = place.fraction << leaf_bits == 0;
  Interval total;
  for (const BinadeTable::Page& page : table.pages()) {
    if (page.binade > place.binade || !matches(page.negative, signs)) continue;
    for (const BinadeTable::Cell& cell : table.cells(page)) {
      if (page.binade < place.binade || cell.leaf < leaf) {
        total += Interval::exactly(cell.count);
      } else if (cell.leaf == leaf && !(at_leaf && !place.inclusive)) {
        total += Interval{cell.exact, at_leaf ? cell.exact : cell.count};
      }
    }
  }
  return signs == Signs::both ? sharpened(total, table.census(), threshold) : total;
}

// Places of known counts within a binade: below each of them so many fractions lie.
Interval below(const CountedRows& counts, Threshold threshold, Signs signs) {
  if (threshold.at.kind == Kind::zero) return {0, 0};
  if (signs == Signs::both) {
    if (const auto known = decided(counts, threshold)) return *known;
  }
  const Place place = place_of(threshold);
  Interval total;
  for (const BinadeCountsRow& row : counts.rows) {
    if (row.binade > place.binade || !matches(row.negative, signs)) continue;
    total += row.binade < place.binade ? Interval::exactly(row.count) : fractions_below(row, place);
  }
  return signs == Signs::both ? sharpened(total, counts, threshold) : total;
}

Interval below(const BinadeCounts& counts, Threshold threshold, Signs signs) {
  return below(counts.counted(), threshold, signs);
}

Interval below(const RoundingErrors& errors, Threshold threshold, Signs signs) {
  return below(errors.counts(), threshold, signs);
}

Interval zero_or_below(const Bins& bins, Threshold negative, Threshold positive) {
  const auto inside = [&](double x) { return x == 0 || is_below(exact_of(std::abs(x)), x < 0 ? negative : positive); };
  Interval total;
  for (const Bin& bin : bins.bins) {
    const bool all = inside(bin.low) && inside(bin.high);
    const bool any = bin.low > 0 ? inside(bin.low) : bin.high < 0 ? inside(bin.high) : true;
    total += Interval{all ? bin.count : 0, any ? bin.count : 0};
  }
  const std::uint64_t finite = bins.elements() - bins.nan_in - bins.inf_in;
  if (!bins.max_abs || finite == 0) return total;
  const bool below_both = is_below(*bins.max_abs, negative) && is_below(*bins.max_abs, positive);
  if (bins.max_abs->kind == Kind::zero || below_both) return {finite, finite};
  if (is_below(*bins.max_abs, negative) || is_below(*bins.max_abs, positive)) return total;
  return {std::min(total.least, finite - 1), std::min(total.most, finite - 1)};
}

// An element of a bin is between where the whole bin is, and may be where a part of it is. A largest element that is
// known leaves nothing above it, a smallest one nothing below.
Interval between(const Bins& bins, Threshold from, Threshold to) {
  if (bins.max_abs && (bins.max_abs->kind == Kind::zero || is_below(*bins.max_abs, from))) return {0, 0};
  if (bins.min_nonzero_abs && !is_below(*bins.min_nonzero_abs, to)) return {0, 0};
  const bool none_below = bins.min_nonzero_abs && !is_below(*bins.min_nonzero_abs, from);
  const bool none_above = bins.max_abs && is_below(*bins.max_abs, to);
  Interval total;
  for (const Bin& bin : bins.bins) {
    const auto [least, most] = magnitudes_of(bin);
    if (most.kind == Kind::zero) continue;
    const bool zero_inside = least.kind == Kind::zero;
    const bool after_start = !zero_inside && (none_below || !is_below(least, from));
    const bool before_end = none_above || is_below(most, to);
    const bool any = !is_below(most, from) && (zero_inside || is_below(least, to));
    total += Interval{after_start && before_end ? bin.count : 0, any ? bin.count : 0};
  }
  return total;
}

Interval between(const Peak& peak, Threshold from, Threshold to) {
  if (peak.max_abs.kind == Kind::zero || is_below(peak.max_abs, from)) return {0, 0};
  if (peak.min_nonzero_abs && !is_below(*peak.min_nonzero_abs, to)) return {0, 0};
  const bool largest_is = is_below(peak.max_abs, to);  // and not below the start
  const bool smallest_is = peak.min_nonzero_abs && !is_below(*peak.min_nonzero_abs, from);
  return {largest_is || smallest_is ? 1u : 0u, largest_is ? peak.elements : peak.elements - 1};
}

bool has_signs(const Evidence& evidence) {
  switch (level_of(evidence)) {
    case Level::peak:
    case Level::bins:
    case Level::cuts: return false;
    case Level::flushed: return std::get<TensorCounts>(evidence).has_signs;
    case Level::counts:
    case Level::errors:
    case Level::leaves: return true;
  }
  return false;
}

Interval below(const Bins& bins, Threshold threshold, Signs signs) {
  return of_unknown_sign(between(bins, below_none, threshold), signs);
}
Interval below(const Peak& peak, Threshold threshold, Signs signs) {
  return of_unknown_sign(between(peak, below_none, threshold), signs);
}

Interval below(const Evidence& evidence, Threshold threshold, Signs signs) {
  return std::visit([&](const auto& kept) { return below(kept, threshold, signs); }, evidence);
}

Interval between(const Evidence& evidence, Threshold from, Threshold to, Signs signs) {
  if (const auto* bins = std::get_if<Bins>(&evidence)) return of_unknown_sign(between(*bins, from, to), signs);
  if (const auto* peak = std::get_if<Peak>(&evidence)) return of_unknown_sign(between(*peak, from, to), signs);
  return below(evidence, to, signs) - below(evidence, from, signs);
}

std::uint64_t flushed_at(const TensorCounts& counts, const Target& target, int scale_log2) {
  const auto flushed = [&](bool negative, Signs signs) {
    Threshold edge = flush_edge(target, negative);
    edge.at = scaled(edge.at, -scale_log2);
    const Interval count = below(counts, edge, signs);
    contract(count.exact(), "counts with signs for a directed mode");
    return count.most;
  };
  if (!looks_at_sign(target.rounding)) return flushed(false, Signs::both);
  return flushed(true, Signs::negative) + flushed(false, Signs::positive);
}

Interval flushed_at(const Evidence& evidence, const Target& target, int scale_log2) {
  const auto flushed = [&](bool negative, Signs signs) {
    Threshold edge = flush_edge(target, negative);
    edge.at = scaled(edge.at, -scale_log2);
    return below(evidence, edge, signs);
  };
  if (!looks_at_sign(target.rounding)) return flushed(false, Signs::both);
  return flushed(true, Signs::negative) + flushed(false, Signs::positive);
}

Interval zero_or_flushed_at(const Evidence& evidence, const Target& target, int scale_log2) {
  const auto* bins = std::get_if<Bins>(&evidence);
  if (!bins) return Interval::exactly(census_of(evidence).zero_in) + flushed_at(evidence, target, scale_log2);
  const auto edge = [&](bool negative) {
    Threshold threshold = flush_edge(target, negative);
    threshold.at = scaled(threshold.at, -scale_log2);
    return threshold;
  };
  return zero_or_below(*bins, edge(true), edge(false));
}

}  // namespace lowp
