// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/adder.h"

#include <bit>
#include <cmath>

#include "lowp/core/arithmetic.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);

Exact exact(double x) {
  return decode(fp64, std::bit_cast<std::uint64_t>(x));
}

double value_of(Format f, std::uint64_t code) {
  return std::bit_cast<double>(convert(f, fp64, Conversion{}, code));
}

}  // namespace

bool fits_double(Format f) {
  return f.precision <= 53 && quantum_exponent(f) >= quantum_exponent(fp64) && max_exponent(f) <= max_exponent(fp64);
}

Adder::Adder(const Accumulator& how)
    : how_(how),
      conversion_{.rounding = how.rounding, .overflow = how.overflow},
      quick_(how.rounding == Rounding::nearest_even && how.format.precision <= 24 && is_signed(how.format) &&
             how.format.sign != SignRule::complement && has_negative_zero(how.format) &&
             quantum_exponent(how.format) > -500 && max_exponent(how.format) < 500),
      dropped_(52 - fraction_bits(how.format)),
      min_exponent_(min_exponent(how.format)),
      max_finite_(value_of(how.format, max_finite_code(how.format))) {}

double Adder::spec(Exact x) {
  const RandomBits random =
      is_stochastic(how_.rounding) ? random_bits(how_.seed, draw_++, how_.random_bits) : RandomBits{};
  return value_of(how_.format, encode(how_.format, conversion_, x, random));
}

// Nearest-even on the bits of a double: half a unit less one, plus the parity of the place kept, carries where it must,
// into the exponent too. Below the smallest normal number the unit stops shrinking.
double Adder::quick_round(double x) const {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52 & 0x7FF) - 1023;
  const int below = min_exponent_ - exponent;
  const int drop = dropped_ + (below > 0 ? below : 0);
  if (drop > 52) {
    const double unit = std::ldexp(1.0, min_exponent_ - (52 - dropped_));
    return std::copysign(std::abs(x) > unit / 2 ? unit : 0.0, x);
  }
  const std::uint64_t odd = drop == 52 ? 1 : bits >> drop & 1;  // of the implicit bit, the exponent says nothing
  const std::uint64_t rounded = (bits + (std::uint64_t{1} << (drop - 1)) - 1 + odd) & ~low_bits(drop);
  return std::bit_cast<double>(rounded);
}

double Adder::round(double x) {
  if (quick_ && std::isfinite(x)) {
    const double rounded = quick_round(x);
    if (std::abs(rounded) <= max_finite_) return rounded;
  }
  return spec(exact(x));
}

void Adder::watch(double a, double b, double sum) {
  const bool a_larger = std::abs(a) >= std::abs(b);
  last_absorbed_ = (a_larger ? b : a) != 0 && sum == (a_larger ? a : b) && std::isfinite(sum);
  absorbed_ += last_absorbed_ ? 1 : 0;
}

double Adder::add(double a, double b) {
  const double plain = a + b;
  double sum;
  if (quick_ && std::isfinite(plain) && std::abs(plain) <= max_finite_) {
    sum = quick_round(plain);
    if (std::abs(sum) > max_finite_) sum = spec(exact_sum(exact(a), exact(b), how_.rounding));
  } else {
    sum = spec(exact_sum(exact(a), exact(b), how_.rounding));
  }
  watch(a, b, sum);
  return sum;
}

double Adder::multiply(double a, double b) {
  if (quick_ && std::isfinite(a) && std::isfinite(b)) return round(a * b);  // exact: at most 48 bits
  return spec(exact_product(exact(a), exact(b)));
}

double Adder::divide(double a, double b) {
  return spec(exact_quotient(exact(a), exact(b)));
}

}  // namespace lowp
