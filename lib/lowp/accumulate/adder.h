// SPDX-License-Identifier: Apache-2.0
// Additions in any format and rounding mode, on values held in doubles, and what became of each operand.
#pragma once

#include <bit>
#include <cmath>
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
  void count_absorbed_of(const Adder& inner) { absorbed_ += inner.absorbed_; }

  const Accumulator& how() const { return how_; }

 private:
  double quick_round(double x) const;
  double spec(Exact x);
  double spec_round(double x);
  double spec_add(double a, double b);
  void watch(double a, double b, double sum);

  Accumulator how_;
  Conversion conversion_;
  bool quick_;
  int dropped_;  // fraction bits of a double beyond the format's
  int min_exponent_;
  double max_finite_;
  double quantum_;  // the smallest subnormal number
  std::uint64_t draw_ = 0, absorbed_ = 0;
  bool last_absorbed_ = false;
};

// Nearest-even on the bits of a double: half a unit less one, plus the parity of the place kept, carries where it must,
// into the exponent too. Below the smallest normal number the unit stops shrinking.
inline double Adder::quick_round(double x) const {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52 & 0x7FF) - 1023;
  const int below = min_exponent_ - exponent;
  const int drop = dropped_ + (below > 0 ? below : 0);
  if (drop > 52) {
    return std::copysign(std::abs(x) > quantum_ / 2 ? quantum_ : 0.0, x);
  }
  const std::uint64_t odd = drop == 52 ? 1 : bits >> drop & 1;  // of the implicit bit, the exponent says nothing
  const std::uint64_t rounded = (bits + (std::uint64_t{1} << (drop - 1)) - 1 + odd) & ~low_bits(drop);
  return std::bit_cast<double>(rounded);
}

inline double Adder::round(double x) {
  if (quick_ && std::isfinite(x)) {
    const double rounded = quick_round(x);
    if (std::abs(rounded) <= max_finite_) return rounded;
  }
  return spec_round(x);
}

// Without branches: what is larger is as good as random. A sum equal to one operand had no use for the other.
inline void Adder::watch(double a, double b, double sum) {
  const bool lost = ((sum == a) & (b != 0)) | ((sum == b) & (a != 0));
  last_absorbed_ = lost & (sum - sum == 0);
  absorbed_ += last_absorbed_ ? 1 : 0;
}

inline double Adder::add(double a, double b) {
  const double plain = a + b;
  double sum;
  if (quick_ && std::isfinite(plain) && std::abs(plain) <= max_finite_) {
    sum = quick_round(plain);
    if (std::abs(sum) > max_finite_) sum = spec_add(a, b);
  } else {
    sum = spec_add(a, b);
  }
  watch(a, b, sum);
  return sum;
}

}  // namespace lowp
