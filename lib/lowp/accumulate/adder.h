// SPDX-License-Identifier: Apache-2.0
// Additions in any format and rounding mode, on values held in doubles, and what became of each operand.
#pragma once

#include <cstdint>
#include <string>

#include "lowp/core/convert.h"
#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp {

// Where sums are kept. `random_bits` and `seed` are of stochastic modes.
struct Accumulator {
  std::string name;  // of the format, as the user gave it
  Format format;
  Rounding rounding = Rounding::nearest_even;
  Overflow overflow{};
  int random_bits = 23;
  std::uint64_t seed = 0;
};

// Whether every value of the format is a double: at most 53 bits of precision within the exponents of FP64.
bool fits_double(Format f);

// Rounds to one format. Values are doubles that the format holds (NaNs lose their payload), so that a caller may keep
// them in arrays. Every result is the one of core's encode; where operands have at most 24 bits and rounding is to
// nearest even, it comes from double arithmetic, which rounds innocuously then (Figueroa 1995).
class Adder {
 public:
  explicit Adder(const Accumulator& how);

  // Random draws of what follows are those of stream `stream`; 2^20 roundings each.
  void start(std::uint64_t stream) { draw_ = stream << 20; }

  double round(double x);          // any double
  double add(double a, double b);  // values of the format
  double multiply(double a, double b);
  double divide(double a, double b);

  // Since the last clear(): additions whose smaller operand was not zero but left the larger one as it was.
  std::uint64_t absorbed() const { return absorbed_; }
  // Whether the last addition was one.
  bool last_absorbed() const { return last_absorbed_; }
  void clear() { absorbed_ = 0; }

  const Accumulator& how() const { return how_; }

 private:
  double quick_round(double x) const;
  double spec(Exact x);
  void watch(double a, double b, double sum);

  Accumulator how_;
  Conversion conversion_;
  bool quick_;
  int dropped_;  // fraction bits of a double beyond the format's
  int min_exponent_;
  double max_finite_;
  std::uint64_t draw_ = 0, absorbed_ = 0;
  bool last_absorbed_ = false;
};

}  // namespace lowp
