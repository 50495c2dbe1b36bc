// SPDX-License-Identifier: Apache-2.0
// MPFR with a format's precision and exponent range, mpfr_subnormalize included, in the four directions both have.
#include <doctest/doctest.h>
#include <mpfr.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>

#include "lowp/core/arithmetic.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

struct Direction {
  Rounding ours;
  mpfr_rnd_t theirs;
};
constexpr Direction directions[] = {{Rounding::nearest_even, MPFR_RNDN},
                                    {Rounding::toward_zero, MPFR_RNDZ},
                                    {Rounding::toward_positive, MPFR_RNDU},
                                    {Rounding::toward_negative, MPFR_RNDD}};

// MPFR significands lie in [1/2, 1): its exponents are ours plus one. The range is global; the destructor restores it.
class Range {
 public:
  explicit Range(Format f) : emin_(mpfr_get_emin()), emax_(mpfr_get_emax()) {
    mpfr_set_emin(quantum_exponent(f) + 1);
    mpfr_set_emax(max_exponent(f) + 1);
  }
  ~Range() {
    mpfr_set_emin(emin_);
    mpfr_set_emax(emax_);
  }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

 private:
  mpfr_exp_t emin_, emax_;
};

class Number {
 public:
  explicit Number(int precision) { mpfr_init2(x_, precision); }
  Number(int precision, double value) : Number(precision) { mpfr_set_d(x_, value, MPFR_RNDN); }
  ~Number() { mpfr_clear(x_); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  mpfr_ptr get() { return x_; }

 private:
  mpfr_t x_;
};

// The formats of the table are all inside FP64: exact.
double value_of(Format f, std::uint64_t code) {
  const Exact x = decode(f, code);
  if (x.kind == Kind::nan) return std::nan("");
  const double size = x.kind == Kind::inf ? INFINITY : std::ldexp(static_cast<double>(x.significand), x.exponent);
  return x.negative ? -size : size;
}
bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

// theirs(result, direction) computes with MPFR and returns its ternary value.
template <class Theirs>
double by_mpfr(Format f, mpfr_rnd_t direction, Theirs theirs) {
  Number result(f.precision);
  const int ternary = theirs(result.get(), direction);
  mpfr_subnormalize(result.get(), ternary, direction);
  return mpfr_get_d(result.get(), MPFR_RNDN);
}

struct Operands {
  std::uint64_t a, b, c;
};

// Operands anywhere, and, every other time, with exponents near each other so that sums round.
Operands random_operands(Format f, std::mt19937_64& random) {
  const std::uint64_t a = random() & code_mask(f);
  if ((random() & 1) != 0) return {a, random() & code_mask(f), random() & code_mask(f)};
  const auto near = [&](std::uint64_t code) {
    const std::uint64_t step = random() % (2 * static_cast<std::uint64_t>(f.precision) + 6);
    const std::uint64_t middle = static_cast<std::uint64_t>(f.precision) + 3;
    return (code + ((step - middle) << fraction_bits(f)) + (random() & (min_normal_ordinal(f) - 1))) & code_mask(f);
  };
  const std::uint64_t b = near(a);
  return {a, b, near(mul(f, {}, a, b))};
}

int wrong_results(Format f, Direction d, Operands o) {
  const Conversion how{.rounding = d.ours};
  Number x(f.precision, value_of(f, o.a)), y(f.precision, value_of(f, o.b)), z(f.precision, value_of(f, o.c));
  const auto wrong = [&](std::uint64_t ours, auto theirs) {
    return same(value_of(f, ours), by_mpfr(f, d.theirs, theirs)) ? 0 : 1;
  };
  const mpfr_ptr p = x.get(), q = y.get(), r = z.get();
  return wrong(add(f, how, o.a, o.b), [=](mpfr_ptr to, mpfr_rnd_t rnd) { return mpfr_add(to, p, q, rnd); }) +
         wrong(sub(f, how, o.a, o.b), [=](mpfr_ptr to, mpfr_rnd_t rnd) { return mpfr_sub(to, p, q, rnd); }) +
         wrong(mul(f, how, o.a, o.b), [=](mpfr_ptr to, mpfr_rnd_t rnd) { return mpfr_mul(to, p, q, rnd); }) +
         wrong(div(f, how, o.a, o.b), [=](mpfr_ptr to, mpfr_rnd_t rnd) { return mpfr_div(to, p, q, rnd); }) +
         wrong(lowp::sqrt(f, how, o.a), [=](mpfr_ptr to, mpfr_rnd_t rnd) { return mpfr_sqrt(to, p, rnd); }) +
         wrong(lowp::fma(f, how, o.a, o.b, o.c),
               [=](mpfr_ptr to, mpfr_rnd_t rnd) { return mpfr_fma(to, p, q, r, rnd); });
}

constexpr const char* names[] = {"fp64", "fp32", "tf32", "fp16", "bf16", "e5m2", "e4m3_ieee", "e3m4", "e6m9", "e3m1"};

TEST_CASE("operations with MPFR, formats that fill their largest binade") {
  for (const std::string name : names) {
    const Format f = find_format(name).format;
    CAPTURE(name);
    const Range range(f);
    std::mt19937_64 random(7);
    int wrong = 0;
    for (int i = 0; i < 60'000; ++i) {
      const Operands o = random_operands(f, random);
      for (const Direction d : directions) {
        const int found = wrong_results(f, d, o);
        if (found != 0 && wrong == 0) MESSAGE("first: ", o.a, " ", o.b, " ", o.c, " mode ", static_cast<int>(d.ours));
        wrong += found;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("conversions from FP64 with MPFR") {
  const Format fp64 = find_format("fp64").format;
  for (const char* name : {"fp32", "tf32", "fp16", "bf16", "e5m2", "e4m3_ieee", "e3m4", "e4m3fnuz"}) {
    const Format f = find_format(name).format;
    CAPTURE(std::string(name));
    std::mt19937_64 random(11);
    int wrong = 0;
    for (int i = 0; i < 200'000; ++i) {
      const int exponent = min_exponent(f) - f.precision - 3 + static_cast<int>(random() % 40);
      double x = std::ldexp(static_cast<double>((random() >> 11) | 1), exponent - 52);
      if ((random() & 1) != 0) x = std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) & ~std::uint64_t{0} << 40);
      if ((random() & 1) != 0) x = -x;
      for (const Direction d : directions) {
        if (!f.has_inf && std::fabs(x) > value_of(f, max_finite_code(f))) continue;  // MPFR would give Inf
        Number source(53, x);
        const Range range(f);
        const double theirs = by_mpfr(f, d.theirs, [&](mpfr_ptr to, mpfr_rnd_t rnd) {
          return mpfr_check_range(to, mpfr_set(to, source.get(), rnd), rnd);
        });
        const double ours = value_of(f, encode(f, {.rounding = d.ours}, decode(fp64, std::bit_cast<std::uint64_t>(x))));
        const bool zeros = theirs == 0 && ours == 0 && !has_negative_zero(f);
        wrong += !same(ours, theirs) && !zeros;
      }
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace lowp
