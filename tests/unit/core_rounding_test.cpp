// SPDX-License-Identifier: Apache-2.0
// Stochastic rounding by counting draws, overflow and special values, profiles against recorded results of libraries.
#include <doctest/doctest.h>

#include <cstdint>
#include <utility>

#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"
#include "lowp/core/profiles.h"

namespace lowp {
namespace {

constexpr Format row(std::string_view name) {
  return find_format(name).format;
}
constexpr Format e4m3 = row("e4m3");
constexpr Format fp16 = row("fp16");
constexpr Format fp32 = row("fp32");

// Known answers published with Random123 (kat_vectors, philox4x32 10).
static_assert(philox4x32_10({{0, 0, 0, 0}}, {{0, 0}}) ==
              PhiloxCounter{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
static_assert(philox4x32_10({{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u}}) ==
              PhiloxCounter{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
static_assert(philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {{0xa4093822, 0x299f31d0}}) ==
              PhiloxCounter{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});

TEST_CASE("random bits are a function of seed and element") {
  const std::uint32_t halves[] = {0xe8d5, 0x6627, 0xc58d, 0xe169,
                                  0xac4c, 0xbc57, 0xdbd8, 0x9b00};  // of the first answer
  for (std::uint64_t element = 0; element < 8; ++element) {
    CHECK(random_bits(0, element, 16).bits == halves[element]);
    CHECK(random_bits(0, element, 5).bits == (halves[element] >> 11));
    CHECK(random_bits(0, element, 32).bits / 0x10000 == halves[element]);
    CHECK(random_bits(0, element, 19).bits == (random_bits(0, element, 32).bits >> 13));
  }
  const std::uint64_t seed = 0x299f31d0a4093822;
  const std::uint64_t block = 0x85a308d3243f6a88 >> 3;
  const PhiloxCounter first = philox4x32_10({{0x6487ed51, 0x10b4611a, 0, 0}}, {{0xa4093822, 0x299f31d0}});
  const PhiloxCounter second = philox4x32_10({{0x6487ed51, 0x10b4611a, 1, 0}}, {{0xa4093822, 0x299f31d0}});
  CHECK(block == 0x10b4611a6487ed51);
  CHECK(random_bits(seed, 8 * block + 5, 32).bits == ((first.word[2] >> 16) << 16 | second.word[2] >> 16));
  CHECK(random_bits(0, 2, 0).bits == 0);
  CHECK(random_bits(~std::uint64_t{0}, 0, 13).count == 13);
  CHECK(random_bits(1, 0, 32).bits != random_bits(std::uint64_t{1} << 32, 0, 32).bits);
  CHECK(random_bits(0, 8, 32).bits != random_bits(0, std::uint64_t{1} << 35, 32).bits);
}

// How many of all 2^count draws round `x` up from `code`; every other draw must stay.
int draws_up(Rounding mode, Exact x, std::uint64_t code, int count) {
  int up = 0;
  for (std::uint32_t draw = 0; draw < 1u << count; ++draw) {
    const std::uint64_t got = encode(e4m3, mode, {}, x, {draw, count});
    REQUIRE((got == code || got == code + 1));
    up += got == code + 1;
  }
  return up;
}

// Expected number of draws up for v = part / 2^10 by the definitions, in integers: A floor(v 2^N), B half of
// floor(v 2^(N+1)) + 1, C v 2^N to nearest even.
int expected_up(Rounding mode, int part, int count) {
  const int scaled_up = part << count;
  if (mode == Rounding::stochastic_a) return scaled_up / 1024;
  if (mode == Rounding::stochastic_b) return (2 * scaled_up / 1024 + 1) / 2;
  const int whole = scaled_up / 1024;
  const int twice_rest = 2 * (scaled_up % 1024);
  return whole + (twice_rest > 1024 || (twice_rest == 1024 && whole % 2 == 1) ? 1 : 0);
}

TEST_CASE("stochastic modes: the number of draws that round up is exact") {
  for (const Rounding mode : {Rounding::stochastic_a, Rounding::stochastic_b, Rounding::stochastic_c}) {
    for (int count = 0; count <= 8; ++count) {
      for (int part = 0; part < 1024; ++part) {
        const int want = expected_up(mode, part, count);
        const auto bits = static_cast<std::uint64_t>(part);
        const int normal = draws_up(mode, exact_finite(false, 9 * 1024 + bits, -13), 0x39, count);  // 1.125 + v/8
        const int negative = draws_up(mode, exact_finite(true, 9 * 1024 + bits, -13), 0xb9, count);
        const int subnormal = draws_up(mode, exact_finite(false, 3 * 1024 + bits, -19), 0x03, count);  // (3 + v) 2^-9
        const int tiny = draws_up(mode, exact_finite(false, bits, -19), 0x00, count);                  // v 2^-9
        REQUIRE(normal == want);
        REQUIRE(negative == want);
        REQUIRE(subnormal == want);
        REQUIRE(tiny == want);
      }
    }
  }
}

TEST_CASE("stochastic mode C looks at what lies below a tie of draws") {
  // v = 2^-9 exactly is half a draw of 8 bits: to even gives none; anything more gives one of 256.
  const Exact tie = exact_finite(false, (std::uint64_t{8} << 52) + (std::uint64_t{1} << 43), -55);
  Exact above = tie;
  above.sticky = true;
  CHECK(draws_up(Rounding::stochastic_c, tie, 0x38, 8) == 0);
  CHECK(draws_up(Rounding::stochastic_c, above, 0x38, 8) == 1);
}

TEST_CASE("32 random bits see 33 bits of an FP32 product") {
  const Exact tiny = exact_product(decode(fp32, 0x3f800001), decode(fp32, 0x3f800001));  // 1 + 2^-22 + 2^-46
  CHECK(encode(fp32, Rounding::stochastic_a, {}, tiny, {0xffffffff, 32}) == 0x3f800003);
  CHECK(encode(fp32, Rounding::stochastic_a, {}, tiny, {0xffffffff - (1u << 9) + 1, 32}) == 0x3f800003);
  CHECK(encode(fp32, Rounding::stochastic_a, {}, tiny, {0xffffffff - (1u << 9), 32}) == 0x3f800002);
}

TEST_CASE("generated bits hit a quarter a quarter of the time") {
  int up = 0;
  for (std::uint64_t element = 0; element < 65536; ++element) {
    const Exact x = exact_finite(false, 33, -5);  // 1 + 1/4 of 1/8
    up += encode(e4m3, Rounding::stochastic_a, {}, x, random_bits(42, element, 16)) == 0x39;
  }
  CHECK(up > 16384 - 555);  // five standard deviations
  CHECK(up < 16384 + 555);
}

TEST_CASE("to odd, and rounding twice through it") {
  CHECK(encode(fp16, Rounding::to_odd, {}, exact_finite(false, 1, -100)) == 0x0001);
  CHECK(encode(fp16, Rounding::to_odd, {}, exact_finite(true, 4097, -12)) == 0xbc01);
  CHECK(encode(fp16, Rounding::to_odd, {}, exact_finite(false, 1, 0)) == 0x3c00);
  const Format e5m12 = row("e5m12");
  for (std::uint64_t significand = 1 << 15; significand < 1 << 17; ++significand) {
    for (const int exponent : {-16, -30, -38, -1}) {
      const Exact x = exact_finite(false, significand, exponent, significand % 3 == 0);
      const Exact odd = decode(e5m12, encode(e5m12, Rounding::to_odd, {}, x));
      REQUIRE(encode(fp16, Rounding::nearest_even, {}, odd) == encode(fp16, Rounding::nearest_even, {}, x));
    }
  }
}

TEST_CASE("overflow in each mode") {
  const Exact big = exact_finite(false, 1, 100);
  const Exact low = exact_finite(true, 1, 100);
  CHECK(encode(fp16, Rounding::to_odd, {}, big) == 0x7bff);
  CHECK(encode(row("binary8p4se"), Rounding::to_odd, {}, big) == 0x7f);
  CHECK(encode(row("binary8p4se"), Rounding::to_odd, {}, low) == 0xff);
  CHECK(encode(row("binary8p4ue"), Rounding::to_odd, {}, big) == 0xfd);
  CHECK(encode(fp16, Rounding::toward_positive, {}, low) == 0xfbff);
  CHECK(encode(fp16, Rounding::toward_negative, {}, low) == 0xfc00);
  CHECK(encode(fp16, Rounding::stochastic_a, {}, big, {0, 8}) == 0x7c00);
  CHECK(encode(e4m3, Rounding::toward_zero, {}, big) == 0x7e);
  CHECK(encode(row("e2m1"), Rounding::nearest_even, {}, low) == 0xf);
  CHECK(encode(fp16, Rounding::nearest_even, saturating_finite, big) == 0x7bff);
  CHECK(encode(fp16, Rounding::nearest_even, saturating_finite, exact_special(Kind::inf, true)) == 0xfc00);
  CHECK(encode(fp16, Rounding::nearest_even, saturating, exact_special(Kind::inf, true)) == 0xfbff);
  // Ties at the top: 65520 and 464 lie half-way to the first number beyond.
  CHECK(encode(fp16, Rounding::nearest_to_zero, {}, exact_finite(false, 65520, 0)) == 0x7bff);
  CHECK(encode(fp16, Rounding::nearest_even, {}, exact_finite(false, 65520, 0)) == 0x7c00);
  CHECK(encode(e4m3, Rounding::nearest_even, {}, exact_finite(false, 464, 0)) == 0x7e);
  CHECK(encode(e4m3, Rounding::nearest_away, {}, exact_finite(false, 464, 0)) == 0x7f);
}

TEST_CASE("ties, and a little more than ties") {
  const Exact tie = exact_finite(false, (std::uint64_t{1} << 50) + (std::uint64_t{1} << 39), -50);  // 1 + 2^-11
  Exact above = tie;
  above.sticky = true;
  for (const auto& [mode, at_tie] : {std::pair{Rounding::nearest_even, 0x3c00},
                                     {Rounding::nearest_away, 0x3c01},
                                     {Rounding::nearest_to_zero, 0x3c00}}) {
    CHECK(encode(fp16, mode, {}, tie) == static_cast<std::uint64_t>(at_tie));
    CHECK(encode(fp16, mode, {}, above) == 0x3c01);
  }
}

TEST_CASE("ties of precision 1 go to the even code") {
  CHECK(encode(row("e8m0"), Rounding::nearest_even, {}, exact_finite(false, 3, -1)) == 0x80);  // 1.5: 0x7f or 0x80
  CHECK(encode(row("e8m0"), Rounding::nearest_even, {}, exact_finite(false, 3, 0)) == 0x80);   // 3: 0x80 or 0x81
  CHECK(encode(row("binary8p1se"), Rounding::nearest_even, {}, exact_finite(false, 3, -1)) == 0x40);
  CHECK(encode(row("binary8p1se"), Rounding::nearest_even, {}, exact_finite(false, 3, 0)) == 0x42);
}

TEST_CASE("flush to zero and denormals are zero") {
  const Conversion ftz{.subnormals = {true, false}};
  const Conversion daz{.subnormals = {false, true}};
  CHECK(encode(fp16, ftz, exact_finite(true, 1023, -24)) == 0x8000);
  CHECK(encode(fp16, ftz, exact_finite(false, 4095, -26)) == 0x0400);  // rounds up to the smallest normal: stays
  CHECK(convert(fp32, row("bf16"), daz, 0x807fffff) == 0x8000);
  CHECK(convert(fp32, row("bf16"), {}, 0x807fffff) == 0x8080);
  CHECK(convert(fp32, fp16, daz, 0x33800000) == 0x0001);  // 2^-24: normal in fp32, subnormal in fp16
  CHECK(add(fp16, daz, 0x0001, 0x3c00) == 0x3c00);
  CHECK(mul(fp16, daz, 0x0001, 0x7c00) == nan_code(fp16));  // 0 * Inf
}

constexpr Conversion rules(std::string_view profile, Format f) {
  return find_profile(profile)->conversion(f);
}
constexpr std::uint64_t cast(std::string_view profile, std::string_view format, std::uint64_t fp32_code) {
  return convert(fp32, row(format), rules(profile, row(format)), fp32_code);
}

// What ml_dtypes 0.6.0 astype gave for these FP32 inputs.
TEST_CASE("profile ml_dtypes against recorded casts") {
  struct Recorded {
    std::string_view format;
    std::uint64_t code[12];
  };
  const std::uint64_t inputs[] = {0x00000000, 0x80000000, 0xc0400000, 0x7f800000, 0xff800000, 0x7fc00000,
                                  0x00000001, 0x3fc00000, 0x7f7fffff, 0x3e800000, 0x40400000, 0x3f400000};
  constexpr Recorded recorded[] = {
      {"e8m0", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0xff, 0x7d, 0x81, 0x7f}},
      {"e2m1", {0x00, 0x08, 0x0d, 0x07, 0x0f, 0x08, 0x00, 0x03, 0x07, 0x00, 0x05, 0x02}},
      {"e2m3", {0x00, 0x20, 0x34, 0x1f, 0x3f, 0x20, 0x00, 0x0c, 0x1f, 0x02, 0x14, 0x06}},
      {"e3m2", {0x00, 0x20, 0x32, 0x1f, 0x3f, 0x20, 0x00, 0x0e, 0x1f, 0x04, 0x12, 0x0a}},
      {"e4m3fnuz", {0x00, 0x00, 0xcc, 0x80, 0x80, 0x80, 0x00, 0x44, 0x80, 0x30, 0x4c, 0x3c}},
      {"e4m3_ieee", {0x00, 0x80, 0xc4, 0x78, 0xf8, 0x7c, 0x00, 0x3c, 0x78, 0x28, 0x44, 0x34}},
      {"e3m4", {0x00, 0x80, 0xc8, 0x70, 0xf0, 0x78, 0x00, 0x38, 0x70, 0x10, 0x48, 0x28}},
      {"e5m2", {0x00, 0x80, 0xc2, 0x7c, 0xfc, 0x7e, 0x00, 0x3e, 0x7c, 0x34, 0x42, 0x3a}},
  };
  for (const Recorded& r : recorded) {
    CAPTURE(r.format);
    for (int i = 0; i < 12; ++i) CHECK(cast("ml_dtypes", r.format, inputs[i]) == r.code[i]);
  }
}

TEST_CASE("profiles differ where the libraries do") {
  constexpr std::uint64_t inf = 0x7f800000, big = 0x44000000 /* 512 */, nan = 0x7fc00000, minus_three = 0xc0400000,
                          minus_inf = 0xff800000;
  CHECK(cast("ocp_sat", "e4m3", inf) == 0x7e);
  CHECK(cast("ocp_nonsat", "e4m3", big) == 0x7f);
  CHECK(cast("ocp_nonsat", "e5m2", 0x47700000 /* 61440 */) == 0x7c);
  CHECK(cast("cuda_satfinite", "e5m2", inf) == 0x7b);
  CHECK(cast("cuda_satfinite", "e8m0", inf) == 0xfe);
  CHECK(cast("cuda_satfinite", "e8m0", minus_three) == 0x81);
  CHECK(cast("cuda_satfinite", "e8m0", 0) == 0x00);
  CHECK(cast("cuda_satfinite", "e2m1", nan) == 0x07);
  CHECK(cast("cuda_nosat", "e4m3", big) == 0x7f);
  CHECK(cast("torch_before_2_13", "e4m3", big) == 0x7f);
  CHECK(cast("torch_2_13", "e4m3", big) == 0x7e);
  CHECK(cast("torch_2_13", "e5m2", 0x47700000) == 0x7c);
  CHECK(cast("torch_2_13", "e8m0", 0x40400000 /* 3: ties up */) == 0x81);
  CHECK(cast("onnx", "e4m3", inf) == 0x7e);
  CHECK(cast("torch_2_13", "e4m3", inf) == 0x7e);
  CHECK(cast("torch_before_2_13", "e4m3", inf) == 0x7f);
  CHECK(cast("onnx_before_24", "e4m3fnuz", inf) == 0x80);
  CHECK(cast("onnx", "e4m3fnuz", inf) == 0x7f);
  CHECK(cast("onnx", "e4m3fnuz", big) == 0x7f);
  CHECK(cast("p3109_sat_finite", "binary8p4se", inf) == 0x7e);
  CHECK(cast("p3109_sat_propagate", "binary8p4se", inf) == 0x7f);
  CHECK(cast("p3109_sat_propagate", "binary8p4se", big) == 0x7e);
  CHECK(cast("p3109_sat_none", "binary8p4se", big) == 0x7f);
  CHECK(cast("p3109_sat_finite", "binary8p4ue", minus_three) == 0x00);
  CHECK(cast("p3109_sat_none", "binary8p4ue", minus_three) == 0xff);
  CHECK(cast("p3109_sat_finite", "binary8p4ue", minus_inf) == 0x00);
  CHECK(cast("p3109_sat_propagate", "binary8p4ue", minus_inf) == 0xff);
  CHECK(cast("te_nvfp4", "e2m1", nan) == 0x07);
  CHECK(cast("avx512_bf16", "bf16", 0x007fffff) == 0x0000);
  CHECK(find_profile("ocp") == nullptr);
}

}  // namespace
}  // namespace lowp
