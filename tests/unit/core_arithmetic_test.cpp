// SPDX-License-Identifier: Apache-2.0
// Operations in narrow formats against real arithmetic in long double and a choice between neighbours.
//
// Why that is a fair judge. Sums, products and fused results of the operands used here have at most 64 significant bits
// (E5M2 fma: units of 2^-32 below 2^32; fp16 products: 22 bits), exact in a long double of 64 bits or more. A quotient
// or root of p-bit operands (p <= 11) that is not itself a number of p + 1 bits differs from every such number by more
// than 2^-(2p+4) of its size, far above the 2^-64 that long double rounds it by: it falls on the right side, and exact
// ones stay exact.
#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core_reference.h"
#include "lowp/core/arithmetic.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

static_assert(LDBL_MANT_DIG >= 64);

constexpr Rounding deterministic[] = {Rounding::nearest_even,    Rounding::nearest_away,    Rounding::toward_zero,
                                      Rounding::toward_positive, Rounding::toward_negative, Rounding::nearest_to_zero,
                                      Rounding::to_odd};

class Judge {
 public:
  Judge(Format format, reference::Facts facts)
      : format_(format), facts_(facts), all_(reference::magnitudes(facts)), sign_(sign_bit(format)) {}

  long double value(std::uint64_t code) const {
    const std::uint64_t size = code & (sign_ - 1);
    const bool inf = size == facts_.finite && facts_.has_inf;
    const long double magnitude = size < facts_.finite ? all_[size] : inf ? INFINITY : NAN;
    return (code & sign_) != 0 ? -magnitude : magnitude;
  }
  // `zero_sum`: result of an addition, whose exact zeros from operands of unlike sign follow the mode.
  std::uint64_t expected(Rounding mode, long double x, bool unlike_zero) const {
    if (std::isnan(x)) return nan_code(format_);
    if (std::isinf(x)) return facts_.has_inf ? facts_.finite | (x < 0 ? sign_ : 0) : nan_code(format_);
    if (x == 0) return (unlike_zero ? mode == Rounding::toward_negative : std::signbit(x)) ? sign_ : 0;
    return reference::rounded_code(facts_, all_, mode, x);
  }

  int wrong_pairs(std::uint64_t a, std::uint64_t b, Rounding mode) const {
    const long double x = value(a);
    const long double y = value(b);
    const bool unlike = std::signbit(x) != std::signbit(y);
    const Conversion how{.rounding = mode};
    return (add(format_, how, a, b) != expected(mode, x + y, unlike)) +
           (sub(format_, how, a, b) != expected(mode, x - y, !unlike)) +
           (mul(format_, how, a, b) != expected(mode, x * y, false)) +
           (div(format_, how, a, b) != expected(mode, x / y, false));
  }
  int wrong_root(std::uint64_t a, Rounding mode) const {
    return sqrt(format_, {.rounding = mode}, a) != expected(mode, std::sqrt(value(a)), false);
  }
  int wrong_fma(std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding mode) const {
    const long double product = value(a) * value(b);
    const bool unlike = std::signbit(product) != std::signbit(value(c));
    return fma(format_, {.rounding = mode}, a, b, c) != expected(mode, product + value(c), unlike);
  }

 private:
  Format format_;
  reference::Facts facts_;
  std::vector<long double> all_;
  std::uint64_t sign_;
};

Judge judge_e4m3() {
  return {find_format("e4m3").format, {4, 3, 7, 0x7f, false}};
}
Judge judge_e5m2() {
  return {find_format("e5m2").format, {5, 2, 15, 0x7c, true}};
}
Judge judge_fp16() {
  return {find_format("fp16").format, {5, 10, 15, 0x7c00, true}};
}

TEST_CASE("all pairs of 8-bit operands: add sub mul div sqrt in seven modes") {
  for (const Judge& judge : {judge_e4m3(), judge_e5m2()}) {
    for (const Rounding mode : deterministic) {
      int wrong = 0;
      for (std::uint64_t a = 0; a < 256; ++a) {
        wrong += judge.wrong_root(a, mode);
        for (std::uint64_t b = 0; b < 256; ++b) wrong += judge.wrong_pairs(a, b, mode);
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("fma of 8-bit operands: every a and c with a third of b, in seven modes") {
  for (const Judge& judge : {judge_e4m3(), judge_e5m2()}) {
    for (const Rounding mode : deterministic) {
      int wrong = 0;
      for (std::uint64_t a = 0; a < 256; ++a) {
        for (std::uint64_t b = a % 9; b < 256; b += 9) {
          for (std::uint64_t c = 0; c < 256; ++c) wrong += judge.wrong_fma(a, b, c, mode);
        }
      }
      CHECK(wrong == 0);
    }
  }
}

// Exponent fields at the edges and around 1, times fractions at the edges, times both signs; and random codes.
std::vector<std::uint64_t> fp16_lattice() {
  std::vector<std::uint64_t> codes;
  for (const unsigned field : {0u, 1u, 2u, 4u, 10u, 14u, 15u, 16u, 20u, 25u, 28u, 30u, 31u}) {
    for (const unsigned fraction : {0u, 1u, 2u, 3u, 0x155u, 0x1ffu, 0x200u, 0x201u, 0x2aau, 0x3feu, 0x3ffu}) {
      codes.push_back(field << 10 | fraction);
      codes.push_back(0x8000 | field << 10 | fraction);
    }
  }
  std::mt19937 random(20260);
  for (int i = 0; i < 60; ++i) codes.push_back(random() & 0xffff);
  return codes;
}

TEST_CASE("fp16 pairs over a lattice, all roots, random fused triples") {
  const Judge judge = judge_fp16();
  const std::vector<std::uint64_t> codes = fp16_lattice();
  std::mt19937 random(7);
  for (const Rounding mode : deterministic) {
    int wrong = 0;
    for (const std::uint64_t a : codes) {
      for (const std::uint64_t b : codes) wrong += judge.wrong_pairs(a, b, mode);
    }
    CHECK(wrong == 0);
    for (std::uint64_t a = 0; a < 0x10000; ++a) wrong += judge.wrong_root(a, mode);
    CHECK(wrong == 0);
    for (int i = 0; i < 200'000; ++i) {
      // Factors from 2^-5 up: products are multiples of 2^-30 below 2^22, exact in long double, addends too.
      const std::uint64_t a = 0x2800 + random() % 0x4000;
      const std::uint64_t b = 0x2800 + random() % 0x4000;
      const std::uint64_t c = (random() & 1) << 15 | (random() % 0x5400);
      wrong += judge.wrong_fma(a, b, c, mode);
    }
    CHECK(wrong == 0);
  }
}

constexpr Format fp16 = find_format("fp16").format;
constexpr Format bf16 = find_format("bf16").format;
constexpr Format fp32 = find_format("fp32").format;
constexpr Conversion nearest{};
constexpr Conversion up{.rounding = Rounding::toward_positive};
constexpr Conversion down{.rounding = Rounding::toward_negative};
constexpr Conversion truncate{.rounding = Rounding::toward_zero};
constexpr Conversion odd{.rounding = Rounding::to_odd};

// Results on which known emulators go wrong by rounding twice.
static_assert(fma(fp16, nearest, 0x4200, 0x3556, 0x0001) == 0x3c01);  // 3 * 683/2048 + 2^-24
static_assert(encode(bf16, nearest,
                     exact_fma(exact_finite(false, 7, 0), exact_finite(false, 37, -8), exact_finite(true, 1, -100),
                               Rounding::nearest_even)) == 0x3f81);  // 258/256
static_assert(encode(fp16, truncate,
                     exact_sum(exact_finite(false, 2, 0), exact_finite(true, 1, -24), Rounding::toward_zero)) ==
              0x3fff);
static_assert(encode(fp16, up,
                     exact_sum(exact_finite(false, 1, 0), exact_finite(false, 1, -30), Rounding::toward_positive)) ==
              0x3c01);
static_assert(encode(fp16, odd, exact_sum(exact_finite(false, 1, 0), exact_finite(false, 1, -24), Rounding::to_odd)) ==
              0x3c01);
static_assert(encode(fp16, up, exact_finite(true, 1, -60)) == 0x8000);

// Signs of zero and invalid operations (IEEE 754-2019 6.3, 7.2, 7.3).
static_assert(sub(fp16, nearest, 0x3c00, 0x3c00) == 0 && sub(fp16, down, 0x3c00, 0x3c00) == 0x8000);
static_assert(add(fp16, down, 0x8000, 0x0000) == 0x8000 && add(fp16, up, 0x8000, 0x8000) == 0x8000);
static_assert(mul(fp16, nearest, 0x8000, 0x3c00) == 0x8000 && mul(fp16, nearest, 0x0001, 0x8001) == 0x8000);
static_assert(fma(fp16, nearest, 0x3c00, 0x3c00, 0xbc00) == 0 && fma(fp16, down, 0x3c00, 0x3c00, 0xbc00) == 0x8000);
static_assert(fma(fp16, nearest, 0x0001, 0x8001, 0x0000) == 0x8000);  // -2^-48, not an exact zero
static_assert(div(fp16, nearest, 0x3c00, 0x8000) == 0xfc00 && div(fp16, nearest, 0, 0) == nan_code(fp16));
static_assert(sub(fp16, nearest, 0x7c00, 0x7c00) == nan_code(fp16) && mul(fp16, nearest, 0, 0xfc00) == nan_code(fp16));
static_assert(fma(fp16, nearest, 0, 0x7c00, 0x3c00) == nan_code(fp16));
static_assert(fma(fp16, nearest, 0x7c00, 0x3c00, 0xfc00) == nan_code(fp16));
static_assert(sqrt(fp16, nearest, 0x8000) == 0x8000 && sqrt(fp16, nearest, 0xbc00) == nan_code(fp16));

// Operands and result of three different formats, rounded once: 2^-60 * 3 + fp32 value, into bf16.
static_assert(encode(bf16, up,
                     exact_fma(decode(find_format("e8m0").format, 0x43), decode(fp16, 0x4200), decode(fp32, 0x3f800000),
                               Rounding::toward_positive)) == 0x3f81);

TEST_CASE("stochastic fma: exact probability below what a rounded product would show") {
  // 1 + 2^-10 * 33/64 in fp16, as 1 * 1 + c with c in fp32: 33 of 64 draws go up.
  const Exact c = exact_finite(false, 33, -16);
  const Exact x = exact_fma(exact_finite(false, 1, 0), exact_finite(false, 1, 0), c, Rounding::stochastic_a);
  int ups = 0;
  for (std::uint32_t draw = 0; draw < 64; ++draw) {
    ups += encode(fp16, Conversion{.rounding = Rounding::stochastic_a}, x, {draw, 6}) == 0x3c01;
  }
  CHECK(ups == 33);
}

}  // namespace
}  // namespace lowp
