// SPDX-License-Identifier: Apache-2.0
// Exact sums: integers wide enough that nothing the audit adds can overflow or round.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "lowp/core/exact.h"
#include "lowp/core/portable.h"

namespace lowp {

// An unsigned 256-bit integer: sums of squares of 53-bit significands over 2^40 elements need 146 bits.
struct Integer256 {
  std::array<std::uint64_t, 4> limb{};  // least significant first

  Integer256() = default;
  Integer256(uint128 value) : limb{static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> 64), 0, 0} {}

  Integer256& operator+=(const Integer256& other);
  Integer256& operator-=(const Integer256& other);  // the result must not be negative
  friend Integer256 operator+(Integer256 a, const Integer256& b) { return a += b; }
  friend Integer256 operator*(const Integer256& a, std::uint64_t b);  // modulo 2^256
  friend Integer256 operator<<(const Integer256& a, int count);       // modulo 2^256
  friend bool operator==(const Integer256&, const Integer256&) = default;
  friend std::strong_ordering operator<=>(const Integer256& a, const Integer256& b) {
    for (std::size_t i = 4; i-- > 1;) {
      if (a.limb[i] != b.limb[i]) return a.limb[i] <=> b.limb[i];
    }
    return a.limb[0] <=> b.limb[0];
  }
  bool is_zero() const { return (limb[0] | limb[1] | limb[2] | limb[3]) == 0; }
};
Integer256 product(uint128 a, std::uint64_t b);
Integer256 product(uint128 a, uint128 b);

// A fixed-point number with room for every sum the audit forms: squares of FP64 values times squares of scales, from
// 2^-3328 up to below 2^3072. Additions are exact and associative. Subtractions must not make it negative.
class WideSum {
 public:
  static constexpr int lowest_exponent = -3328;
  static constexpr int limbs = 100;

  void add(const Integer256& value, int exponent);       // += value * 2^exponent
  void subtract(const Integer256& value, int exponent);  // -= value * 2^exponent
  void add(const WideSum& other);
  void subtract(const WideSum& other);
  bool is_zero() const;
  int compare(const WideSum& other) const;  // -1, 0, 1

  // The sum with its leading 64 bits and a sticky bit for the rest: enough for any correct rounding.
  Exact leading() const;
  double to_double() const;  // nearest-even; 0 when below half the smallest subnormal
  // 10 * log10(this / other), both non-zero; right to a few units in the last place even beyond double's range.
  double decibels_over(const WideSum& other) const;
  // this / other for 0 <= this <= other, other non-zero.
  double share_of(const WideSum& other) const;

 private:
  void touch(std::size_t begin, std::size_t end);

  std::array<std::uint64_t, limbs> limb_{};
  std::size_t low_ = limbs, high_ = 0;  // limbs outside [low_, high_) are zero: sums touch few of them
};

}  // namespace lowp
