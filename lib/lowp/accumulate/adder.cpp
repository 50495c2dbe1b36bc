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
      max_finite_(value_of(how.format, max_finite_code(how.format))),
      quantum_(std::ldexp(1.0, quantum_exponent(how.format))) {}

double Adder::spec(Exact x) {
  const RandomBits random =
      is_stochastic(how_.rounding) ? random_bits(how_.seed, draw_++, how_.random_bits) : RandomBits{};
  return value_of(how_.format, encode(how_.format, conversion_, x, random));
}

double Adder::spec_round(double x) {
  return spec(exact(x));
}

double Adder::spec_add(double a, double b) {
  return spec(exact_sum(exact(a), exact(b), how_.rounding));
}

double Adder::multiply(double a, double b) {
  if (quick_ && std::isfinite(a) && std::isfinite(b)) return round(a * b);  // exact: at most 48 bits
  return spec(exact_product(exact(a), exact(b)));
}

double Adder::divide(double a, double b) {
  return spec(exact_quotient(exact(a), exact(b)));
}

}  // namespace lowp
