// SPDX-License-Identifier: Apache-2.0
#include "lowp/exact/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);
constexpr std::int64_t radix = std::int64_t{1} << 32;

}  // namespace

void ExactSum::add_special(Exact x) {
  if (x.kind == Kind::zero) {
    (x.negative ? negative_zero_ : other_than_negative_zero_) = true;
    return;
  }
  other_than_negative_zero_ = true;
  if (x.kind == Kind::nan) {
    nan_ = true;
  } else {
    (x.negative ? negative_inf_ : positive_inf_) = true;
  }
}

// 64 bits shifted by at most 31 touch three bins, each by less than 2^32: 2^29 additions of one or two magnitudes stay
// far below 2^63.
void ExactSum::add_magnitude(bool negative, std::uint64_t significand, int exponent) {
  const int bit = exponent - lowest_exponent;
  const int up = bit >= 0 ? 0 : -bit;  // a significand may begin below the lowest bit with zeros
  assert(up < 64 && (significand & low_bits(up)) == 0);
  const int at = (bit + up) / 32;
  assert(at + 3 <= bins);
  const uint128 placed = uint128{significand >> up} << ((bit + up) % 32);
  const std::int64_t sign = negative ? -1 : 1;
  for (int i = 0; i < 3; ++i) {
    bin_[static_cast<std::size_t>(at + i)] += sign * static_cast<std::int64_t>((placed >> (32 * i)) & 0xFFFFFFFFu);
  }
  first_ = std::min(first_, at);
  last_ = std::max(last_, at + 2);
  other_than_negative_zero_ = true;
}

void ExactSum::add(Exact x) {
  if (x.kind != Kind::finite) return add_special(x);
  assert(!x.sticky);
  add_magnitude(x.negative, x.significand, x.exponent);
  if (++additions_ == additions_before_carry) carry();
}

void ExactSum::add_product(Exact a, Exact b) {
  const Kind kind = product_kind(a, b);
  if (kind != Kind::finite) return add_special(exact_special(kind, a.negative != b.negative));
  const Wide product = wide_product(a, b);
  const auto low = static_cast<std::uint64_t>(product.significand);
  const auto high = static_cast<std::uint64_t>(product.significand >> 64);
  add_magnitude(product.negative, low, product.exponent);
  if (high != 0) add_magnitude(product.negative, high, product.exponent + 64);
  if (++additions_ == additions_before_carry) carry();
}

void ExactSum::add(double x) {
  add(decode(fp64, std::bit_cast<std::uint64_t>(x)));
}

// Every bin into [0, 2^32) but the last, which keeps the sign and stays below 2^32 in magnitude, so that a borrow does
// not run up to the end.
void ExactSum::carry() {
  std::int64_t over = 0;
  for (int i = first_; i <= last_; ++i) {
    std::int64_t& bin = bin_[static_cast<std::size_t>(i)];
    bin += over;
    over = 0;
    if (i == last_ && bin > -radix && bin < radix) break;
    over = bin >> 32;
    bin -= over * radix;
  }
  if (over != 0) bin_[static_cast<std::size_t>(++last_)] = over;
  additions_ = 1;
}

void ExactSum::merge(const ExactSum& other) {
  if (std::uint64_t{additions_} + other.additions_ >= additions_before_carry) {
    carry();
    if (other.additions_ > additions_before_carry / 2) {
      ExactSum settled = other;
      settled.carry();
      return merge(settled);
    }
  }
  for (int i = other.first_; i <= other.last_; ++i) {
    bin_[static_cast<std::size_t>(i)] += other.bin_[static_cast<std::size_t>(i)];
  }
  first_ = std::min(first_, other.first_);
  last_ = std::max(last_, other.last_);
  additions_ += other.additions_;
  nan_ |= other.nan_;
  positive_inf_ |= other.positive_inf_;
  negative_inf_ |= other.negative_inf_;
  negative_zero_ |= other.negative_zero_;
  other_than_negative_zero_ |= other.other_than_negative_zero_;
}

// Digits of the magnitude from the signed bins, then the 64 bits from the leading one on.
Exact ExactSum::value(Rounding mode) const {
  if (nan_ || (positive_inf_ && negative_inf_)) return exact_special(Kind::nan, false);
  if (positive_inf_ || negative_inf_) return exact_special(Kind::inf, negative_inf_);
  std::array<std::uint32_t, bins + 2> digit{};
  const int end = std::min(last_ + 3, bins + 2);  // bins stay below 2^63, so two digits more hold what they carry
  const auto spread = [&](std::int64_t sign) {    // digits of sign * sum; what is left over is 0, or -1 if negative
    std::int64_t over = 0;
    for (int i = first_; i < end; ++i) {
      const std::int64_t sum = (i <= last_ ? sign * bin_[static_cast<std::size_t>(i)] : 0) + over;
      over = sum >> 32;
      digit[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(sum);
    }
    return over;
  };
  bool negative = false;
  if (last_ >= 0 && spread(1) < 0) {
    negative = true;
    spread(-1);
  }
  int top = end - 1;
  while (top >= first_ && digit[static_cast<std::size_t>(top)] == 0) --top;
  if (top < first_) {
    const bool all_negative_zero = negative_zero_ && !other_than_negative_zero_;
    const bool mixed = other_than_negative_zero_ && zero_sum_negative(mode) && (negative_zero_ || last_ >= 0);
    return exact_special(Kind::zero, all_negative_zero || mixed);
  }
  uint128 leading = 0;  // 96 bits: the top digit and the two below it
  for (int i = top; i > top - 3; --i) leading = (leading << 32) | (i >= 0 ? digit[static_cast<std::size_t>(i)] : 0);
  const int dropped = bit_width_128(leading) - 64;  // 1 to 32
  bool sticky = (leading & ((uint128{1} << dropped) - 1)) != 0;
  for (int i = first_; i <= top - 3 && !sticky; ++i) sticky = digit[static_cast<std::size_t>(i)] != 0;
  return exact_finite(negative, static_cast<std::uint64_t>(leading >> dropped),
                      lowest_exponent + (top - 2) * 32 + dropped, sticky);
}

double ExactSum::to_double() const {
  return std::bit_cast<double>(read(fp64, {}));
}

}  // namespace lowp
