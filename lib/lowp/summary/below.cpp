// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/below.h"

#include "lowp/base/contract.h"

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

// Evidence without signs, asked for one sign: any share of what lies below may have it.
Interval of_unknown_sign(Interval count, Signs signs) {
  return signs == Signs::both ? count : Interval{0, count.most};
}

}  // namespace

Interval below(const TensorCounts& counts, Threshold threshold, Signs signs) {
  if (threshold.at.kind == Kind::zero) return {0, 0};
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

std::uint64_t flushed_at(const TensorCounts& counts, const Target& target, int scale_log2) {
  const auto flushed = [&](bool negative, Signs signs) {
    Threshold edge = edges_of(target, negative).flushed;
    edge.at = scaled(edge.at, -scale_log2);
    const Interval count = below(counts, edge, signs);
    contract(count.exact(), "counts with signs for a directed mode");
    return count.most;
  };
  if (!looks_at_sign(target.rounding)) return flushed(false, Signs::both);
  return flushed(true, Signs::negative) + flushed(false, Signs::positive);
}

}  // namespace lowp
