// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/arithmetic_oracle.h"

#include <utility>

namespace lowp::oracle {
namespace {

Dyadic product(const Dyadic& a, const Dyadic& b) {
  return {a.significand * b.significand, a.exponent + b.exponent};
}

ExactResult special(Meaning meaning, bool negative = false) {
  return {meaning, negative, {}, {Integer(1), 0}, false};
}
ExactResult number(bool negative, Dyadic numerator, Dyadic denominator = {Integer(1), 0}, bool root = false) {
  return {Meaning::number, negative, std::move(numerator), std::move(denominator), root};
}

bool is_nan(const Real& x) {
  return x.meaning == Meaning::nan;
}
bool is_infinite(const Real& x) {
  return x.meaning == Meaning::infinity;
}
bool is_zero(const Real& x) {
  return x.meaning == Meaning::zero;
}

// a + b of numbers or zeros; what an exact zero's sign is has been decided by the caller for two zeros.
ExactResult finite_sum(bool a_negative, const Dyadic& a, bool b_negative, const Dyadic& b, Mode mode) {
  if (a_negative == b_negative) return number(a_negative, sum(a, b));
  const int order = compare(a, b);
  if (order == 0) return special(Meaning::zero, mode == Mode::toward_negative);
  return order > 0 ? number(a_negative, difference(a, b)) : number(b_negative, difference(b, a));
}

// -1, 0, 1 as the result's magnitude is below, at or above v. For roots both sides are squared.
int compare(const ExactResult& x, const Dyadic& v) {
  return oracle::compare(x.numerator, product(x.root ? product(v, v) : v, x.denominator));
}

}  // namespace

Real minus(Real x) {
  x.negative = !x.negative;
  return x;
}

ExactResult sum_of(const Real& a, const Real& b, Mode mode) {
  if (is_nan(a) || is_nan(b)) return special(Meaning::nan);
  if (is_infinite(a) && is_infinite(b)) {
    return a.negative == b.negative ? special(Meaning::infinity, a.negative) : special(Meaning::nan);
  }
  if (is_infinite(a)) return special(Meaning::infinity, a.negative);
  if (is_infinite(b)) return special(Meaning::infinity, b.negative);
  if (is_zero(a) && is_zero(b)) {
    const bool negative = a.negative == b.negative ? a.negative : mode == Mode::toward_negative;
    return special(Meaning::zero, negative);
  }
  if (is_zero(a)) return number(b.negative, b.magnitude);
  if (is_zero(b)) return number(a.negative, a.magnitude);
  return finite_sum(a.negative, a.magnitude, b.negative, b.magnitude, mode);
}

ExactResult product_of(const Real& a, const Real& b) {
  const bool negative = a.negative != b.negative;
  if (is_nan(a) || is_nan(b)) return special(Meaning::nan);
  if ((is_infinite(a) && is_zero(b)) || (is_zero(a) && is_infinite(b))) return special(Meaning::nan);
  if (is_infinite(a) || is_infinite(b)) return special(Meaning::infinity, negative);
  if (is_zero(a) || is_zero(b)) return special(Meaning::zero, negative);
  return number(negative, product(a.magnitude, b.magnitude));
}

ExactResult quotient_of(const Real& a, const Real& b) {
  const bool negative = a.negative != b.negative;
  if (is_nan(a) || is_nan(b)) return special(Meaning::nan);
  if ((is_infinite(a) && is_infinite(b)) || (is_zero(a) && is_zero(b))) return special(Meaning::nan);
  if (is_infinite(a) || is_zero(b)) return special(Meaning::infinity, negative);
  if (is_zero(a) || is_infinite(b)) return special(Meaning::zero, negative);
  return number(negative, a.magnitude, b.magnitude);
}

ExactResult root_of(const Real& x) {
  if (is_nan(x)) return special(Meaning::nan);
  if (is_zero(x)) return special(Meaning::zero, x.negative);
  if (x.negative) return special(Meaning::nan);
  if (is_infinite(x)) return special(Meaning::infinity);
  return number(false, x.magnitude, {Integer(1), 0}, true);
}

ExactResult fused_of(const Real& a, const Real& b, const Real& c, Mode mode) {
  const ExactResult exact = product_of(a, b);
  return sum_of({exact.meaning, exact.negative, exact.numerator}, c, mode);
}

Place locate(const Grid& grid, const ExactResult& x) {
  std::uint64_t low = 0;
  std::uint64_t high = grid.largest() + 1;
  if (compare(x, grid.value(low)) < 0) return {low, Relation::below_all};
  if (compare(x, grid.value(high)) >= 0) return {high, Relation::beyond_all};
  while (high - low > 1) {  // value(low) <= x < value(high)
    const std::uint64_t middle = low + (high - low) / 2;
    (compare(x, grid.value(middle)) < 0 ? high : low) = middle;
  }
  if (compare(x, grid.value(low)) == 0) return {low, Relation::exact};
  const int order = compare(x, times_power_of_two(sum(grid.value(low), grid.value(high)), -1));
  if (order == 0) return {low, Relation::midway};
  return {low, order < 0 ? Relation::nearer_lower : Relation::nearer_upper};
}

std::uint64_t decide_result(const Grid& grid, Mode mode, Saturation saturation, const ExactResult& x, Place place) {
  if (x.meaning != Meaning::number) {
    return decide_special(grid.format(), grid.largest(), saturation, x.meaning, x.negative);
  }
  return decide(grid.format(), grid.largest(), mode, saturation, x.negative, place);
}

}  // namespace lowp::oracle
