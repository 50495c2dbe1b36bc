// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/dyadic.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace lowp::oracle {
namespace {

// Both significands on the smaller exponent, which is returned.
int align(Integer& a, int a_exponent, Integer& b, int b_exponent) {
  const int common = std::min(a_exponent, b_exponent);
  a <<= a_exponent - common;
  b <<= b_exponent - common;
  return common;
}

int sign_of(int order) {
  return (order > 0) - (order < 0);
}

}  // namespace

int compare(const Dyadic& a, const Dyadic& b) {
  if (a.significand.is_zero() || b.significand.is_zero()) return sign_of(a.significand.compare(b.significand));
  // The place of the leading bit decides first, so that far-apart numbers need no long shift.
  const int a_top = static_cast<int>(msb(a.significand)) + a.exponent;
  const int b_top = static_cast<int>(msb(b.significand)) + b.exponent;
  if (a_top != b_top) return a_top < b_top ? -1 : 1;
  if (a.exponent >= b.exponent) {
    return sign_of(Integer(a.significand << (a.exponent - b.exponent)).compare(b.significand));
  }
  return sign_of(a.significand.compare(Integer(b.significand << (b.exponent - a.exponent))));
}

Dyadic sum(const Dyadic& a, const Dyadic& b) {
  Integer left = a.significand;
  Integer right = b.significand;
  const int exponent = align(left, a.exponent, right, b.exponent);
  return {left + right, exponent};
}

Dyadic difference(const Dyadic& a, const Dyadic& b) {
  Integer left = a.significand;
  Integer right = b.significand;
  const int exponent = align(left, a.exponent, right, b.exponent);
  assert(left >= right);
  return {left - right, exponent};
}

Dyadic times_power_of_two(Dyadic a, int power) {
  return {std::move(a.significand), a.exponent + power};
}

}  // namespace lowp::oracle
