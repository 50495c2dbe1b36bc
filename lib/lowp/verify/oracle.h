// SPDX-License-Identifier: Apache-2.0
// The judge of encode: it never rounds, it asks which of two neighbours of the exact number is the right one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lowp/verify/oracle_format.h"

namespace lowp::oracle {

enum class Mode : std::uint8_t {
  nearest_even,
  nearest_away,
  nearest_to_zero,
  toward_zero,
  toward_positive,
  toward_negative,
  to_odd,
};

// `finite`: what finite overflow gives is the largest number. `infinite`: what an infinite source gives is too.
struct Saturation {
  bool finite = false;
  bool infinite = false;
};

// An exact source: a special, or a sign and a magnitude.
struct Real {
  Meaning meaning = Meaning::zero;
  bool negative = false;
  Dyadic magnitude;
};
Real real_of_code(const OracleFormat& f, std::uint64_t code);

// A format with its values in ascending order, kept in a list where there are at most 2^16 of them.
class Grid {
 public:
  explicit Grid(const OracleFormat& format);
  const OracleFormat& format() const { return format_; }
  std::uint64_t largest() const { return largest_; }
  // Value of `fields` from 0 to largest() + 1: the last is the next number if the exponent were unbounded.
  Dyadic value(std::uint64_t fields) const;

 private:
  OracleFormat format_;
  std::uint64_t largest_;
  std::vector<Dyadic> values_;
};

// Where a positive number lies between two neighbours `fields` and `fields` + 1.
enum class Relation : std::uint8_t {
  exact,         // it is the lower neighbour
  nearer_lower,  // twice the number is below the sum of the neighbours
  midway,
  nearer_upper,
  below_all,   // less than the smallest magnitude of a format that has no zero
  beyond_all,  // at or above the next number after the largest one
};
struct Place {
  std::uint64_t fields = 0;
  Relation relation = Relation::exact;
};
Place locate(const Grid& grid, const Dyadic& magnitude);

// The code a finite number at `place` must get.
std::uint64_t decide(const OracleFormat& f, std::uint64_t largest, Mode mode, Saturation saturation, bool negative,
                     Place place);

// The code for zero, Inf and NaN sources; NaN gives the canonical NaN, else the largest number.
std::uint64_t decide_special(const OracleFormat& f, std::uint64_t largest, Saturation saturation, Meaning meaning,
                             bool negative);

// The code `x` must get.
std::uint64_t oracle_encode(const Grid& grid, Mode mode, Saturation saturation, const Real& x);

// The stochastic modes of P3109 v4.0 4.7.4: whether the upper neighbour is taken hangs on `count` random bits.
enum class Stochastic : std::uint8_t { a, b, c };
struct Draw {
  std::uint32_t bits = 0;
  int count = 0;
};
std::uint64_t oracle_encode(const Grid& grid, Stochastic mode, Draw draw, Saturation saturation, const Real& x);

// False where the oracle does not know the name.
bool find_mode(std::string_view name, Mode& mode);

}  // namespace lowp::oracle
