// SPDX-License-Identifier: Apache-2.0
// The truth that every model is compared with: sums and dot products without any rounding until they are read.
// WideSum is the other exact sum: of unsigned 256-bit groups, with subtraction and comparison. Each is nearly twice as
// fast at its own work as the other would be: 3.0 against 5.1 ns for a signed FP64 number, 5.4 against 9.3 for a group.
#pragma once

#include <array>
#include <cstdint>

#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"

namespace lowp {

// A fixed-point number from 2^-2176 to 2^2176: room for 2^60 products of FP64 values. Exact and associative, so parts
// may be summed in any order and merged. Non-finite terms follow IEEE 754: NaN or opposite infinities give NaN. A zero
// sum is +0 unless every term was -0 (or rounding is toward_negative); an empty one is +0.
class ExactSum {
 public:
  // Terms have no sticky bit; magnitudes of finite ones lie between 2^-2176 and 2^2048.
  void add(Exact x);
  void subtract(Exact x) { add(negated(x)); }
  void add_product(Exact a, Exact b);
  void add(double x);
  void merge(const ExactSum& other);

  // The sum with its leading 64 bits and a sticky bit for the rest: any rounding to at most 53 bits of it is correct,
  // stochastic ones too while precision + random bits <= 62. `mode` only decides the sign of an exact cancellation.
  Exact value(Rounding mode = Rounding::nearest_even) const;
  std::uint64_t read(Format f, Conversion how, RandomBits random = {}) const {
    return encode(f, how, value(how.rounding), random);
  }
  double to_double() const;  // nearest_even

 private:
  static constexpr int lowest_exponent = -2176;
  static constexpr int bins = 138;  // 4352 bits and two bins for carries
  static constexpr std::uint32_t additions_before_carry = std::uint32_t{1} << 29;

  void add_magnitude(bool negative, std::uint64_t significand, int exponent);
  void add_special(Exact x);
  void carry();

  // Bin i counts 2^(lowest_exponent + 32 i); bins are signed and carry late. Only [first_, last_] can be non-zero.
  std::array<std::int64_t, bins> bin_{};
  int first_ = bins, last_ = -1;
  std::uint32_t additions_ = 0;
  bool nan_ = false, positive_inf_ = false, negative_inf_ = false;
  bool negative_zero_ = false, other_than_negative_zero_ = false;
};

}  // namespace lowp
