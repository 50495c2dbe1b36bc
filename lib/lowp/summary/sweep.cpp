// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/sweep.h"

#include <algorithm>
#include <bit>

#include "lowp/base/contract.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/exact/wide_sum.h"
#include "lowp/summary/below.h"
#include "lowp/summary/format_ends.h"

namespace lowp {
namespace {

// What the elements of a group become: themselves rounded, or all the same number.
struct Fate {
  ElementClass element_class;
  bool constant;
  std::uint64_t ordinal;  // of that number
};

Fate beyond_max(const Target& target, bool negative) {
  return {class_beyond(target, negative), true, max_finite_ordinal(target.format)};
}

Fate within(Format f, int result_binade) {
  return {result_binade < min_exponent(f) ? ElementClass::subnormal : ElementClass::normal, false, 0};
}

// Calls visit(group, fate) for every group of a page shifted by `shift` binades. Groups cover the page exactly once.
template <class Visit>
void visit_fates(const PageMoments& page, const Target& target, int shift, int table_fraction_bits, Visit visit) {
  const Format f = target.format;
  const int binade = page.binade + shift;
  if (binade > max_exponent(f)) return visit(page.all, beyond_max(target, page.negative));
  const int q = lookup_width(f, binade, table_fraction_bits);
  if (q < -1) {  // below half of the smallest number, whatever the fraction
    const bool away = rounds_away(target.rounding, page.negative, false, Tail{1, false});
    if (!away) return visit(page.all, Fate{ElementClass::flushed, true, 0});
    return visit(page.all, Fate{within(f, quantum_exponent(f)).element_class, true, 1});
  }
  if (is_exact(f, binade, table_fraction_bits)) return visit(page.all, within(f, binade));
  // Away from the ends of the classes a carry changes nothing, and all elements fare alike.
  if (q >= 0 && binade != min_exponent(f) - 1 && binade != max_exponent(f)) {
    return visit(page.all_rounded_to(q), within(f, binade));
  }
  const Distances& distances = page.rounded_to(q);
  for (std::size_t distance = 0; distance < distances.size(); ++distance) {
    const Group& group = distances[distance];
    if (group.count == 0) continue;
    const bool carried = distance == 0;
    if (q == -1 && !carried) {
      visit(group, Fate{ElementClass::flushed, true, 0});
    } else if (carried ? binade + 1 > max_exponent(f) : binade == max_exponent(f) && passes_max(f, q, distance)) {
      visit(group, beyond_max(target, page.negative));
    } else {
      visit(group, within(f, binade + (carried ? 1 : 0)));
    }
  }
}

struct Sums {
  WideSum abs, positive, negative, signal;
  std::array<WideSum, 4> squared;
};

// Adds the errors of a group whose elements count in units of 2^unit. A constant result M = significand * 2^exponent
// needs no look at elements: sum |M - x| = |n M - sum x|, sum (M - x)^2 = n M^2 + sum x^2 - 2 M sum x.
void add_errors(Sums& sums, const Group& group, const Fate& fate, bool negative, int unit, std::uint64_t significand,
                int exponent) {
  WideSum& squared = sums.squared[static_cast<std::size_t>(fate.element_class)];
  WideSum& grown = negative ? sums.negative : sums.positive;  // signed errors of results larger in magnitude
  WideSum& shrunk = negative ? sums.positive : sums.negative;
  sums.signal.add(group.sum_squared, 2 * unit);
  if (!fate.constant) {
    sums.abs.add(Integer256{group.error_up + group.error_down}, unit);
    grown.add(Integer256{group.error_up}, unit);
    shrunk.add(Integer256{group.error_down}, unit);
    squared.add(group.error_squared, 2 * unit);
    return;
  }
  const Integer256 results = product(static_cast<uint128>(significand), group.count), elements{group.sum};
  const bool larger = fate.element_class != ElementClass::saturated && fate.ordinal != 0;
  sums.abs.add(larger ? results : elements, larger ? exponent : unit);
  sums.abs.subtract(larger ? elements : results, larger ? unit : exponent);
  grown.add(results, exponent);
  shrunk.add(elements, unit);
  squared.add(group.sum_squared, 2 * unit);
  squared.add(product(static_cast<uint128>(significand) * significand, group.count), 2 * exponent);
  squared.subtract(product(group.sum, significand), unit + exponent + 1);
}

ErrorMoments finish(const Sums& sums, std::uint64_t counted, bool overflowed) {
  ErrorMoments error;
  WideSum total;
  for (const WideSum& squared : sums.squared) total.add(squared);
  error.sum_abs = sums.abs.to_double();
  error.sum_squared = total.to_double();
  WideSum difference = sums.positive.compare(sums.negative) >= 0 ? sums.positive : sums.negative;
  const bool positive = sums.positive.compare(sums.negative) >= 0;
  difference.subtract(positive ? sums.negative : sums.positive);
  if (counted != 0) error.bias = (positive ? 1 : -1) * difference.to_double() / static_cast<double>(counted);
  if (total.is_zero()) return error;
  if (!sums.signal.is_zero() && !overflowed) error.snr_db = sums.signal.decibels_over(total);
  for (std::size_t c = 0; c < sums.squared.size(); ++c) error.share_of_squared[c] = sums.squared[c].share_of(total);
  return error;
}

Outcome blank_outcome(const Census& census, int scale_log2) {
  Outcome outcome;
  outcome.scale_log2 = scale_log2;
  outcome.elements = census.elements;
  outcome.zero_in = Interval::exactly(census.zero_in);
  outcome.nan_in = census.nan_in;
  outcome.inf_in = census.inf_in;
  return outcome;
}

Outcome measure(const MomentTable& table, const Target& target, int scale_log2) {
  Outcome outcome = blank_outcome(table.census, scale_log2);
  Sums sums;
  std::array<std::uint64_t, element_classes> counts{};
  std::uint64_t exact = 0;
  for (const PageMoments& page : table.pages) {
    const int unit = page.binade - table.fraction_bits;
    visit_fates(page, target, scale_log2, table.fraction_bits, [&](const Group& group, const Fate& fate) {
      counts[static_cast<std::size_t>(fate.element_class)] += group.count;
      if (!fate.constant) exact += group.exact;
      if (fate.element_class == ElementClass::overflowed) return;
      add_errors(sums, group, fate, page.negative, unit, ordinal_significand(target.format, fate.ordinal),
                 ordinal_exponent(target.format, fate.ordinal) - scale_log2);
    });
  }
  std::ranges::transform(counts, outcome.counts.of.begin(), Interval::exactly);
  outcome.exact = Interval::exactly(exact);
  const std::uint64_t overflowed = counts[static_cast<std::size_t>(ElementClass::overflowed)];
  outcome.error = finish(sums, outcome.elements - outcome.nan_in - outcome.inf_in - overflowed, overflowed != 0);
  return outcome;
}

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

void add_classes(ClassCounts& counts, const Evidence& evidence, const Bounds& bounds, Signs signs) {
  for (std::size_t c = 0; c < 4; ++c) {
    counts[c < 3 ? classes_below[c] : bounds.beyond] += between(evidence, bounds.edge[c], bounds.edge[c + 1], signs);
  }
}

// Evidence that does not know signs, in a mode that looks at them: what either sign puts into a class is certain, what
// one of them does is possible.
void add_classes_of_unknown_sign(ClassCounts& counts, const Evidence& evidence, const Bounds& negative,
                                 const Bounds& positive) {
  for (std::size_t c = 0; c < 4; ++c) {
    const Threshold first = higher(negative.edge[c], positive.edge[c]),
                    last = lower(negative.edge[c + 1], positive.edge[c + 1]);
    const Interval certain = higher(first, last) == first ? Interval{} : between(evidence, first, last, Signs::both);
    const Interval possible = between(evidence, lower(negative.edge[c], positive.edge[c]),
                                      higher(negative.edge[c + 1], positive.edge[c + 1]), Signs::both);
    if (c < 3 || negative.beyond == positive.beyond) {
      counts[c < 3 ? classes_below[c] : negative.beyond] += Interval{certain.least, possible.most};
    } else {
      counts[negative.beyond] += Interval{0, possible.most};
      counts[positive.beyond] += Interval{0, possible.most};
    }
  }
}

ClassCounts classes_of(const Evidence& evidence, const Target& target, const Scale& scale) {
  ClassCounts counts;
  const Bounds negative = bounds_of(target, true, scale), positive = bounds_of(target, false, scale);
  if (!looks_at_sign(target.rounding)) {
    add_classes(counts, evidence, positive, Signs::both);
  } else if (has_signs(evidence)) {
    add_classes(counts, evidence, negative, Signs::negative);
    add_classes(counts, evidence, positive, Signs::positive);
  } else {
    add_classes_of_unknown_sign(counts, evidence, negative, positive);
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

Interval exact_of(const BinadeCounts& counts, const Target& target, int scale_log2) {
  Interval exact;
  for (const BinadeCountsRow& row : counts.rows) exact += exact_of(row, target, scale_log2);
  return exact;
}

Outcome blank_outcome(const Evidence& evidence, int scale_log2) {
  Outcome outcome = blank_outcome(census_of(evidence), scale_log2);
  if (const auto* bins = std::get_if<Bins>(&evidence)) outcome.zero_in = bins->zero_in();
  if (const auto* peak = std::get_if<Peak>(&evidence)) {
    outcome.zero_in = {0, peak->elements - (peak->max_abs.kind == Kind::finite ? 1 : 0)};
  }
  return outcome;
}

// Whether moments know every width that a format asks for.
bool resolves(const MomentTable& table, Format f, const ScaleRange& scales) {
  for (const PageMoments& page : table.pages) {
    for (int scale = scales.low; scale <= scales.high; ++scale) {
      const int binade = page.binade + scale;
      if (asks_wide(f, binade, table.fraction_bits, leaf_bits) &&
          !page.wide.contains(lookup_width(f, binade, table.fraction_bits))) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

std::string_view class_name(ElementClass element_class) {
  switch (element_class) {
    case ElementClass::flushed: return "flushed";
    case ElementClass::subnormal: return "subnormal";
    case ElementClass::normal: return "normal";
    case ElementClass::saturated: return "saturated";
    case ElementClass::overflowed: return "overflowed";
  }
  return {};
}

Result<Sweep> Sweep::of(const Evidence& evidence, const Question& question) {
  if (auto fault = question.fault()) return *std::move(fault);
  const auto* peak = std::get_if<Peak>(&evidence);
  if (peak && peak->elements == 0 && peak->max_abs.kind == Kind::finite)
    return Error{"", std::nullopt, "evidence that counts elements", "a largest magnitude alone"};
  Sweep sweep(evidence, question);
  const auto* table = std::get_if<BinadeTable>(&evidence);
  const auto* errors = std::get_if<RoundingErrors>(&evidence);
  if (table) sweep.moments_ = moments_of(*table, question.rounding);
  if (errors && question.rounding == Rounding::nearest_even && !question.counts_only)
    sweep.moments_ = errors->moments();
  bool all = true;
  for (const NamedTarget& asked : question.formats) {
    const bool measured = sweep.moments_ && resolves(*sweep.moments_, asked.format, question.scales);
    sweep.measured_.push_back(measured);
    all = all && measured;
  }
  if (table && !all) sweep.counts_ = binade_counts_of(*table);
  return sweep;
}

Outcome Sweep::at(std::size_t format, int scale_log2) const {
  contract(format < question_.formats.size() && question_.scales.contains(scale_log2), "a format and scale asked for");
  const Target target = question_.target(format);
  if (measured_[format]) {
    Outcome outcome = measure(*moments_, target, scale_log2);
    if (question_.counts_only) {
      outcome.exact.reset();
      outcome.error.reset();
    }
    return outcome;
  }
  Outcome outcome = blank_outcome(*evidence_, scale_log2);
  outcome.counts = classes_of(*evidence_, target, Scale{std::uint64_t{1} << 63, scale_log2 - 63});
  if (question_.counts_only) return outcome;
  const auto* errors = std::get_if<RoundingErrors>(evidence_);
  const auto* counts = counts_ ? &*counts_ : errors ? &errors->counts() : std::get_if<BinadeCounts>(evidence_);
  if (counts) outcome.exact = exact_of(*counts, target, scale_log2);
  return outcome;
}

Outcome classes_at(const Evidence& evidence, const Target& target, double scale) {
  const Exact s = decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(scale));
  contract(s.kind == Kind::finite && !s.negative, "a positive finite scale");
  const int up = 64 - bit_width(s.significand);
  Outcome outcome = blank_outcome(evidence, exponent_of(s));
  outcome.counts = classes_of(evidence, target, Scale{s.significand << up, s.exponent - up});
  return outcome;
}

Outcomes Sweep::all() const {
  Outcomes outcomes(question_.formats.size());
  for (std::size_t format = 0; format < outcomes.size(); ++format) {
    outcomes[format].reserve(question_.scales.size());
    for (int scale = question_.scales.low; scale <= question_.scales.high; ++scale) {
      outcomes[format].push_back(at(format, scale));
    }
  }
  return outcomes;
}

}  // namespace lowp
