// SPDX-License-Identifier: Apache-2.0
#include "cast_explained.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lowp/exact/exact_number.h"

namespace lowp::tool {
namespace {

constexpr int widest_scale = 40'000;  // binades: more than between the extremes of any two formats

bool clipped(Format f, const Exact& source, Rounding mode, RandomBits random) {
  return overflows(f, round_magnitude(f, mode, source, random));
}

CastClass classify(const CastRules& rules, const Exact& source, const Exact& result, std::uint64_t code) {
  if (source.kind == Kind::zero) return CastClass::zero_in;
  if (source.kind == Kind::nan) return CastClass::nan_in;
  if (source.kind == Kind::inf) return CastClass::inf_in;
  if (result.kind == Kind::inf || result.kind == Kind::nan) return CastClass::overflowed;
  if (result.kind == Kind::zero) return CastClass::flushed;
  if (clipped(rules.format, source, rules.how.rounding, rules.random)) return CastClass::saturated;
  return is_subnormal(rules.format, code) ? CastClass::subnormal : CastClass::normal;
}

std::uint64_t code_of(const CastRules& rules, const Exact& source) {
  return encode(rules.format, rules.how, source, rules.random);
}

CastClass class_at(const CastRules& rules, const Exact& source, int scale_log2) {
  const Exact moved = scaled(source, scale_log2);
  const std::uint64_t code = code_of(rules, moved);
  return classify(rules, moved, decode(rules.format, code), code);
}

// The first scale of `step`, 2 * step, ... that gives one of the classes wanted; gives up where the other end is
// reached.
template <class Wanted>
std::optional<int> first_scale(const CastRules& rules, const Exact& source, int first, int step, Wanted wanted) {
  for (int k = first; std::abs(k) <= widest_scale; k += step) {
    if (wanted(class_at(rules, source, k))) return k;
  }
  return {};
}

int unit_exponent(Format f, const Exact& source) {
  const int binade = std::max(std::min(exponent_of(source), max_exponent(f)), min_exponent(f));
  return binade - fraction_bits(f);
}

long double in_units(const Exact& x, int unit) {
  const long double size = std::ldexp(static_cast<long double>(x.significand), x.exponent - unit);
  return x.negative ? -size : size;
}

bool same_value(const Exact& a, const Exact& b) {
  if (a.kind != b.kind || a.negative != b.negative || a.sticky || b.sticky) return false;
  return a.kind != Kind::finite ||
         (exponent_of(a) == exponent_of(b) &&
          a.significand << (64 - bit_width(a.significand)) == b.significand << (64 - bit_width(b.significand)));
}

std::string with_value(const Exact& x) {
  const double size = std::ldexp(static_cast<double>(x.significand), x.exponent);
  const std::string exact = exact_text(x);
  return exact.find('^') == exact.npos || !std::isnormal(size) ? exact : fmt::format("{} ({:.2e})", exact, size);
}

// Where results become zero: a nearest mode flushes up to half a quantum, a directed one all or nothing.
std::string flush_bound(const CastRules& rules, bool negative) {
  const Format f = rules.format;
  const int quantum = quantum_exponent(f);
  if (!f.has_zero) return "never zero";
  const auto bound = [&](std::string_view how, int exponent) {
    return fmt::format("zero only {} {}", how, with_value(exact_finite(false, 1, exponent)));
  };
  switch (rules.how.rounding) {
    case Rounding::nearest_even:
    case Rounding::nearest_to_zero: return bound("at or below", quantum - 1);
    case Rounding::nearest_away: return bound("below", quantum - 1);
    case Rounding::toward_zero: return bound("below", quantum);
    case Rounding::toward_positive: return negative ? bound("below", quantum) : "never zero when rounding up";
    case Rounding::toward_negative: return negative ? "never zero when rounding down" : bound("below", quantum);
    case Rounding::to_odd: return "never zero when rounding to odd";
    case Rounding::stochastic_a:
    case Rounding::stochastic_b:
    case Rounding::stochastic_c: return bound("by chance, below", quantum);
  }
  return {};
}

std::string ieee_range(Format f) {
  return fmt::format("largest is {}", exact_text(decode(f, max_finite_code(f))));
}

std::string subnormal_text(const CastRules& rules, const Cast& cast) {
  const int left = exponent_of(cast.result) - quantum_exponent(rules.format);
  return fmt::format("subnormal, {} of {} fraction bits left; {}", left, fraction_bits(rules.format),
                     flush_bound(rules, cast.source.negative));
}

std::string normal_text(const Cast& cast) {
  if (cast.exact) return "normal, exact";
  return fmt::format("normal, off by {:.2g} units in the last place", std::abs(*cast.ulps));
}

}  // namespace

std::string_view class_name(CastClass c) {
  switch (c) {
    case CastClass::zero_in: return "zero_in";
    case CastClass::nan_in: return "nan_in";
    case CastClass::inf_in: return "inf_in";
    case CastClass::flushed: return "flushed";
    case CastClass::subnormal: return "subnormal";
    case CastClass::normal: return "normal";
    case CastClass::saturated: return "saturated";
    case CastClass::overflowed: return "overflowed";
  }
  return "";
}

Cast cast_number(const CastRules& rules, Exact source) {
  const std::uint64_t code = code_of(rules, source);
  Cast cast{source, code, decode(rules.format, code), CastClass::normal, false, {}, {}, {}, {}};
  cast.outcome = classify(rules, source, cast.result, code);
  cast.exact = source.kind == Kind::nan ? cast.result.kind == Kind::nan : same_value(source, cast.result);
  if (source.kind != Kind::finite) return cast;
  if (cast.result.kind == Kind::finite || cast.result.kind == Kind::zero) {
    const int unit = unit_exponent(rules.format, source);
    cast.ulps = static_cast<double>(in_units(cast.result, unit) - in_units(source, unit));
  }
  if (cast.outcome == CastClass::flushed || cast.outcome == CastClass::subnormal) {
    const auto is_normal = [](CastClass c) { return c == CastClass::normal; };
    const auto survives = [](CastClass c) { return c == CastClass::normal || c == CastClass::subnormal; };
    cast.normal_at = first_scale(rules, source, 0, 1, is_normal);
    cast.survives_at = first_scale(rules, source, 0, 1, survives);
  }
  if (cast.outcome == CastClass::saturated || cast.outcome == CastClass::overflowed) {
    const auto fits = [](CastClass c) { return c == CastClass::normal || c == CastClass::subnormal; };
    cast.fits_at = first_scale(rules, source, -1, -1, fits);
  }
  return cast;
}

std::string why(const CastRules& rules, const Cast& cast) {
  if (cast.source.negative && cast.source.kind == Kind::finite && !is_signed(rules.format)) {
    return std::string(class_name(cast.outcome)) + "; the format has no values below zero";
  }
  switch (cast.outcome) {
    case CastClass::zero_in: return "was zero before";
    case CastClass::nan_in: return has_nan(rules.format) ? "was NaN before" : "was NaN before; this format has none";
    case CastClass::inf_in: return "was infinite before";
    case CastClass::flushed: return "flushed to zero; " + flush_bound(rules, cast.source.negative);
    case CastClass::subnormal: return subnormal_text(rules, cast);
    case CastClass::normal: return normal_text(cast);
    case CastClass::saturated: return "saturated, " + ieee_range(rules.format);
    case CastClass::overflowed: return "overflowed, " + ieee_range(rules.format);
  }
  return {};
}

}  // namespace lowp::tool
