// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/sweep.h"

#include <algorithm>
#include <cassert>

#include "lowp/core/convert.h"

namespace lowp {
namespace {

// Fraction bits that survive in a binade: all of them, or fewer below the smallest normal; may be negative.
int kept_fraction_bits(Format f, int binade) {
  return fraction_bits(f) - std::max(0, min_exponent(f) - binade);
}

// How far below the end of its binade the largest number is, in units of its last place.
std::uint64_t distance_of_max(Format f) {
  const int q = kept_fraction_bits(f, max_exponent(f));
  return (std::uint64_t{2} << q) - ordinal_significand(f, max_finite_ordinal(f));
}

// Whether a result `distance` units of q fraction bits below the end of the largest binade lies beyond the largest
// number.
bool passes_max(Format f, int q, std::uint64_t distance) {
  return distance << (kept_fraction_bits(f, max_exponent(f)) - q) < distance_of_max(f);
}

// Width to look up for a scaled binade; table_fraction_bits and more lose nothing.
int lookup_width(Format f, int binade, int table_fraction_bits) {
  return std::min(kept_fraction_bits(f, binade), table_fraction_bits);
}

// Whether a table that keeps every bit of a scaled binade need not be asked: nothing is rounded, nothing passes the
// max.
bool is_exact(Format f, int binade, int table_fraction_bits) {
  const int q = lookup_width(f, binade, table_fraction_bits);
  return q == table_fraction_bits && !(binade == max_exponent(f) && passes_max(f, q, 1));
}

// What the elements of a group become: themselves rounded, or all the same number.
struct Fate {
  ElementClass element_class;
  bool constant;
  std::uint64_t ordinal;  // of that number
};

Fate beyond_max(const Target& target, bool negative) {
  const Format f = target.format;
  const bool clipped = target.overflow.saturate_finite ||
                       overflow_stays_finite(target.rounding, negative, (max_finite_code(f) & 1) != 0) ||
                       (!f.has_inf && !has_nan(f));
  return {clipped ? ElementClass::saturated : ElementClass::overflowed, true, max_finite_ordinal(f)};
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
  const Integer256 results = product(static_cast<u128>(significand), group.count), elements{group.sum};
  const bool larger = fate.element_class != ElementClass::saturated && fate.ordinal != 0;
  sums.abs.add(larger ? results : elements, larger ? exponent : unit);
  sums.abs.subtract(larger ? elements : results, larger ? unit : exponent);
  grown.add(results, exponent);
  shrunk.add(elements, unit);
  squared.add(group.sum_squared, 2 * unit);
  squared.add(product(static_cast<u128>(significand) * significand, group.count), 2 * exponent);
  squared.subtract(product(group.sum, significand), unit + exponent + 1);
}

ErrorMoments finish(const Sums& sums, std::uint64_t counted) {
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
  if (!sums.signal.is_zero()) error.snr_db = sums.signal.decibels_over(total);
  for (std::size_t c = 0; c < sums.squared.size(); ++c) error.share_of_squared[c] = sums.squared[c].share_of(total);
  return error;
}

}  // namespace

bool is_auditable(Format format) {
  return format.sign == SignRule::magnitude && format.has_zero && format.precision >= 2 && distance_of_max(format) <= 3;
}

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

ElementClass class_of(const Target& target, Exact y) {
  const Format f = target.format;
  const Rounded rounded = round_magnitude(f, target.rounding, y);
  if (overflows(f, rounded)) return beyond_max(target, y.negative).element_class;
  if (rounded.ordinal == 0) return ElementClass::flushed;
  return rounded.ordinal < min_normal_ordinal(f) ? ElementClass::subnormal : ElementClass::normal;
}

Outcome without_errors(Outcome outcome) {
  outcome.error = {};
  outcome.counts.exact = 0;
  outcome.counts_only = true;
  return outcome;
}

PassOptions plan_pass(std::span<const Target> targets, const ScaleRange& scales, int table_fraction_bits) {
  PassOptions options;
  options.fraction_bits = table_fraction_bits;
  const bool wide = table_fraction_bits == wide_fraction_bits;
  for (const Target& target : targets) {
    assert(is_auditable(target.format) && target.rounding == targets.front().rounding);
    assert(!is_stochastic(target.rounding));
    options.rounding = target.rounding;
    if (fraction_bits(target.format) < BinadeTable::leaf_bits) continue;
    for (int binade = wide ? -1074 : -149; binade <= (wide ? 1023 : 127); ++binade) {
      for (int scale = scales.low; scale <= scales.high; ++scale) {
        const int scaled_binade = binade + scale - scales.dump;
        if (scaled_binade > max_exponent(target.format)) continue;
        const int q = lookup_width(target.format, scaled_binade, table_fraction_bits);
        if (q < BinadeTable::leaf_bits || is_exact(target.format, scaled_binade, table_fraction_bits)) continue;
        options.wide.need(binade, q);
      }
    }
  }
  return options;
}

Prepared prepare(const BinadeTable& table, Rounding rounding) {
  Prepared prepared{&table, {}};
  for (const BinadeTable::Page* page : table.pages()) {
    prepared.pages.push_back(moments_of(table, *page, rounding));
  }
  return prepared;
}

Outcome measure(const Prepared& prepared, const Target& target, const ScaleRange& scales, int scale_log2) {
  const BinadeTable& table = *prepared.table;
  Outcome outcome{scale_log2, table.elements(), table.zero_in(), table.nan_in(), table.inf_in(), {}, {}};
  Sums sums;
  const int table_fraction_bits = table.options().fraction_bits;
  for (const PageMoments& page : prepared.pages) {
    const int unit = page.binade - table_fraction_bits - scales.dump;
    visit_fates(page, target, scale_log2 - scales.dump, table_fraction_bits, [&](const Group& group, const Fate& fate) {
      outcome.counts[fate.element_class] += group.count;
      if (!fate.constant) outcome.counts.exact += group.exact;
      if (fate.element_class == ElementClass::overflowed) return;
      add_errors(sums, group, fate, page.negative, unit, ordinal_significand(target.format, fate.ordinal),
                 ordinal_exponent(target.format, fate.ordinal) - scale_log2);
    });
  }
  outcome.error =
      finish(sums, outcome.elements - outcome.nan_in - outcome.inf_in - outcome.counts[ElementClass::overflowed]);
  return outcome;
}

int largest_safe_scale_log2(const Target& target, Exact x) {
  int scale = max_exponent(target.format) + 1 - exponent_of(x);  // one binade too high at the most
  while (overflows(target.format, round_magnitude(target.format, target.rounding, scaled(x, scale)))) --scale;
  return scale;
}

}  // namespace lowp
