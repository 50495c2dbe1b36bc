// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/class_edges.h"

#include "lowp/core/convert.h"

namespace lowp {
namespace {

// Magnitudes that round to less than `ordinal`. Between it and the number before there are four places at which that
// can change: above that number, at the half, above the half, and at the number itself.
Threshold below_ordinal(const Target& target, bool negative, std::uint64_t ordinal) {
  const Format f = target.format;
  const std::uint64_t before = ordinal - 1;
  const bool odd = (code_of_ordinal(f, before) & 1) != 0;
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  const auto away = [&](Tail tail) { return rounds_away(target.rounding, negative, odd, tail); };
  const int unit = ordinal_exponent(f, before);
  const std::uint64_t significand = ordinal_significand(f, before);
  const auto at = [&](std::uint64_t half_units) { return exact_finite(false, half_units, unit - 1); };
  if (away(Tail{1, false})) return {at(2 * significand), true};
  if (away(Tail{half, false})) return {at(2 * significand + 1), false};
  if (away(Tail{half, true})) return {at(2 * significand + 1), true};
  return {at(2 * significand + 2), false};
}

}  // namespace

bool looks_at_sign(Rounding mode) {
  switch (mode) {
    case Rounding::toward_positive:
    case Rounding::toward_negative: return true;
    case Rounding::nearest_even:
    case Rounding::nearest_away:
    case Rounding::toward_zero:
    case Rounding::nearest_to_zero:
    case Rounding::to_odd:
    case Rounding::stochastic_a:
    case Rounding::stochastic_b:
    case Rounding::stochastic_c: return false;
  }
  return false;
}

ElementClass class_beyond(const Target& target, bool negative) {
  const Format f = target.format;
  const bool clipped = target.overflow.saturate_finite ||
                       overflow_stays_finite(target.rounding, negative, (max_finite_code(f) & 1) != 0) ||
                       (!f.has_inf && !has_nan(f));
  return clipped ? ElementClass::saturated : ElementClass::overflowed;
}

Threshold flush_edge(const Target& target, bool negative) {
  return below_ordinal(target, negative, 1);
}

ClassEdges edges_of(const Target& target, bool negative) {
  const Format f = target.format;
  return {flush_edge(target, negative), below_ordinal(target, negative, min_normal_ordinal(f)),
          below_ordinal(target, negative, max_finite_ordinal(f) + 1), class_beyond(target, negative)};
}

ElementClass class_of(const Target& target, Exact y) {
  const Format f = target.format;
  const Rounded rounded = round_magnitude(f, target.rounding, y);
  if (overflows(f, rounded)) return class_beyond(target, y.negative);
  if (rounded.ordinal == 0) return ElementClass::flushed;
  return rounded.ordinal < min_normal_ordinal(f) ? ElementClass::subnormal : ElementClass::normal;
}

int largest_safe_scale_log2(const Target& target, Exact x) {
  int scale = max_exponent(target.format) + 1 - exponent_of(x);  // one binade too high at the most
  while (overflows(target.format, round_magnitude(target.format, target.rounding, scaled(x, scale)))) --scale;
  return scale;
}

}  // namespace lowp
