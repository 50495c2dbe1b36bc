// SPDX-License-Identifier: Apache-2.0
// The judge of add, sub, mul, div, sqrt and fma: exact quotients and roots are placed between neighbours, never
// computed.
#pragma once

#include <cstdint>

#include "lowp/verify/oracle.h"

namespace lowp::oracle {

// An exact result: a special, or sign and magnitude, which is numerator / denominator or the square root of it.
struct ExactResult {
  Meaning meaning = Meaning::nan;
  bool negative = false;
  Dyadic numerator;
  Dyadic denominator{Integer(1), 0};
  bool root = false;
};

// IEEE 754-2019 5.4.1, with the specials of 6.1, 6.2, 7.2 and 7.3. `mode` decides the sign of an exact sum of zero
// whose operands differ in sign (6.3).
ExactResult sum_of(const Real& a, const Real& b, Mode mode);
ExactResult product_of(const Real& a, const Real& b);
ExactResult quotient_of(const Real& a, const Real& b);
ExactResult root_of(const Real& x);
ExactResult fused_of(const Real& a, const Real& b, const Real& c, Mode mode);
Real minus(Real x);

// Where the magnitude of a result lies; only for Meaning::number.
Place locate(const Grid& grid, const ExactResult& x);

// The code `x` must get in the grid's format; `place` is locate's answer, not looked at for specials.
std::uint64_t decide_result(const Grid& grid, Mode mode, Saturation saturation, const ExactResult& x, Place place);

}  // namespace lowp::oracle
