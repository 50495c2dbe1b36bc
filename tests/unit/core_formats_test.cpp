// SPDX-License-Identifier: Apache-2.0
// The rows against the figures their standards print, and the names that are and are not formats.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "core_reference.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

// value = significand * 2^exponent, as decode must give it up to trailing zeros.
constexpr bool is_value(Exact x, bool negative, std::uint64_t significand, int exponent) {
  if (x.kind != Kind::finite || x.negative != negative || x.sticky) return false;
  for (; x.significand % 2 == 0; x.significand /= 2) ++x.exponent;
  return x.significand == significand && x.exponent == exponent;
}
constexpr Format row(std::string_view name) {
  return find_format(name).format;
}

// A row of the standards' tables: largest number (odd significand, exponent, code), smallest normal and subnormal.
struct Printed {
  std::string_view name;
  std::uint64_t significand;
  int exponent;
  std::uint64_t max_code;
  int min_normal_log2;
  int min_subnormal_log2;
};
constexpr Printed printed[] = {
    {"fp64", (1ull << 53) - 1, 971, 0x7fefffffffffffff, -1022, -1074},
    {"fp32", (1u << 24) - 1, 104, 0x7f7fffff, -126, -149},
    {"tf32", 2047, 117, 0x3fbff, -126, -136},  // the upper 19 bits of 0x7f7fe000
    {"fp16", 2047, 5, 0x7bff, -14, -24},       // 65504
    {"bf16", 255, 120, 0x7f7f, -126, -133},
    {"e4m3", 7, 6, 0x7e, -6, -9},               // 448
    {"e5m2", 7, 13, 0x7b, -14, -16},            // 57344
    {"e4m3fnuz", 15, 4, 0x7f, -7, -10},         // 240
    {"e5m2fnuz", 7, 13, 0x7f, -15, -17},        // 57344
    {"e4m3b11fnuz", 15, 1, 0x7f, -10, -13},     // 30
    {"e4m3_ieee", 15, 4, 0x77, -6, -9},         // 240
    {"e3m4", 31, -1, 0x6f, -2, -6},             // 15.5
    {"e3m2", 7, 2, 0x1f, -2, -4},               // 28
    {"e2m3", 15, -1, 0x1f, 0, -3},              // 7.5
    {"e2m1", 3, 1, 0x7, 0, -1},                 // 6
    {"ue4m3", 7, 6, 0x7e, -6, -9},              // 448
    {"mxint8", 127, -6, 0x7f, 1, -6},           // 127/64
    {"binary8p4se", 7, 5, 0x7e, -7, -10},       // 224
    {"binary8p3se", 3, 14, 0x7e, -15, -17},     // 49152
    {"binary4p2sf", 3, 0, 0x7, 0 - 1 + 0, -2},  // 3
};
constexpr bool as_printed(const Printed& p) {
  const Format f = row(p.name);
  const std::uint64_t normal = std::uint64_t{1} << (f.precision - 1);
  return find_format(p.name).found && max_finite_code(f) == p.max_code &&
         is_value(decode(f, p.max_code), false, p.significand, p.exponent) && min_exponent(f) == p.min_normal_log2 &&
         (f.sign == SignRule::complement || is_value(decode(f, normal), false, 1, p.min_normal_log2)) &&
         is_value(decode(f, 1), false, 1, p.min_subnormal_log2);
}
constexpr bool all_as_printed() {
  for (const Printed& p : printed) {
    if (!as_printed(p)) return false;
  }
  return true;
}
static_assert(all_as_printed());

constexpr bool is_kind(std::string_view name, std::uint64_t code, Kind kind, bool negative = false) {
  const Exact x = decode(row(name), code);
  return x.kind == kind && (kind == Kind::nan || x.negative == negative);
}
static_assert(is_kind("fp16", 0x7c00, Kind::inf) && is_kind("fp16", 0xfc00, Kind::inf, true));
static_assert(is_kind("fp16", 0x7c01, Kind::nan) && is_kind("fp16", 0xffff, Kind::nan));
static_assert(is_kind("bf16", 0x7f80, Kind::inf) && is_kind("e5m2", 0x7c, Kind::inf) &&
              is_kind("e5m2", 0x7d, Kind::nan));
static_assert(is_kind("e4m3", 0x7f, Kind::nan) && is_kind("e4m3", 0xff, Kind::nan) &&
              is_kind("e4m3", 0x80, Kind::zero, true));
static_assert(is_kind("e4m3_ieee", 0x78, Kind::inf) && is_kind("e4m3_ieee", 0x79, Kind::nan) &&
              is_kind("e3m4", 0x70, Kind::inf));
static_assert(is_kind("e4m3fnuz", 0x80, Kind::nan) && is_kind("e5m2fnuz", 0x80, Kind::nan) &&
              is_kind("e4m3b11fnuz", 0x80, Kind::nan));
static_assert(is_kind("e4m3fnuz", 0xff, Kind::finite, true));
static_assert(is_kind("e2m1", 0x8, Kind::zero, true) && is_kind("e3m2", 0x3f, Kind::finite, true));
static_assert(is_kind("e8m0", 0xff, Kind::nan) && is_value(decode(row("e8m0"), 0xfe), false, 1, 127) &&
              is_value(decode(row("e8m0"), 0), false, 1, -127) && is_value(decode(row("e8m0"), 0x7f), false, 1, 0));
static_assert(is_kind("ue4m3", 0x7f, Kind::nan) && row("ue4m3").width == 7);
static_assert(is_value(decode(row("mxint8"), 0x80), true, 1, 1) && is_value(decode(row("mxint8"), 0xff), true, 1, -6));
static_assert(is_kind("binary8p4se", 0x7f, Kind::inf) && is_kind("binary8p4se", 0xff, Kind::inf, true) &&
              is_kind("binary8p4se", 0x80, Kind::nan) && is_kind("binary8p4sf", 0x7f, Kind::finite));
static_assert(is_kind("binary8p4ue", 0xff, Kind::nan) && is_kind("binary8p4ue", 0xfe, Kind::inf) &&
              is_kind("binary8p4uf", 0xfe, Kind::finite) && is_kind("binary8p4uf", 0xff, Kind::nan));

TEST_CASE("every code of every narrow row survives decode and encode") {
  for (const NamedFormat& named : format_table) {
    const Format f = named.format;
    if (f.width > 19) continue;
    CAPTURE(named.name);
    int changed = 0;
    for (std::uint64_t code = 0; code <= code_mask(f); ++code) {
      const Exact x = decode(f, code);
      const std::uint64_t back = encode(f, Rounding::toward_negative, {}, x);
      changed += back != (x.kind == Kind::nan ? nan_code(f) : code);
    }
    // MXINT8 is written symmetrically: the code of -2 gives -127/64.
    CHECK(changed == (f.sign == SignRule::complement ? 1 : 0));
  }
}

// P3109 v4.0: value = 2^(E - bias) * (1 + T / 2^(P-1)), or 2^(1 - bias) * T / 2^(P-1) when E = 0.
void check_p3109(int bits, int precision, bool with_sign, bool extended) {
  const std::string name = "binary" + std::to_string(bits) + "p" + std::to_string(precision) + (with_sign ? "s" : "u") +
                           (extended ? "e" : "f");
  CAPTURE(name);
  const FormatLookup lookup = find_format(name);
  REQUIRE(lookup.found);
  const int magnitude_width = bits - (with_sign ? 1 : 0);
  const std::uint64_t count = std::uint64_t{1} << magnitude_width;
  const std::uint64_t specials = (extended ? 1 : 0) + (with_sign ? 0 : 1);
  const reference::Facts facts{magnitude_width - precision + 1, precision - 1, 1 << (magnitude_width - precision),
                               count - specials, extended};
  int wrong = 0;
  for (std::uint64_t code = 0; code < std::uint64_t{1} << bits; ++code) {
    const Exact x = decode(lookup.format, code);
    const std::uint64_t size = code % count;
    const bool negative = code >= count;
    if (negative && size == 0) {
      wrong += x.kind != Kind::nan;
    } else if (size >= facts.finite) {
      const bool inf = extended && size == facts.finite;
      wrong += inf ? x.kind != Kind::inf || x.negative != negative : x.kind != Kind::nan;
    } else {
      const long double value = std::ldexp(static_cast<long double>(x.significand), x.exponent);
      wrong += value != reference::magnitude(facts, size) || x.negative != negative;
    }
    wrong += encode(lookup.format, Rounding::nearest_even, {}, x) != code;
  }
  CHECK(wrong == 0);
}

TEST_CASE("P3109 formats: every code of every K up to 12, and the corners of K = 16") {
  for (int bits = 3; bits <= 12; ++bits) {
    for (int precision = 1; precision <= bits; ++precision) {
      for (const bool extended : {false, true}) {
        if (precision < bits) check_p3109(bits, precision, true, extended);
        check_p3109(bits, precision, false, extended);
      }
    }
  }
  check_p3109(16, 8, true, true);
  check_p3109(16, 15, true, false);
  check_p3109(16, 2, false, true);
  CHECK(find_format("binary16p1ue").found);
  CHECK(find_format("binary16p1ue").format.bias == 32768);
}

TEST_CASE("names") {
  for (const NamedFormat& named : format_table) {
    CHECK(find_format(named.name).format == named.format);
    if (!named.alias.empty()) CHECK(find_format(named.alias).format == named.format);
  }
  CHECK(row("e5m10") == row("fp16"));
  CHECK(row("e8m7") == row("bf16"));
  CHECK(row("e11m52") == row("fp64"));
  CHECK(row("e4m3fn") == row("e4m3"));
  CHECK(row("e2m1fn").nan == NanRule::none);  // ml_dtypes' name for FP4, although "fn" elsewhere has a NaN
  CHECK(row("e4m3b11fnuz").bias == 11);
  CHECK(row("e5m3fnuz") == Format{9, 4, 16, false, NanRule::negative_zero});
  CHECK(row("e5m3b20fn") == Format{9, 4, 20, false, NanRule::top_code});
  CHECK(row("e3m3fin") == Format{7, 4, 3, false, NanRule::none});
  CHECK(row("e4m3b7") == row("e4m3_ieee"));
  CHECK(row("p3109:8p3se") == row("binary8p3se"));
  for (const char* bad : {"",
                          "e",
                          "em",
                          "e5",
                          "e5m",
                          "e12m3",
                          "e1m3",
                          "e5m0",
                          "e5m53",
                          "e05m2",
                          "e5m02",
                          "e5m2x",
                          "e5m2b",
                          "e5m2fnuzb3",
                          "e5m2 ",
                          " e5m2",
                          "E5M2",
                          "e-5m2",
                          "fp8",
                          "float8_",
                          "8",
                          "binary8p4",
                          "binary8p4s",
                          "binary8p4sx",
                          "binary8p4see",
                          "binary8p8se",
                          "binary8p9ue",
                          "binary8p0se",
                          "binary2p1se",
                          "binary17p4se",
                          "binary08p4se",
                          "binary8p4es",
                          "p3109:",
                          "mxfp4"}) {
    CAPTURE(bad);
    CHECK_FALSE(find_format(bad).found);
  }
}

// How many factors of two lie between the largest number and what is lost under perfect scaling by the largest value.
TEST_CASE("dynamic range from the largest number to half the smallest") {
  const auto binades = [](const char* name) {
    const Format f = row(name);
    const std::uint64_t top = max_finite_ordinal(f);
    const double largest = std::log2(static_cast<double>(ordinal_significand(f, top))) + ordinal_exponent(f, top);
    return largest - (quantum_exponent(f) - 1);
  };
  CHECK(binades("e2m1") == doctest::Approx(4.58).epsilon(0.001));
  CHECK(binades("e4m3") == doctest::Approx(18.81).epsilon(0.0003));
  CHECK(binades("e5m2") == doctest::Approx(32.81).epsilon(0.0002));
  CHECK(binades("fp16") == doctest::Approx(41.00).epsilon(0.0001));
  CHECK(std::exp2(-binades("e4m3")) == doctest::Approx(2.18e-6).epsilon(0.002));
  CHECK(std::exp2(-binades("e5m2")) == doctest::Approx(1.33e-10).epsilon(0.002));
}

TEST_CASE("subnormals are told apart") {
  CHECK(is_subnormal(row("fp16"), 0x83ff));
  CHECK_FALSE(is_subnormal(row("fp16"), 0x0400));
  CHECK_FALSE(is_subnormal(row("fp16"), 0x8000));
  CHECK_FALSE(is_subnormal(row("e8m0"), 0));
  CHECK_FALSE(is_subnormal(row("binary8p1se"), 1));
  CHECK_FALSE(is_subnormal(row("mxint8"), 1));
}

}  // namespace
}  // namespace lowp
