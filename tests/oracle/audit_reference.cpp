// SPDX-License-Identifier: Apache-2.0
#include "audit_reference.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <utility>

#include "lowp/core/convert.h"

namespace lowp::oracle {
namespace {

using boost::multiprecision::cpp_int;

constexpr int base = -4000;  // every value below is an integer times 2^base, every square an integer times 2^(2 base)

// Not inlined: where g++ 14 knows that the number has one limb, it takes the shift's copy for one beyond that limb's
// end.
[[gnu::noinline]] cpp_int shifted(cpp_int value, int bits) {
  return std::move(value <<= bits);
}

cpp_int fixed(Exact x) {
  if (x.kind != Kind::finite) return 0;
  const cpp_int magnitude = shifted(x.significand, x.exponent - base);
  return x.negative ? cpp_int(-magnitude) : magnitude;
}

// Correctly rounded: 62 leading bits with a sticky one, then one conversion by the hardware, then an exact scaling.
double to_double(const cpp_int& value, int exponent) {
  if (value == 0) return 0;
  const cpp_int magnitude = abs(value);
  const int drop = std::max(0, static_cast<int>(msb(magnitude)) - 61);
  cpp_int leading = magnitude >> drop;
  if ((leading << drop) != magnitude) leading |= 1;
  const double rounded = std::ldexp(static_cast<double>(static_cast<std::uint64_t>(leading)), exponent + drop);
  return value < 0 ? -rounded : rounded;
}

ElementClass class_of(Format f, Exact y, Exact result, bool beyond) {
  if (beyond) return result.kind == Kind::finite ? ElementClass::saturated : ElementClass::overflowed;
  (void)y;
  if (result.kind == Kind::zero) return ElementClass::flushed;
  return exponent_of(result) < min_exponent(f) ? ElementClass::subnormal : ElementClass::normal;
}

}  // namespace

Outcome reference_outcome(std::span<const Exact> elements, const Target& target, int dump_scale_log2, int scale_log2) {
  Outcome outcome;
  outcome.scale_log2 = scale_log2;
  outcome.elements = elements.size();
  ErrorMoments error_moments;
  std::uint64_t results_exact = 0;
  const Interval one = Interval::exactly(1);
  cpp_int sum_abs = 0, sum_error = 0, signal = 0, squared[4] = {0, 0, 0, 0}, total = 0;
  std::uint64_t counted = 0;
  for (const Exact& element : elements) {
    if (element.kind == Kind::nan) ++outcome.nan_in;
    if (element.kind == Kind::inf) ++outcome.inf_in;
    if (element.kind == Kind::zero) outcome.zero_in += one;
    if (element.kind == Kind::zero) ++counted;
    if (element.kind != Kind::finite) continue;
    const Exact x = scaled(element, -dump_scale_log2), y = scaled(x, scale_log2);
    const Exact r = decode(target.format, encode(target.format, target.rounding, target.overflow, y));
    const bool beyond = overflows(target.format, round_magnitude(target.format, target.rounding, y));
    const ElementClass element_class = class_of(target.format, y, r, beyond);
    outcome.counts[element_class] += one;
    if (element_class == ElementClass::overflowed) continue;
    ++counted;
    const cpp_int exact = fixed(x), error = fixed(scaled(r, -scale_log2)) - exact;
    if (error == 0) ++results_exact;
    sum_abs += abs(error);
    sum_error += error;
    signal += exact * exact;
    squared[static_cast<int>(element_class)] += error * error;
    total += error * error;
  }
  error_moments.sum_abs = to_double(sum_abs, base);
  error_moments.sum_squared = to_double(total, 2 * base);
  if (counted != 0) error_moments.bias = to_double(sum_error, base) / static_cast<double>(counted);
  outcome.exact = Interval::exactly(results_exact);
  outcome.error = error_moments;
  if (total == 0) return outcome;
  for (int c = 0; c < 4; ++c) {
    outcome.error->share_of_squared[static_cast<std::size_t>(c)] =
        static_cast<double>(squared[c].convert_to<long double>() / total.convert_to<long double>());
  }
  if (signal != 0 && outcome.counts[ElementClass::overflowed] == 0) {
    const int drop = static_cast<int>(msb(total)) > 4000 ? static_cast<int>(msb(total)) - 4000 : 0;
    const long double ratio =
        cpp_int(signal >> drop).convert_to<long double>() / cpp_int(total >> drop).convert_to<long double>();
    outcome.error->snr_db = static_cast<double>(10 * log10l(ratio));
  }
  return outcome;
}

}  // namespace lowp::oracle
