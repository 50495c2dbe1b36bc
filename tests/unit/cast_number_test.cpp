// SPDX-License-Identifier: Apache-2.0
// Decimals, hexadecimal floats and exact digits against the C library, which rounds them right in every direction.
#include <doctest/doctest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "cast_explained.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/exact/exact_number.h"

namespace lowp::tool {
namespace {

const Format fp64 = find_format("fp64").format;

std::uint64_t ours(const std::string& word, Rounding mode) {
  const auto value = parse_exact(word);
  REQUIRE(value.has_value());
  return encode(fp64, mode, {}, *value);
}

std::uint64_t library(const std::string& word, int fenv) {
  std::fesetround(fenv);
  const double value = std::strtod(word.c_str(), nullptr);
  std::fesetround(FE_TONEAREST);
  return std::bit_cast<std::uint64_t>(value);
}

void check_word(const std::string& word) {
  CAPTURE(word);
  REQUIRE(ours(word, Rounding::nearest_even) == library(word, FE_TONEAREST));
  REQUIRE(ours(word, Rounding::toward_zero) == library(word, FE_TOWARDZERO));
  REQUIRE(ours(word, Rounding::toward_positive) == library(word, FE_UPWARD));
  REQUIRE(ours(word, Rounding::toward_negative) == library(word, FE_DOWNWARD));
}

TEST_CASE("decimals read as the C library reads them, in four directions") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string word = random() % 2 ? "-" : "";
    const int digits = 1 + static_cast<int>(random() % 40);
    const int point = static_cast<int>(random() % 41);
    for (int d = 0; d < digits; ++d) {
      if (d == point) word += '.';
      word += static_cast<char>('0' + random() % 10);
    }
    word += "e" + std::to_string(static_cast<int>(random() % 680) - 360);
    check_word(word);
  }
}

TEST_CASE("halfway decimals, and one digit beside them") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 2'000; ++i) {
    // Midpoint of two neighbouring doubles, written out in full.
    const std::uint64_t code = random() % (std::uint64_t{0x7fe} << 52);
    Exact middle = decode(fp64, code);
    middle.significand = 2 * middle.significand + 1;
    --middle.exponent;
    const std::string digits = decimal_text(exact_finite(false, middle.significand, middle.exponent));
    check_word(digits);
    check_word(digits + (digits.find('.') == digits.npos ? ".0000001" : "0000001"));
  }
}

TEST_CASE("all digits of a double") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t code = random() % (std::uint64_t{0x7ff} << 52);
    char printed[1500];
    std::snprintf(printed, sizeof printed, "%.1074f", std::bit_cast<double>(code));
    std::string want(printed);
    want.erase(want.find_last_not_of('0') + 1);
    if (want.back() == '.') want.pop_back();
    REQUIRE(decimal_text(decode(fp64, code)) == want);
  }
}

TEST_CASE("other spellings") {
  const auto is = [](const char* word, std::uint64_t significand, int exponent) {
    const auto value = parse_exact(word);
    REQUIRE(value.has_value());
    return encode(fp64, {}, *value) == encode(fp64, {}, exact_finite(false, significand, exponent)) && !value->sticky;
  };
  CHECK(is("2^-25", 1, -25));
  CHECK(is("3*2^-24", 3, -24));
  CHECK(is("0x1.8p-25", 3, -26));
  CHECK(is("0X.8P+1", 1, 0));
  CHECK(is("+65520.", 65520, 0));
  CHECK(is(".5", 1, -1));
  CHECK(parse_exact("-0")->negative);
  CHECK(parse_exact("-Infinity")->kind == Kind::inf);
  CHECK(parse_exact("NaN")->kind == Kind::nan);
  CHECK(parse_exact("1e-20000")->kind == Kind::finite);
  CHECK(parse_exact("0x1.0000000000000000000001p0")->sticky);
  for (const char* bad :
       {"",      "-",  "+",   ".",     "e5",   "1e",      "1e+", "1e+-2", "1e5x", "1..2",    "0x",  "0x1",
        "0x.p1", "2^", "3^4", "2^1.5", "2*2^", "1e20001", "--1", "1 ",    " 1",   "infinit", "0x1p"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_exact(bad).has_value());
  }
  CHECK_FALSE(parse_exact(std::string(4001, '1')).has_value());
}

Cast in(const char* format, const char* word, Overflow overflow = {}) {
  return cast_number({format, find_format(format).format, {.overflow = overflow}, {}}, *parse_exact(word));
}

TEST_CASE("classes and the scales that help") {
  CHECK(in("fp16", "1.2e-7").outcome == CastClass::subnormal);
  CHECK(in("fp16", "1.2e-7").code == 2);
  CHECK(in("fp16", "1.2e-7").normal_at == 9);
  CHECK(in("fp16", "2^-25").outcome == CastClass::flushed);
  CHECK(in("fp16", "2^-25").survives_at == 1);
  CHECK(in("fp16", "2.98023223876953126e-8").outcome == CastClass::subnormal);  // just above 2^-25
  CHECK(in("fp16", "65519.999").outcome == CastClass::normal);
  CHECK(in("fp16", "65520").outcome == CastClass::overflowed);
  CHECK(in("fp16", "65520").fits_at == -1);
  CHECK(in("fp16", "65520", {true, true}).outcome == CastClass::saturated);
  CHECK(in("e4m3", "464").outcome == CastClass::normal);
  CHECK(in("e4m3", "464.0001").outcome == CastClass::overflowed);
  CHECK(in("fp16", "-0").outcome == CastClass::zero_in);
  CHECK(in("fp16", "inf").outcome == CastClass::inf_in);
  CHECK(in("fp16", "nan").outcome == CastClass::nan_in);
  CHECK(in("fp16", "1.5").exact);
  CHECK_FALSE(in("fp16", "1.50000000000000000000000000000000001").exact);
  CHECK(in("fp16", "2049").ulps == -0.5);
  const CastRules fp16{"fp16", find_format("fp16").format, {}, {}};
  CHECK(why(fp16, in("fp16", "1.2e-7")) ==
        "subnormal, 1 of 10 fraction bits left; zero only at or below 2^-25 (2.98e-08)");
}

}  // namespace
}  // namespace lowp::tool
