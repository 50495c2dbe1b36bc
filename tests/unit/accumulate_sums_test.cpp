// SPDX-License-Identifier: Apache-2.0
// Additions against core, orders against their definitions told again, and the sums that stall in the books.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "accumulate_codes.h"
#include "lowp/accumulate/sums.h"
#include "lowp/core/arithmetic.h"
#include "lowp/core/counter_rng.h"
#include "lowp/exact/exact_sum.h"

using namespace lowp;
using namespace lowp::testing;

namespace {

constexpr Format fp64 = ieee_format(11, 52);

double value_of(Format f, std::uint64_t code) {
  return std::bit_cast<double>(convert(f, fp64, Conversion{}, code));
}

std::uint64_t bits_of(double x) {
  return std::isnan(x) ? 1 : std::bit_cast<std::uint64_t>(x);
}

Accumulator in_format(const char* name, Rounding rounding = Rounding::nearest_even) {
  return {name, find_format(name).format, rounding, {}, 8, 42};
}

double repeated(const char* format, double term, int times) {
  Adder adder(in_format(format));
  const double x = adder.round(term);
  double sum = 0;
  for (int i = 0; i < times; ++i) sum = adder.add(sum, x);
  return sum;
}

}  // namespace

TEST_CASE("rounding and arithmetic equal core in every format and mode") {
  CodeSource source(21);
  for (const NamedFormat& row : format_table) {
    if (!is_signed(row.format)) continue;
    REQUIRE(fits_double(row.format));
    for (const RoundingName& mode : rounding_names) {
      CAPTURE(row.name);
      CAPTURE(mode.name);
      Adder adder(in_format(std::string(row.name).c_str(), mode.mode));
      const Conversion how{.rounding = mode.mode};
      const bool random = is_stochastic(mode.mode);
      std::uint64_t draw = 5u << 20;
      adder.start(5);
      const auto bits = [&] { return random ? random_bits(42, draw++, 8) : RandomBits{}; };
      int differing = 0;
      for (int round = 0; round < 400; ++round) {
        const Draw kind = draws[source.bits() % 4];
        const std::uint64_t a = source.code(row.format, kind);
        const std::uint64_t b = source.chance(5) ? a ^ sign_bit(row.format) : source.code(row.format, kind);
        const double x = value_of(row.format, a), y = value_of(row.format, b);
        const std::uint64_t any = source.code(fp64, kind);
        const auto same = [&](double got, std::uint64_t code) {
          return bits_of(got) == bits_of(value_of(row.format, code));
        };
        differing += !same(adder.add(x, y), add(row.format, how, a, b, bits()));
        differing += !same(adder.multiply(x, y), mul(row.format, how, a, b, bits()));
        differing += !same(adder.divide(x, y), div(row.format, how, a, b, bits()));
        differing += !same(adder.round(std::bit_cast<double>(any)), encode(row.format, how, decode(fp64, any), bits()));
      }
      CHECK(differing == 0);
    }
  }
}

TEST_CASE("quick rounding is right around every value and tie of the narrow formats") {
  for (const char* name : {"fp16", "bf16", "e4m3", "e5m2", "e3m2"}) {
    const Format f = find_format(name).format;
    Adder adder(in_format(name));
    int differing = 0;
    for (std::uint64_t code = 0; code < max_finite_code(f); ++code) {
      const double low = value_of(f, code), high = value_of(f, code + 1), middle = low + (high - low) / 2;
      for (const double x : {low, middle, std::nextafter(middle, low), std::nextafter(middle, high), -middle}) {
        const std::uint64_t wanted = convert(fp64, f, Conversion{}, std::bit_cast<std::uint64_t>(x));
        differing += bits_of(adder.round(x)) != bits_of(value_of(f, wanted));
      }
    }
    CHECK(differing == 0);
  }
}

TEST_CASE("sums that stall") {
  CHECK(repeated("fp16", 0.01, 12500) == 32.0);
  CHECK(repeated("bf16", 0.01, 12500) == 4.0);
  CHECK(repeated("fp16", 1.0, 5000) == 2048.0);
  CHECK(repeated("bf16", 1.0, 5000) == 256.0);
  CHECK(repeated("fp32", 1.0, 5000) == 5000.0);
  Adder adder(in_format("bf16"));
  double sum = 0;
  for (int i = 0; i < 300; ++i) sum = adder.add(sum, 1.0);
  CHECK(adder.absorbed() == 44);
  CHECK(adder.last_absorbed());
}

TEST_CASE("the smallest step that moves a weight of 1") {
  const auto moves = [](const char* format, double step) {
    Adder adder(in_format(format));
    return adder.add(1.0, adder.round(step)) != 1.0;
  };
  CHECK_FALSE(moves("fp16", std::ldexp(1, -11)));
  CHECK(moves("fp16", std::ldexp(1.0 + 0x1p-10, -11)));
  CHECK_FALSE(moves("fp16", -std::ldexp(1, -12)));
  CHECK(moves("fp16", -std::ldexp(1.0 + 0x1p-10, -12)));
  CHECK_FALSE(moves("bf16", std::ldexp(1, -8)));
  CHECK(moves("bf16", std::ldexp(1.0 + 0x1p-7, -8)));
  CHECK_FALSE(moves("bf16", -std::ldexp(1, -9)));
  CHECK(moves("bf16", -std::ldexp(1.0 + 0x1p-7, -9)));
}

TEST_CASE("small numbers and reciprocal scales in FP16") {
  Adder adder(in_format("fp16"));
  CHECK(adder.round(1e-8) == 0);
  CHECK(adder.round(1e-7) == 0x1p-23);
  CHECK(adder.round(0x1p-25) == 0);
  CHECK(adder.round(0x1p-24) == 0x1p-24);
  CHECK(adder.round(0x1.0000000000001p-25) == 0x1p-24);
}

TEST_CASE("PopART's edge for loss scaling, 8188, keeps three binades of headroom in FP16") {
  const double largest = value_of(ieee_format(5, 10), max_finite_code(ieee_format(5, 10)));
  CHECK(largest == 65504);
  CHECK(8188 == std::ldexp(largest, -3));
  Adder adder(in_format("fp16"));
  CHECK(adder.round(8188) == 8188);
  double doubled = 8188;
  int binades = 0;
  for (; std::isfinite(adder.add(doubled, doubled)); ++binades) doubled = adder.add(doubled, doubled);
  CHECK(binades == 3);
  CHECK(doubled == largest);
}

TEST_CASE("every order adds each term once") {
  for (const SumModel& row : sum_table) {
    Adder adder(in_format("fp64"));
    for (std::size_t n = 0; n <= 300; ++n) {
      std::vector<double> terms;
      double wanted = 0;
      for (std::size_t i = 0; i < n; ++i) {
        terms.push_back(static_cast<double>(1 + i % 97) * (i % 3 == 0 ? -1 : 1));
        wanted += terms.back();
      }
      CAPTURE(row.name);
      CAPTURE(n);
      CHECK(sum_in_order(row.order, {3, n / 2}, adder, terms) == wanted);
    }
  }
  std::vector<double> many(100000, 1.0);
  Adder adder(in_format("fp32"));
  for (const SumModel& row : sum_table) CHECK(sum_in_order(row.order, {4, 0}, adder, many) == 100000.0);
}

TEST_CASE("orders, by sums whose value tells the order") {
  Adder bf16(in_format("bf16"));
  const auto sum = [&](const char* name, std::vector<double> terms, SumShape shape = {}) {
    return sum_in_order(find_sum_model(name)->order, shape, bf16, terms);
  };
  CHECK(sum("sequential", {256, 1, 1, 1}) == 256);
  CHECK(sum("pairwise", {256, 1, 1, 1}) == 258);            // (256 + 1) + (1 + 1)
  CHECK(sum("blocked", {256, 1, 1, 1, 1}, {3, 0}) == 258);  // (256 + 1 + 1) + (1 + 1)
  CHECK(sum("kahan", {256, 1, 1, 1, 1}) == 260);
  CHECK(sum("neumaier", {1, 256, 1, 1, -256}) == 3);
  CHECK(sum("nccl_ring", {256, 1, 1, 1}, {4, 0}) == 260);  // ((1 + 1) + 1) + 256 = 259, to even
  CHECK(sum("nccl_ring", {256, 1, 1, 1}, {4, 3}) == 256);
  CHECK(sum("nccl_tree", {256, 1, 1, 1}) == 260);      // 256 + (1 + 1 + 1) = 259, to even
  CHECK(sum("split", {256, 1, 1, 1}, {2, 0}) == 258);  // 257 rounds to 256, then + 2
  CHECK(sum("split", {256, 1, 1, 1}, {1, 0}) == 260);  // 259 once
  // One vector of 8 lanes each: torch_cpu adds lane sums last, scalars of the tail first.
  std::vector<double> terms{256, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  CHECK(sum("torch_cpu", terms) == 258);  // ((0 + 1) + 1) + 256
  CHECK(sum("sequential", terms) == 256);
}

TEST_CASE("torch's sums: FP32 inside 16 bits, and the order of few and of stacked terms") {
  Adder bf16(in_format("bf16")), fp32(in_format("fp32"));
  const auto sum = [](Adder& adder, const char* name, std::vector<double> terms, SumShape shape = {}) {
    return sum_in_order(find_sum_model(name)->order, shape, adder, terms);
  };
  for (const char* name : {"torch_cpu", "torch_cpu_stack", "torch_cuda", "torch_cuda_stack"}) {
    CHECK(sum(bf16, name, {256, 1, 1, 1}) == 260);  // 259 once, to even; one after the other 256
    CHECK(sum(bf16, name, {256, 1, 1, -256}) == 2);
  }
  // Half a unit of 2^24 is lost where it comes second, and kept where it meets its twin first.
  CHECK(sum(fp32, "torch_cpu", {0x1p24, 1, 0, 0, 1}) == 0x1p24);      // ((2^24 + 1) + 1): term 4 goes to term 0
  CHECK(sum(fp32, "torch_cpu", {1, 0x1p24, 0, 0, 1}) == 0x1p24 + 2);  // ((1 + 1) + 2^24)
  CHECK(sum(fp32, "torch_cuda_stack", {1, 0x1p24, 0, 0, 1}) == 0x1p24 + 2);
  CHECK(sum(fp32, "torch_cpu_stack", {1, 0x1p24, 0, 0, 1}, {4, 0, 0, 64}) == 0x1p24);  // in order
  CHECK(sum(fp32, "torch_cpu_stack", {1, 0x1p24, 0, 0, 1}, {4, 0, 63, 64}) == 0x1p24);
  CHECK(sum(fp32, "torch_cpu_stack", {1, 0x1p24, 0, 0, 1}, {4, 0, 64, 65}) == 0x1p24 + 2);  // the last column
  bf16.clear();
  sum(bf16, "torch_cpu", {0x1p30, 1});
  CHECK(bf16.absorbed() == 1);  // in FP32
}

TEST_CASE("stochastic sums are unbiased where nearest ones stall, and repeatable") {
  double total = 0;
  for (std::uint64_t stream = 0; stream < 200; ++stream) {
    Adder adder({"bf16", find_format("bf16").format, Rounding::stochastic_c, {}, 16, 7});
    adder.start(stream);
    double sum = 0;
    for (int i = 0; i < 1024; ++i) sum = adder.add(sum, 1.0);
    total += sum;
  }
  const double mean = total / 200;
  CHECK(mean > 1024 - 15);  // one sum's deviation is about 40, the mean's about 3
  CHECK(mean < 1024 + 15);
  Adder first({"bf16", find_format("bf16").format, Rounding::stochastic_c, {}, 16, 7}), second(first.how());
  first.start(3);
  second.start(3);
  for (int i = 0; i < 100; ++i) CHECK(first.add(257 + i, 0.5) == second.add(257 + i, 0.5));
}

TEST_CASE("overflow on the way") {
  Adder adder(in_format("fp16"));
  const std::vector<double> terms{60000, 60000, -60000};
  CHECK(std::isinf(sum_in_order(SumOrder::sequential, {}, adder, terms)));
  Adder saturating({"fp16", find_format("fp16").format, Rounding::nearest_even, {true, true}, 8, 1});
  CHECK(sum_in_order(SumOrder::sequential, {}, saturating, terms) == 65504 - 60000);
}
