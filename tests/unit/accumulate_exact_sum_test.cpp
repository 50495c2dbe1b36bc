// SPDX-License-Identifier: Apache-2.0
// ExactSum against sums of integers of any size, rounded by the oracle.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "accumulate_codes.h"
#include "accumulate_reference.h"
#include "lowp/exact/exact_sum.h"

using namespace lowp;
using namespace lowp::testing;

namespace {

constexpr Format fp64 = ieee_format(11, 52);

const std::pair<Rounding, oracle::Mode> modes[] = {{Rounding::nearest_even, oracle::Mode::nearest_even},
                                                   {Rounding::nearest_away, oracle::Mode::nearest_away},
                                                   {Rounding::toward_zero, oracle::Mode::toward_zero},
                                                   {Rounding::toward_positive, oracle::Mode::toward_positive},
                                                   {Rounding::to_odd, oracle::Mode::to_odd}};

void check_reads(const ExactSum& sum, const oracle::SignedSum& reference) {
  for (const char* target : {"fp64", "fp32", "fp16", "bf16", "e4m3", "e2m1"}) {
    const oracle::Grid grid(*oracle::find_oracle_format(target));
    for (const auto& [rounding, mode] : modes) {
      CAPTURE(target);
      CAPTURE(static_cast<int>(rounding));
      const std::uint64_t wanted = oracle::oracle_encode(grid, mode, {}, reference.value());
      CHECK(sum.read(find_format(target).format, Conversion{.rounding = rounding}) == wanted);
    }
  }
}

}  // namespace

TEST_CASE("sums of codes of every format are the exact ones, however they are cut and merged") {
  CodeSource source(1);
  for (const NamedFormat& row : format_table) {
    const oracle::OracleFormat* reference_format = oracle::find_oracle_format(row.name);
    REQUIRE(reference_format != nullptr);
    for (const Draw draw : draws) {
      CAPTURE(row.name);
      const std::vector<std::uint64_t> codes = source.codes(row.format, 40, draw);
      oracle::SignedSum reference;
      ExactSum whole, parts[3];
      for (const std::uint64_t code : codes) {
        const Exact x = decode(row.format, code);
        whole.add(x);
        parts[source.bits() % 3].add(x);
        reference.add(oracle::real_of_code(*reference_format, code));
      }
      parts[1].merge(parts[2]);
      parts[0].merge(parts[1]);
      check_reads(whole, reference);
      CHECK(parts[0].value() == whole.value());
    }
  }
}

TEST_CASE("dot products of FP64, from the smallest to the largest product") {
  CodeSource source(2);
  const oracle::OracleFormat& reference_format = *oracle::find_oracle_format("fp64");
  for (int round = 0; round < 200; ++round) {
    oracle::SignedSum reference;
    ExactSum sum;
    const Draw draw = draws[source.bits() % 4];
    const std::vector<std::uint64_t> a = source.codes(fp64, 12, draw), b = source.codes(fp64, 12, draw);
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum.add_product(decode(fp64, a[i]), decode(fp64, b[i]));
      reference.add_product(oracle::real_of_code(reference_format, a[i]), oracle::real_of_code(reference_format, b[i]));
    }
    check_reads(sum, reference);
  }
}

TEST_CASE("what was added can be taken away again") {
  CodeSource source(3);
  ExactSum sum;
  std::vector<Exact> terms;
  for (int i = 0; i < 1000; ++i) terms.push_back(decode(fp64, source.code(fp64, Draw::finite)));
  for (const Exact& x : terms) sum.add(x);
  CHECK(sum.value().kind == Kind::finite);
  std::reverse(terms.begin(), terms.end());
  for (const Exact& x : terms) sum.subtract(x);
  CHECK(sum.value() == exact_special(Kind::zero, false));
  CHECK(sum.value(Rounding::toward_negative) == exact_special(Kind::zero, true));
}

TEST_CASE("merging a sum with itself doubles it, far beyond where bins must carry") {
  for (const double start : {1.0, -3.0, 0x1.fffffffffffffp+1023, -0x1p-1074, -0x1.123456789abcdp+3}) {
    ExactSum sum;
    sum.add(start);
    sum.add(start / 4);
    sum.add(-start / 4);
    const Exact once = sum.value();
    for (int doubling = 1; doubling <= 58; ++doubling) {
      sum.merge(ExactSum(sum));
      const Exact now = sum.value();
      CHECK(exponent_of(now) == exponent_of(once) + doubling);
      CHECK(now.significand == once.significand);
      CHECK(now.negative == once.negative);
      CHECK_FALSE(now.sticky);
    }
    ExactSum opposite;
    opposite.add(-start);
    for (int doubling = 1; doubling <= 58; ++doubling) opposite.merge(ExactSum(opposite));
    sum.merge(opposite);
    CHECK(sum.value().kind == Kind::zero);
  }
}

TEST_CASE("zeros and specials") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto sum_of = [](std::initializer_list<double> terms) {
    ExactSum sum;
    for (const double x : terms) sum.add(x);
    return sum.value();
  };
  CHECK(sum_of({}) == exact_special(Kind::zero, false));
  CHECK(sum_of({-0.0, -0.0}) == exact_special(Kind::zero, true));
  CHECK(sum_of({-0.0, 0.0}) == exact_special(Kind::zero, false));
  CHECK(sum_of({1.0, -1.0}) == exact_special(Kind::zero, false));
  CHECK(sum_of({inf, -1e308}) == exact_special(Kind::inf, false));
  CHECK(sum_of({-inf, 1.0}) == exact_special(Kind::inf, true));
  CHECK(sum_of({inf, -inf}).kind == Kind::nan);
  CHECK(sum_of({nan, 1.0}).kind == Kind::nan);
  ExactSum product;
  product.add_product(decode(fp64, 0), exact_special(Kind::inf, false));
  CHECK(product.value().kind == Kind::nan);
}

TEST_CASE("sums that overflow on the way and fit in the end") {
  ExactSum sum;
  for (int i = 0; i < 100; ++i) sum.add(0x1.fffffffffffffp+1023);
  CHECK(sum.to_double() == std::numeric_limits<double>::infinity());
  for (int i = 0; i < 99; ++i) sum.add(-0x1.fffffffffffffp+1023);
  sum.add(-0x1.ffffffffffffep+1023);
  sum.add(0x1p-1074);
  const Exact rest = sum.value();
  CHECK(rest.sticky);
  CHECK(exponent_of(rest) == 971);
  CHECK(sum.to_double() == 0x1p971);
}
