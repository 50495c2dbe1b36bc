// SPDX-License-Identifier: Apache-2.0
#include "lowp/exact/exact_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace lowp {
namespace {

constexpr std::size_t longest_word = 4000;
constexpr int largest_exponent = 20'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool take(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  rest.remove_prefix(word.size());
  return true;
}

// The rest of the word as an integer with an optional sign, of a size that exponents may have.
std::optional<int> exponent_word(std::string_view rest, int limit) {
  if (take(rest, "+") && rest.starts_with('-')) return {};
  int value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc{} || end != rest.data() + rest.size() || std::abs(value) > limit) return {};
  return value;
}

struct Digits {
  Natural value;
  int after_point = 0;
  bool any = false;
};

// Digits with at most one point between, before or after them.
Digits take_digits(std::string_view& rest, int base) {
  Digits digits;
  bool point = false;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    const int digit = hex_digit(rest.front());
    if (rest.front() == '.' && !point) {
      point = true;
    } else if (digit >= 0 && digit < base) {
      digits.value.multiply_add(static_cast<std::uint32_t>(base), static_cast<std::uint32_t>(digit));
      digits.after_point += point;
      digits.any = true;
    } else {
      break;
    }
  }
  return digits;
}

Exact whole(const Natural& value, int exponent) {
  if (value.is_zero()) return exact_special(Kind::zero, false);
  int dropped = 0;
  bool sticky = false;
  const std::uint64_t top = value.top_bits(dropped, sticky);
  return exact_finite(false, top, exponent + dropped, sticky);
}

// value * 5^fives * 2^twos. For negative powers a long division, bit by bit: 64 bits of quotient, what remains is
// sticky.
Exact times_powers(Natural value, int fives, int twos) {
  if (value.is_zero()) return exact_special(Kind::zero, false);
  for (int i = 0; i < fives; ++i) value.multiply_add(5, 0);
  if (fives >= 0) return whole(value, twos);
  Natural divisor(1);
  for (int i = 0; i > fives; --i) divisor.multiply_add(5, 0);
  const int up = divisor.bit_length() - value.bit_length();
  (up > 0 ? value : divisor).shift_left(std::abs(up));  // the quotient is now in (1/2, 2)
  std::uint64_t quotient = 0;
  int bits = 0;
  for (; (quotient >> 63) == 0; ++bits) {
    const bool one = value.at_least(divisor);
    if (one) value.subtract(divisor);
    value.shift_left(1);
    quotient = quotient << 1 | (one ? 1 : 0);
  }
  return exact_finite(false, quotient, twos - up - (bits - 1), !value.is_zero());
}

std::optional<Exact> parse_hexadecimal(std::string_view rest) {
  const Digits digits = take_digits(rest, 16);
  if (!digits.any || (!take(rest, "p") && !take(rest, "P"))) return {};
  const auto exponent = exponent_word(rest, 4 * largest_exponent);
  if (!exponent) return {};
  return whole(digits.value, *exponent - 4 * digits.after_point);
}

std::optional<Exact> parse_decimal(std::string_view rest) {
  const Digits digits = take_digits(rest, 10);
  if (!digits.any) return {};
  const bool power = digits.after_point == 0 && (rest.starts_with("^") || rest.starts_with("*2^"));
  if (power) {
    const bool factor = take(rest, "*2^");
    if (!factor && (digits.value.decimal() != "2" || !take(rest, "^"))) return {};
    const auto exponent = exponent_word(rest, 4 * largest_exponent);
    if (!exponent) return {};
    return factor ? whole(digits.value, *exponent) : exact_finite(false, 1, *exponent);
  }
  int exponent = 0;
  if (!rest.empty()) {
    if (!take(rest, "e") && !take(rest, "E")) return {};
    const auto written = exponent_word(rest, largest_exponent);
    if (!written) return {};
    exponent = *written;
  }
  exponent -= digits.after_point;
  return times_powers(digits.value, exponent, exponent);
}

// Without trailing zeros in the significand: the same value in its shortest form.
Exact odd_significand(Exact x) {
  const int zeros = std::countr_zero(x.significand);
  x.significand >>= zeros;
  x.exponent += zeros;
  return x;
}

std::string special_text(Exact x) {
  if (x.kind == Kind::nan) return "NaN";
  return (x.negative ? "-" : "") + std::string(x.kind == Kind::inf ? "Inf" : "0");
}

std::string digits_of(Exact x) {
  Natural value(x.significand);
  if (x.exponent >= 0) {
    value.shift_left(x.exponent);
    return value.decimal();
  }
  for (int i = 0; i > x.exponent; --i) value.multiply_add(5, 0);  // m / 2^k = m * 5^k / 10^k
  const auto places = static_cast<std::size_t>(-x.exponent);
  std::string digits = value.decimal();
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  return digits.insert(digits.size() - places, 1, '.');
}

}  // namespace

Natural::Natural(std::uint64_t value)
    : limbs_{static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)} {
  trim();
}

void Natural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

int Natural::bit_length() const {
  return limbs_.empty() ? 0 : static_cast<int>(limbs_.size() - 1) * 32 + lowp::bit_width(limbs_.back());
}

void Natural::multiply_add(std::uint32_t factor, std::uint32_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t& limb : limbs_) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
}

std::uint32_t Natural::divide(std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    rest = rest << 32 | limbs_[i];
    limbs_[i] = static_cast<std::uint32_t>(rest / divisor);
    rest %= divisor;
  }
  trim();
  return static_cast<std::uint32_t>(rest);
}

void Natural::shift_left(int count) {
  if (limbs_.empty()) return;
  multiply_add(std::uint32_t{1} << (count % 32), 0);
  limbs_.insert(limbs_.begin(), static_cast<std::size_t>(count / 32), 0);
}

bool Natural::at_least(const Natural& other) const {
  if (limbs_.size() != other.limbs_.size()) return limbs_.size() > other.limbs_.size();
  return !std::lexicographical_compare(limbs_.rbegin(), limbs_.rend(), other.limbs_.rbegin(), other.limbs_.rend());
}

void Natural::subtract(const Natural& other) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const std::uint64_t taken = borrow + (i < other.limbs_.size() ? other.limbs_[i] : 0);
    borrow = limbs_[i] < taken ? 1 : 0;
    limbs_[i] = static_cast<std::uint32_t>(limbs_[i] - taken);
  }
  trim();
}

std::uint64_t Natural::top_bits(int& dropped, bool& sticky) const {
  const int length = bit_length();
  dropped = std::max(0, length - 64);
  std::uint64_t top = 0;
  for (int bit = length - 1; bit >= dropped; --bit) {
    top = top << 1 | (limbs_[static_cast<std::size_t>(bit / 32)] >> (bit % 32) & 1);
  }
  sticky = false;
  for (int bit = 0; bit < dropped && !sticky; ++bit) {
    sticky = (limbs_[static_cast<std::size_t>(bit / 32)] >> (bit % 32) & 1) != 0;
  }
  return top;
}

std::string Natural::decimal() const {
  Natural rest = *this;
  std::string digits;
  while (!rest.is_zero()) {
    std::uint32_t group = rest.divide(1'000'000'000);
    for (int i = 0; i < 9 && (group != 0 || !rest.is_zero()); ++i, group /= 10) {
      digits.push_back(static_cast<char>('0' + group % 10));
    }
  }
  if (digits.empty()) return "0";
  std::ranges::reverse(digits);
  return digits;
}

std::optional<Exact> parse_exact(std::string_view word) {
  if (word.size() > longest_word) return {};
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  std::string lower(word.substr(0, 9));
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "nan") return exact_special(Kind::nan, false);
  if (lower == "inf" || lower == "infinity") return exact_special(Kind::inf, negative);
  const bool hexadecimal = take(word, "0x") || take(word, "0X");
  auto value = hexadecimal ? parse_hexadecimal(word) : parse_decimal(word);
  if (value) value->negative = negative;
  return value;
}

std::string decimal_text(Exact x) {
  if (x.kind != Kind::finite) return special_text(x);
  return (x.negative ? "-" : "") + digits_of(odd_significand(x));
}

std::string exact_text(Exact x) {
  if (x.kind != Kind::finite) return special_text(x);
  x = odd_significand(x);
  const std::string sign = x.negative ? "-" : "";
  if (x.significand == 1 && (x.exponent < -6 || x.exponent > 16)) return fmt::format("{}2^{}", sign, x.exponent);
  if (x.exponent >= -64 && x.exponent <= 64) {
    if (const std::string digits = digits_of(x); digits.size() <= 12) return sign + digits;
  }
  return fmt::format("{}{} * 2^{}", sign, x.significand, x.exponent);
}

std::string short_text(Exact x) {
  if (x.kind != Kind::finite) return special_text(x);
  const double size = std::ldexp(static_cast<double>(x.significand), x.exponent);
  if (!std::isnormal(size)) return exact_text(x);
  return fmt::format("{:.8g}", x.negative ? -size : size);
}

}  // namespace lowp
