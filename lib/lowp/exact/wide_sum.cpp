// SPDX-License-Identifier: Apache-2.0
#include "lowp/exact/wide_sum.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

// a += b + carry, returning the new carry.
std::uint64_t add_limb(std::uint64_t& a, std::uint64_t b, std::uint64_t carry) {
  const uint128 sum = static_cast<uint128>(a) + b + carry;
  a = static_cast<std::uint64_t>(sum);
  return static_cast<std::uint64_t>(sum >> 64);
}
// a -= b + borrow, returning the new borrow.
std::uint64_t subtract_limb(std::uint64_t& a, std::uint64_t b, std::uint64_t borrow) {
  const uint128 take = static_cast<uint128>(b) + borrow;
  const bool under = static_cast<uint128>(a) < take;
  a = static_cast<std::uint64_t>(a - take);
  return under ? 1 : 0;
}

// Where value * 2^exponent goes: five limbs from `first` on.
struct Placed {
  std::size_t first;
  std::array<std::uint64_t, 5> limb;
};
Placed place(const Integer256& value, int exponent) {
  const int bit = exponent - WideSum::lowest_exponent;
  assert(bit >= 0 && bit / 64 + 5 <= WideSum::limbs);
  Placed placed{static_cast<std::size_t>(bit / 64), {}};
  const int shift = bit % 64;
  for (std::size_t i = 0; i < 4; ++i) {
    placed.limb[i] |= value.limb[i] << shift;
    if (shift != 0) placed.limb[i + 1] = value.limb[i] >> (64 - shift);
  }
  return placed;
}

// leading() as a double in [2^63, 2^64] and its exponent: for ratios beyond double's range.
double leading_double(const Exact& x) {
  return static_cast<double>(x.significand);
}

}  // namespace

Integer256& Integer256::operator+=(const Integer256& other) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) carry = add_limb(limb[i], other.limb[i], carry);
  assert(carry == 0);
  return *this;
}

Integer256& Integer256::operator-=(const Integer256& other) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) borrow = subtract_limb(limb[i], other.limb[i], borrow);
  assert(borrow == 0);
  return *this;
}

Integer256 operator*(const Integer256& a, std::uint64_t b) {
  Integer256 result;
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const uint128 term = static_cast<uint128>(a.limb[i]) * b + carry;
    result.limb[i] = static_cast<std::uint64_t>(term);
    carry = static_cast<std::uint64_t>(term >> 64);
  }
  return result;
}

Integer256 operator<<(const Integer256& a, int count) {
  Integer256 result;
  const std::size_t whole = static_cast<std::size_t>(count / 64);
  const int shift = count % 64;
  for (std::size_t i = whole; i < 4; ++i) {
    result.limb[i] = a.limb[i - whole] << shift;
    if (shift != 0 && i > whole) result.limb[i] |= a.limb[i - whole - 1] >> (64 - shift);
  }
  return result;
}

Integer256 product(uint128 a, std::uint64_t b) {
  return Integer256{a} * b;
}

Integer256 product(uint128 a, uint128 b) {
  return product(a, static_cast<std::uint64_t>(b)) + (product(a, static_cast<std::uint64_t>(b >> 64)) << 64);
}

void WideSum::touch(std::size_t begin, std::size_t end) {
  low_ = std::min(low_, begin);
  high_ = std::max(high_, end);
}

void WideSum::add(const Integer256& value, int exponent) {
  if (value.is_zero()) return;
  const Placed placed = place(value, exponent);
  std::uint64_t carry = 0;
  std::size_t at = placed.first;
  for (const std::uint64_t word : placed.limb) carry = add_limb(limb_[at++], word, carry);
  for (; carry != 0; ++at) {
    assert(at < limbs);
    carry = add_limb(limb_[at], 0, carry);
  }
  touch(placed.first, at);
}

void WideSum::subtract(const Integer256& value, int exponent) {
  if (value.is_zero()) return;
  const Placed placed = place(value, exponent);
  std::uint64_t borrow = 0;
  std::size_t at = placed.first;
  for (const std::uint64_t word : placed.limb) borrow = subtract_limb(limb_[at++], word, borrow);
  for (; borrow != 0 && at < limbs; ++at) {
    borrow = subtract_limb(limb_[at], 0, borrow);
  }
  touch(placed.first, at);
}

void WideSum::add(const WideSum& other) {
  if (other.low_ >= other.high_) return;
  std::uint64_t carry = 0;
  std::size_t at = other.low_;
  for (; at < other.high_; ++at) carry = add_limb(limb_[at], other.limb_[at], carry);
  for (; carry != 0; ++at) {
    assert(at < limbs);
    carry = add_limb(limb_[at], 0, carry);
  }
  touch(other.low_, at);
}

void WideSum::subtract(const WideSum& other) {
  if (other.low_ >= other.high_) return;
  std::uint64_t borrow = 0;
  std::size_t at = other.low_;
  for (; at < other.high_; ++at) borrow = subtract_limb(limb_[at], other.limb_[at], borrow);
  for (; borrow != 0 && at < limbs; ++at) {
    borrow = subtract_limb(limb_[at], 0, borrow);
  }
  touch(other.low_, at);
}

bool WideSum::is_zero() const {
  for (std::size_t i = low_; i < high_; ++i) {
    if (limb_[i] != 0) return false;
  }
  return true;
}

int WideSum::compare(const WideSum& other) const {
  for (std::size_t i = std::max(high_, other.high_); i-- > std::min(low_, other.low_);) {
    if (limb_[i] != other.limb_[i]) return limb_[i] < other.limb_[i] ? -1 : 1;
  }
  return 0;
}

Exact WideSum::leading() const {
  std::size_t top = high_;
  while (top > low_ && limb_[top - 1] == 0) --top;
  if (top <= low_) return exact_special(Kind::zero, false);
  const int shift = 64 - bit_width(limb_[top - 1]);
  std::uint64_t significand = limb_[top - 1] << shift;
  bool sticky = false;
  if (top >= 2) {
    if (shift != 0) significand |= limb_[top - 2] >> (64 - shift);
    sticky = (limb_[top - 2] << shift) != 0;
    for (std::size_t i = low_; i + 2 < top; ++i) sticky |= limb_[i] != 0;
  }
  return exact_finite(false, significand, lowest_exponent + static_cast<int>(top - 1) * 64 - shift, sticky);
}

double WideSum::to_double() const {
  return std::bit_cast<double>(encode(ieee_format(11, 52), Rounding::nearest_even, Overflow{}, leading()));
}

double WideSum::decibels_over(const WideSum& other) const {
  const Exact a = leading(), b = other.leading();
  const double binades = static_cast<double>(a.exponent - b.exponent);
  return 10 * (std::log10(leading_double(a) / leading_double(b)) + binades * std::log10(2.0));
}

double WideSum::share_of(const WideSum& other) const {
  if (is_zero()) return 0;
  const Exact a = leading(), b = other.leading();
  return std::ldexp(leading_double(a) / leading_double(b), a.exponent - b.exponent);
}

}  // namespace lowp
