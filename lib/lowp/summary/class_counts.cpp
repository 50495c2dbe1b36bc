// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/class_counts.h"

#include <bit>

#include "lowp/base/contract.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/below.h"
#include "lowp/summary/format_ends.h"

namespace lowp {
namespace {

// Divides thresholds by a scale.
struct Scale {
  std::uint64_t significand;
  int exponent;

  // The quotient with its first 64 bits; a rest only matters by being there, since elements have fewer.
  Threshold unscaled(Threshold y) const {
    if (y.at.kind != Kind::finite) return y;
    const int up = 64 - bit_width(y.at.significand);
    const uint128 dividend = static_cast<uint128>(y.at.significand << up) << 63;
    const uint128 quotient = dividend / significand;
    const int down = bit_width(static_cast<std::uint64_t>(quotient >> 64));  // at most 63 bits too many
    Threshold x = y;
    const auto kept = static_cast<std::uint64_t>(quotient >> down);
    const bool rest = dividend % significand != 0 || (quotient & ((uint128{1} << down) - 1)) != 0;
    x.at = exact_finite(false, kept, y.at.exponent - up - 63 + down - exponent, rest);
    return x;
  }
};

Threshold higher(Threshold a, Threshold b) {
  const auto lower = [](const Threshold& x, const Threshold& y) {
    return magnitude_less(x.at, y.at) || (!magnitude_less(y.at, x.at) && !x.inclusive && y.inclusive);
  };
  return lower(a, b) ? b : a;
}
Threshold lower(Threshold a, Threshold b) {
  return higher(a, b) == a ? b : a;
}

// Evidence, with its rows of counts where they are at hand.
struct Asked {
  const Evidence& evidence;
  const CountedRows* rows;

  bool has_signs() const { return lowp::has_signs(evidence); }
  Interval between(Threshold from, Threshold to, Signs signs) const {
    if (!rows || level_of(evidence) == Level::leaves) return lowp::between(evidence, from, to, signs);
    return below(*rows, to, signs) - below(*rows, from, signs);
  }
};

// The edges of one sign, divided by the scale; the classes lie between neighbours.
struct Bounds {
  std::array<Threshold, 5> edge;  // nothing, flushed, subnormal, finite, everything
  ElementClass beyond;
};
Bounds bounds_of(const Target& target, bool negative, const Scale& scale) {
  const ClassEdges edges = edges_of(target, negative);
  return {{below_none, scale.unscaled(edges.flushed), scale.unscaled(edges.subnormal), scale.unscaled(edges.finite),
           above_all},
          edges.beyond};
}
constexpr std::array<ElementClass, 3> classes_below{ElementClass::flushed, ElementClass::subnormal,
                                                    ElementClass::normal};

void add_classes(ClassCounts& counts, const Asked& asked, const Bounds& bounds, Signs signs) {
  for (std::size_t c = 0; c < 4; ++c) {
    counts[c < 3 ? classes_below[c] : bounds.beyond] += asked.between(bounds.edge[c], bounds.edge[c + 1], signs);
  }
}

// Evidence that does not know signs, in a mode that looks at them: what either sign puts into a class is certain, what
// one of them does is possible.
void add_classes_of_unknown_sign(ClassCounts& counts, const Asked& asked, const Bounds& negative,
                                 const Bounds& positive) {
  for (std::size_t c = 0; c < 4; ++c) {
    const Threshold first = higher(negative.edge[c], positive.edge[c]),
                    last = lower(negative.edge[c + 1], positive.edge[c + 1]);
    const Interval certain = higher(first, last) == first ? Interval{} : asked.between(first, last, Signs::both);
    const Interval possible = asked.between(lower(negative.edge[c], positive.edge[c]),
                                            higher(negative.edge[c + 1], positive.edge[c + 1]), Signs::both);
    if (c < 3 || negative.beyond == positive.beyond) {
      counts[c < 3 ? classes_below[c] : negative.beyond] += Interval{certain.least, possible.most};
    } else {
      counts[negative.beyond] += Interval{0, possible.most};
      counts[positive.beyond] += Interval{0, possible.most};
    }
  }
}

ClassCounts classes_of(const Asked& asked, const Target& target, const Scale& scale) {
  ClassCounts counts;
  const Bounds negative = bounds_of(target, true, scale), positive = bounds_of(target, false, scale);
  if (!looks_at_sign(target.rounding)) {
    add_classes(counts, asked, positive, Signs::both);
  } else if (asked.has_signs()) {
    add_classes(counts, asked, negative, Signs::negative);
    add_classes(counts, asked, positive, Signs::positive);
  } else {
    add_classes_of_unknown_sign(counts, asked, negative, positive);
  }
  return counts;
}

// Results that equal their element: numbers of the format, at most the largest. In the largest binade those on its grid
// beyond that number are one or two units from the end.
Interval exact_of(const BinadeCountsRow& row, const Target& target, int scale_log2) {
  const Format f = target.format;
  const int binade = row.binade + scale_log2, q = kept_fraction_bits(f, binade);
  constexpr int widest = static_cast<int>(BinadeCountsRow::widths) - 1;
  if (binade > max_exponent(f) || q < 0) return {0, 0};
  const std::uint64_t on_widest = row.on_grid[widest];
  Interval exact =
      q <= widest ? Interval::exactly(row.on_grid[static_cast<std::size_t>(q)]) : Interval{on_widest, row.count};
  if (binade < max_exponent(f)) return exact;
  for (std::uint64_t distance = 1; passes_max(f, q, distance) && distance < 3; ++distance) {
    const int ones = q - static_cast<int>(distance) + 1;  // 1 - distance * 2^-q, distance 1 or 2
    const std::uint64_t beyond = ones == 0    ? row.on_grid[0]
                                 : ones <= 11 ? row.equal[static_cast<std::size_t>(ones - 1)]
                                              : 0;
    exact = exact - (ones <= 11 ? Interval::exactly(beyond) : Interval{0, row.count - on_widest});
  }
  return exact;
}

}  // namespace

ClassCounts classes_of(const Evidence& evidence, const CountedRows* rows, const Target& target, int scale_log2) {
  return classes_of(Asked{evidence, rows}, target, Scale{std::uint64_t{1} << 63, scale_log2 - 63});
}

ClassCounts classes_of(const Evidence& evidence, const CountedRows* rows, const Target& target, double scale) {
  const Exact s = decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(scale));
  contract(s.kind == Kind::finite && !s.negative, "a positive finite scale");
  const int up = 64 - bit_width(s.significand);
  return classes_of(Asked{evidence, rows}, target, Scale{s.significand << up, s.exponent - up});
}

Interval exact_of(const CountedRows& counts, const Target& target, int scale_log2) {
  Interval exact;
  for (const BinadeCountsRow& row : counts.rows) exact += exact_of(row, target, scale_log2);
  return exact;
}

}  // namespace lowp
