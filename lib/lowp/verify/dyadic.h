// SPDX-License-Identifier: Apache-2.0
// Exact non-negative numbers: an integer of any size times a power of two. Nothing here rounds.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

namespace lowp::oracle {

using Integer = boost::multiprecision::cpp_int;

// significand * 2^exponent, significand >= 0. Several pairs may stand for one number.
struct Dyadic {
  Integer significand;
  int exponent = 0;
};

// -1, 0 or 1 as a is below, equal to or above b. Exact.
int compare(const Dyadic& a, const Dyadic& b);

// a + b, a - b (a >= b), and a * 2^power. Exact.
Dyadic sum(const Dyadic& a, const Dyadic& b);
Dyadic difference(const Dyadic& a, const Dyadic& b);
Dyadic times_power_of_two(Dyadic a, int power);

}  // namespace lowp::oracle
