// SPDX-License-Identifier: Apache-2.0
// Sums chosen to tell descriptions of tensor cores apart, with the bits that the published descriptions imply. Each is
// also run with its products moved to other places of the step. What only hardware can decide is marked.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lowp/accumulate/fdpa.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

using namespace lowp;

namespace {

constexpr Format fp64 = ieee_format(11, 52), fp32 = ieee_format(8, 23);
const double inf = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double u = 128;

using Products = std::vector<std::pair<double, double>>;

double two_to(int exponent) {
  return std::ldexp(1.0, exponent);
}

// The code of a number that the format holds exactly; tf32 as FP32 bits.
std::uint64_t exact_code(std::string_view format, double x) {
  const Format f = find_format(format == "tf32" ? "fp32" : format).format;
  const std::uint64_t code = convert(fp64, f, Conversion{}, std::bit_cast<std::uint64_t>(x));
  if (!std::isnan(x))
    REQUIRE(decode(f, code) ==
            decode(f, convert(fp64, f, Conversion{.rounding = Rounding::to_odd}, std::bit_cast<std::uint64_t>(x))));
  if (std::isfinite(x)) REQUIRE(convert(f, fp64, Conversion{}, code) == std::bit_cast<std::uint64_t>(x));
  return code;
}

// One instruction path as a table of the probes calls it.
struct Path {
  std::string_view gpu, path, input, accumulator;
};
const Path hopper_f32[] = {{"h100", "mma", "fp16", "f32"},   {"h100", "mma", "bf16", "f32"},
                           {"h100", "mma", "tf32", "f32"},   {"h100", "wgmma", "fp16", "f32"},
                           {"h100", "wgmma", "bf16", "f32"}, {"h100", "wgmma", "tf32", "f32"}};
const Path wide_range_f32[] = {{"h100", "mma", "bf16", "f32"},
                               {"h100", "mma", "tf32", "f32"},
                               {"h100", "wgmma", "bf16", "f32"},
                               {"h100", "wgmma", "tf32", "f32"}};
constexpr Path bf16_f32{"h100", "mma", "bf16", "f32"};
constexpr Path fp16_f32{"h100", "mma", "fp16", "f32"};
constexpr Path fp16_f16{"h100", "mma", "fp16", "f16"};
constexpr Path native_fp8{"h100", "wgmma", "e4m3", "f32"};
constexpr Path emulated_fp8{"h100", "mma", "e4m3", "f32"};

const TensorCore& row_of(const Path& path) {
  const TensorCore* row = find_tensor_core(path.gpu, path.path, path.input, path.input, path.accumulator);
  REQUIRE(row != nullptr);
  return *row;
}

std::uint64_t run_codes(const Path& path, const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b,
                        std::uint64_t c) {
  const TensorCore& row = row_of(path);
  const Format f = find_format(path.input).format;
  std::vector<Operand> left, right;
  for (const std::uint64_t code : a) left.push_back(read_operand(row, f, code));
  for (const std::uint64_t code : b) right.push_back(read_operand(row, f, code));
  return dot(row, left, right, c);
}

// The products in the first places of one instruction, zeros in the others, rotated by `first` places of its first
// step.
std::uint64_t run(const Path& path, const Products& products, double c, std::size_t first = 0) {
  const TensorCore& row = row_of(path);
  const auto k = static_cast<std::size_t>(row.instruction_k);
  REQUIRE(products.size() <= k);
  std::vector<std::uint64_t> a(k, 0), b(k, 0);
  for (std::size_t i = 0; i < products.size(); ++i) {
    const std::size_t at = first == 0 ? i : (first + i) % static_cast<std::size_t>(row.products);
    a[at] = exact_code(path.input, products[i].first);
    b[at] = exact_code(path.input, products[i].second);
  }
  const std::string_view accumulator = path.accumulator == "f16" ? "fp16" : "fp32";
  return run_codes(path, a, b, exact_code(accumulator, c));
}

// The same result wherever the products stand in the fused step.
void expect(const Path& path, const Products& products, double c, std::uint64_t wanted) {
  CAPTURE(std::string(path.path));
  CAPTURE(std::string(path.input));
  const std::size_t places = row_of(path).composition == Composition::chain ? std::size_t(row_of(path).products) : 1;
  for (std::size_t first = 0; first < places; ++first) {
    CAPTURE(first);
    CHECK(run(path, products, c, first) == wanted);
  }
}

template <class Paths>
void expect_all(const Paths& paths, const Products& products, double c, std::uint64_t wanted) {
  for (const Path& path : paths) expect(path, products, c, wanted);
}

}  // namespace

TEST_CASE("F1, F2: how far below the largest product the accumulator still counts") {
  const Products cancel{{u, u}, {u, -u}};
  expect_all(hopper_f32, cancel, two_to(-11), 0x3A000000);
  expect_all(hopper_f32, cancel, two_to(-12), 0);
  expect_all(hopper_f32, cancel, 2, 0x40000000);
  expect_all(hopper_f32, cancel, 1, 0x3F800000);
  expect(native_fp8, cancel, two_to(-11), 0);
  expect(native_fp8, cancel, two_to(-12), 0);
  expect(native_fp8, cancel, 2, 0x40000000);
  expect(native_fp8, cancel, 1, 0);
  expect(emulated_fp8, cancel, two_to(-11), 0x3A000000);
  expect(emulated_fp8, cancel, two_to(-12), 0x39800000);
  expect(emulated_fp8, cancel, 2, 0x40000000);
  expect(emulated_fp8, cancel, 1, 0x3F800000);
}

TEST_CASE("F3: and how far a product counts") {
  const Products kept{{u, u}, {-u, u}, {two_to(-5), two_to(-6)}};
  const Products cut{{u, u}, {-u, u}, {two_to(-6), two_to(-6)}};
  expect_all(hopper_f32, kept, 0, 0x3A000000);
  expect_all(hopper_f32, cut, 0, 0);
  expect(native_fp8, kept, 0, 0);
  expect(native_fp8, cut, 0, 0);
  expect(emulated_fp8, {{u, u}, {-u, u}, {0, 0}, {0, 0}, {two_to(-5), two_to(-6)}}, 0, 0x3A000000);
  expect(emulated_fp8, {{u, u}, {-u, u}, {0, 0}, {0, 0}, {two_to(-6), two_to(-6)}}, 0, 0);
}

TEST_CASE("T1: alignment truncates toward zero") {
  for (const double sign : {1.0, -1.0}) {
    expect_all(hopper_f32, {{u, u}, {-u, u}, {sign * 1.5 * two_to(-5), two_to(-6)}}, 0,
               sign > 0 ? 0x3A000000 : 0xBA000000);
    expect(native_fp8, {{u, u}, {-u, u}, {sign * 3, 1}}, 0, sign > 0 ? 0x40000000 : 0xC0000000);
  }
}

TEST_CASE("N1, N2, N3: a product's exponent is the sum of its operands' field exponents") {
  const double third = two_to(-5);
  expect_all(hopper_f32, {{1.5 * u, 1.5 * u}, {1.5 * u, -1.5 * u}, {third, two_to(-6)}}, 0, 0x3A000000);
  expect(native_fp8, {{1.5 * u, 1.5 * u}, {1.5 * u, -1.5 * u}, {2, 1}}, 0, 0x40000000);
  expect_all(hopper_f32, {{2.25 * u, u}, {-2.25 * u, u}, {third, two_to(-6)}}, 0, 0);
  expect(native_fp8, {{2.25 * u, u}, {-2.25 * u, u}, {2, 1}}, 0, 0);
  expect(fp16_f32, {{two_to(-24), two_to(15)}, {two_to(-15), two_to(-15)}}, 0, 0x3B000000);
}

TEST_CASE("G1: which products are in one fused step, for every pair of places") {
  const auto pair_probe = [](const Path& path, std::size_t i, std::size_t j) {
    Products products(static_cast<std::size_t>(row_of(path).instruction_k), {two_to(-9), two_to(-9)});
    products[i] = {u, u};
    products[j] = {u, -u};
    return run(path, products, two_to(-18));
  };
  for (const Path& path : {hopper_f32[0], hopper_f32[1], hopper_f32[2], native_fp8, emulated_fp8}) {
    CAPTURE(std::string(path.input));
    const auto k = static_cast<std::size_t>(row_of(path).instruction_k);
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) {
        if (i == j) continue;
        const bool first_half = i % 4 < 2 && j % 4 < 2;
        const double emulated = first_half ? 17 * two_to(-18) : two_to(-18);
        const std::uint64_t wanted = path.path == "mma" && path.input == "e4m3" ? exact_code("fp32", emulated) : 0;
        CHECK(pair_probe(path, i, j) == wanted);
      }
    }
  }
}

TEST_CASE("K1: in the FP16 decomposition products change places freely within a group, not across") {
  Products products(32, {two_to(-9), two_to(-9)});
  products[0] = {u, u};
  products[4] = {u, -u};  // both in the first group: the others there vanish beside them
  const auto swapped = [&](std::size_t i, std::size_t j) {
    Products moved = products;
    std::swap(moved[i], moved[j]);
    return run(emulated_fp8, moved, 0);
  };
  const std::uint64_t unmoved = run(emulated_fp8, products, 0);
  CHECK(unmoved == exact_code("fp32", 16 * two_to(-18)));
  for (const std::size_t to : {1u, 5u, 8u, 29u}) CHECK(swapped(4, to) == unmoved);
  for (const std::size_t to : {2u, 3u, 6u, 31u}) CHECK(swapped(4, to) == 0);
}

TEST_CASE("G2: the accumulator is in the step") {
  for (const Path& path : {hopper_f32[0], hopper_f32[1], hopper_f32[2], native_fp8, emulated_fp8}) {
    const auto k = static_cast<std::size_t>(row_of(path).instruction_k);
    for (std::size_t j = 0; j < k; ++j) {
      Products products(k, {two_to(-9), two_to(-9)});
      products[j] = {-u, u};
      CHECK(run(path, products, two_to(14)) == 0);
    }
  }
}

TEST_CASE("R1, C1, C2: the final rounding truncates, to 13 fraction bits in the FP8 path") {
  for (const double sign : {1.0, -1.0}) {
    expect_all(hopper_f32, {{sign * u, u}, {sign * 0.75 * two_to(-4), two_to(-5)}}, 0,
               sign > 0 ? 0x46800000 : 0xC6800000);
  }
  expect(native_fp8, {{u, u}, {u, u}, {2, 1}}, 0, 0x47000000);
  expect(native_fp8, {{u, u}, {u, u}, {4, 1}}, 0, 0x47000400);
  expect_all(hopper_f32, {}, 1 + two_to(-23), 0x3F800001);
  expect(native_fp8, {}, 1 + two_to(-23), 0x3F800000);
  expect(emulated_fp8, {}, 1 + two_to(-23), 0x3F800001);
  const double c = 1 + two_to(-13) + two_to(-14);
  expect_all(hopper_f32, {}, c, exact_code("fp32", c));
  expect(native_fp8, {}, c, 0x3F800400);
  expect(emulated_fp8, {}, c, exact_code("fp32", c));
}

TEST_CASE("S1, S2: 32 small products are cut one by one; a chain of them stops at 64") {
  const Products small(32, {two_to(-4), two_to(-4)});
  expect(native_fp8, small, 64, 0x42800000);
  expect(native_fp8, {{two_to(-3), 1}}, 64, 0x42804000);
  expect(emulated_fp8, small, 64, 0x42804000);
  const auto chained = [&](const Path& path, std::size_t instructions) {
    const std::vector<std::uint64_t> codes(32 * instructions, exact_code("e4m3", two_to(-4)));
    return run_codes(path, codes, codes, 0);
  };
  CHECK(chained(native_fp8, 511) == exact_code("fp32", 63.875));
  CHECK(chained(native_fp8, 512) == exact_code("fp32", 64));
  CHECK(chained(native_fp8, 1024) == exact_code("fp32", 64));
  CHECK(chained(emulated_fp8, 1024) == exact_code("fp32", 128));
}

TEST_CASE("X1: one sum, a different answer on each generation") {
  const Products products{{-two_to(13), two_to(10)}, {-0.5, 1}, {-0.25, 1}, {-0.125, 1}};
  const double c = two_to(23);
  expect_all(hopper_f32, products, c, 0xBF400000);
  expect({"a100", "mma", "fp16", "f32"}, products, c, 0xBF000000);
  expect({"v100", "mma", "fp16", "f32"}, products, c, 0);
  expect({"h100", "wgmma", "e5m2", "f32"}, products, c, 0);
  expect({"h100", "mma", "e5m2", "f32"}, products, c, 0);
}

TEST_CASE("H1 to H4: FP16 accumulators round once, to nearest even") {
  expect(fp16_f16, {{0.5, 1}, {0.5, 1}, {0.5, two_to(-10)}, {0.5, two_to(-23)}}, 0, 0x3C01);
  for (const Path& path : {fp16_f16, Path{"h100", "wgmma", "fp16", "f16"}, Path{"h100", "wgmma", "e4m3", "f16"},
                           Path{"h100", "mma", "e4m3", "f16"}}) {
    expect(path, {{0.5, 1}}, 1024, 0x6400);
    expect(path, {{1.5, 1}}, 1024, 0x6402);
  }
  expect(fp16_f16, {{16, 1}}, 65504, 0x7C00);
  expect(fp16_f16, {{15.9921875, 1}}, 65504, 0x7BFF);
  const Path emulated{"h100", "mma", "e4m3", "f16"};
  expect(emulated, {{1, 1}, {0, 0}, {64, 32}, {1, 1}}, 1, 0x6802);
  expect(emulated, {{64, 32}, {1, 1}, {1, 1}, {0, 0}}, 1, 0x6800);
}

TEST_CASE("O1: sums overflow from 2^128 on, products never do") {
  const double largest = std::numeric_limits<float>::max(), m = two_to(127);
  expect(bf16_f32, {{0.75 * m, 1}, {0.75 * m, 1}}, 0.25 * largest, 0x7F7FFFFF);
  expect(bf16_f32, {{m, 1}, {m, 1}}, 0, 0x7F800000);
  expect(bf16_f32, {{-m, 1}, {-m, 1}}, 0, 0xFF800000);
  expect(bf16_f32, {{m, m}, {m, -m}, {1, 1}}, 0, 0);
}

TEST_CASE("B1, E1, E3: subnormals, and the exponent a zero accumulator has") {
  expect_all(wide_range_f32, {{two_to(-75), two_to(-74)}}, 0, 1);
  expect_all(wide_range_f32, {{two_to(-75), two_to(-75)}}, 0, 0);
  expect(bf16_f32, {{two_to(-133), 1}}, 0, 0x00010000);
  for (const int t : {157, 158, 159}) {
    expect_all(wide_range_f32, {{two_to(-75), two_to(-74)}, {-two_to(75 - t), two_to(-75)}}, 0, t == 159 ? 1 : 0);
  }
  expect(bf16_f32, Products(16, {two_to(-77), two_to(-76)}), 0, 1);
  expect(bf16_f32, {{0, two_to(127)}, {two_to(-15), two_to(-15)}}, 0, 0x30800000);
}

TEST_CASE("E2: the same with FP16 accumulators; hardware to confirm (D1)") {
  const auto probe = [](const Path& path, int t) {
    return run(path, {{two_to(-11), two_to(-14)}, {two_to(-24), two_to(24 - t)}}, 0);
  };
  const std::uint64_t mma[] = {1, 1, 0}, wgmma[] = {1, 1, 1};  // e0 = -22 and -133; -21 would give 1, 0, 0
  for (const int t : {46, 47, 48}) {
    CHECK(probe(fp16_f16, t) == mma[t - 46]);
    CHECK(probe({"h100", "wgmma", "fp16", "f16"}, t) == wgmma[t - 46]);
  }
}

TEST_CASE("Z1, Z2: signs of zero; hardware to confirm") {
  for (const Path& path : {hopper_f32[0], native_fp8, emulated_fp8}) {
    CHECK(run(path, Products(static_cast<std::size_t>(row_of(path).instruction_k), {-0.0, 1}), -0.0) == 0);
    CHECK(run(path, {}, -0.0) == 0);
    CHECK(run(path, {{u, u}, {u, -u}}, 0) == 0);  // exact cancellation: not in doubt
  }
  CHECK(run(bf16_f32, {{-two_to(-75), two_to(-75)}}, 0) == 0x80000000);
}

TEST_CASE("Q1: specials") {
  for (const Path& path : hopper_f32) {
    expect(path, {{not_a_number, 1}}, 0, 0x7FFFFFFF);
    expect(path, {{-not_a_number, 1}}, 0, 0x7FFFFFFF);
    expect(path, {{1, 1}}, not_a_number, 0x7FFFFFFF);
    expect(path, {{0, inf}}, 1, 0x7FFFFFFF);
    expect(path, {{inf, 1}, {-inf, 1}}, 1, 0x7FFFFFFF);
    expect(path, {{inf, 1}}, -inf, 0x7FFFFFFF);
    expect(path, {{inf, -1}}, 1, 0xFF800000);
    expect(path, {{1, 1}}, inf, 0x7F800000);
  }
  expect(fp16_f16, {{not_a_number, 1}}, 0, 0x7FFF);
  expect(fp16_f16, {{inf, -1}}, 0, 0xFC00);
  expect(native_fp8, {{not_a_number, 0}}, 0, 0x7FFFFFFF);
  CHECK(run_codes({"h100", "wgmma", "e5m2", "f32"}, {0x7C}, {0x3C}, 0) == 0x7F800000);
  CHECK(run_codes({"h100", "mma", "tf32", "f32"}, {0x7F800001}, {0x3F800000}, 0) == 0x7F800000);
  CHECK(run_codes({"h100", "mma", "tf32", "f32"}, {0x3F801FFF}, {0x3F800000}, 0) == 0x3F800000);
}
