// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/sweep.h"

#include <algorithm>
#include <cmath>

#include "lowp/base/contract.h"
#include "lowp/exact/wide_sum.h"
#include "lowp/summary/class_counts.h"
#include "lowp/summary/class_edges.h"
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
  if (all) return sweep;
  if (table) sweep.counts_ = binade_counts_of(*table).counted();
  if (errors) sweep.counts_ = errors->counts().counted();
  if (const auto* counts = std::get_if<BinadeCounts>(&evidence)) sweep.counts_ = counts->counted();
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
  outcome.counts = classes_of(*evidence_, counts_ ? &*counts_ : nullptr, target, scale_log2);
  if (counts_ && !question_.counts_only) outcome.exact = exact_of(*counts_, target, scale_log2);
  return outcome;
}

Outcome classes_at(const Evidence& evidence, const Target& target, double scale) {
  Outcome outcome = blank_outcome(evidence, std::ilogb(scale));
  outcome.counts = classes_of(evidence, nullptr, target, scale);
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
