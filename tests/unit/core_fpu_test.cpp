// SPDX-License-Identifier: Apache-2.0
// FP32 and FP64 operations against this processor's own, in the four rounding directions it has. Built with
// -frounding-math; operands and results pass through volatile so that nothing is folded or moved over fesetround.
#include <doctest/doctest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "lowp/core/arithmetic.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

struct Direction {
  int fenv;
  Rounding mode;
};
constexpr Direction directions[] = {{FE_TONEAREST, Rounding::nearest_even},
                                    {FE_TOWARDZERO, Rounding::toward_zero},
                                    {FE_UPWARD, Rounding::toward_positive},
                                    {FE_DOWNWARD, Rounding::toward_negative}};

// The rounding direction for the lifetime of the object.
class RoundedTo {
 public:
  explicit RoundedTo(int fenv) { REQUIRE(std::fesetround(fenv) == 0); }
  ~RoundedTo() { std::fesetround(FE_TONEAREST); }
  RoundedTo(const RoundedTo&) = delete;
  RoundedTo& operator=(const RoundedTo&) = delete;
};

template <class Float, class Code>
struct Machine {
  static Float value(std::uint64_t code) { return std::bit_cast<Float>(static_cast<Code>(code)); }
  static bool same(Format f, std::uint64_t ours, Float theirs) {
    return std::isnan(theirs) ? ours == nan_code(f) : ours == std::bit_cast<Code>(theirs);
  }
  static int wrong_pair(Format f, Rounding mode, std::uint64_t a, std::uint64_t b) {
    const volatile Float x = value(a), y = value(b);
    const volatile Float sum = x + y, difference = x - y, product = x * y, quotient = x / y;
    const Conversion how{.rounding = mode};
    return !same(f, add(f, how, a, b), sum) + !same(f, sub(f, how, a, b), difference) +
           !same(f, mul(f, how, a, b), product) + !same(f, div(f, how, a, b), quotient);
  }
  static int wrong_root(Format f, Rounding mode, std::uint64_t a) {
    const volatile Float x = value(a);
    const volatile Float root = std::sqrt(x);
    return !same(f, lowp::sqrt(f, {.rounding = mode}, a), root);
  }
  static int wrong_fma(Format f, Rounding mode, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    const volatile Float x = value(a), y = value(b), z = value(c);
    const volatile Float fused = std::fma(static_cast<Float>(x), static_cast<Float>(y), static_cast<Float>(z));
    return !same(f, lowp::fma(f, {.rounding = mode}, a, b, c), fused);
  }
};
using Single = Machine<float, std::uint32_t>;
using Double = Machine<double, std::uint64_t>;

// Special and boundary exponents times special fractions times both signs (the idea of Berkeley TestFloat), some
// random.
std::vector<std::uint64_t> lattice(Format f, std::mt19937_64& random) {
  const int fraction_width = fraction_bits(f);
  const std::uint64_t ones = low_bits(fraction_width);
  const auto bias = static_cast<std::uint64_t>(f.bias);
  const auto p = static_cast<std::uint64_t>(f.precision);
  std::vector<std::uint64_t> codes;
  for (const std::uint64_t field :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, p, bias / 2, bias - p, bias - 1, bias, bias + 1, bias + p,
        bias + p + 1, bias + bias / 2, 2 * bias, 2 * bias + 1}) {
    for (const std::uint64_t fraction : {std::uint64_t{0}, std::uint64_t{1}, ones, ones - 1, ones / 2, ones / 2 + 1,
                                         ones / 2 + 2, random() & ones, random() & ones}) {
      codes.push_back(field << fraction_width | fraction);
      codes.push_back(sign_bit(f) | codes.back());
    }
  }
  return codes;
}

template <class Machine>
void check_pairs_and_roots(Format f) {
  std::mt19937_64 random(754);
  const std::vector<std::uint64_t> codes = lattice(f, random);
  for (const Direction& direction : directions) {
    const RoundedTo guard(direction.fenv);
    int wrong = 0;
    for (const std::uint64_t a : codes) {
      wrong += Machine::wrong_root(f, direction.mode, a);
      for (const std::uint64_t b : codes) wrong += Machine::wrong_pair(f, direction.mode, a, b);
    }
    CHECK(wrong == 0);
    for (int i = 0; i < 300'000; ++i) {
      const std::uint64_t a = random() & code_mask(f);
      // Half of the partners lie within 64 binades of the first: unrelated exponents seldom meet.
      const std::uint64_t near = (a ^ (random() & low_bits(fraction_bits(f) + 6))) ^ (random() & sign_bit(f));
      const std::uint64_t b = i % 2 == 0 ? near : random() & code_mask(f);
      wrong += Machine::wrong_pair(f, direction.mode, a, b) + Machine::wrong_root(f, direction.mode, a);
    }
    CHECK(wrong == 0);
  }
}

template <class Machine>
void check_fma(Format f) {
  std::mt19937_64 random(2019);
  const std::vector<std::uint64_t> codes = lattice(f, random);
  const auto pick = [&] { return codes[random() % codes.size()]; };
  for (const Direction& direction : directions) {
    const RoundedTo guard(direction.fenv);
    int wrong = 0;
    for (int i = 0; i < 400'000; ++i) wrong += Machine::wrong_fma(f, direction.mode, pick(), pick(), pick());
    CHECK(wrong == 0);
    for (int i = 0; i < 400'000; ++i) {
      // The addend cancels the rounded product but for a few units: what is left is the part a second rounding loses.
      const std::uint64_t a = i % 2 == 0 ? pick() : random() & code_mask(f);
      const std::uint64_t b = i % 4 < 2 ? pick() : random() & code_mask(f);
      const std::uint64_t product = mul(f, {.rounding = direction.mode}, a, b);
      const std::uint64_t c = ((product ^ sign_bit(f)) + random() % 5) & code_mask(f);
      wrong += Machine::wrong_fma(f, direction.mode, a, b, c);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("the processor changes direction") {
  const volatile float third = 3.0F;
  float low = 0, high = 0;
  {
    const RoundedTo guard(FE_DOWNWARD);
    low = 1.0F / third;
  }
  {
    const RoundedTo guard(FE_UPWARD);
    high = 1.0F / third;
  }
  CHECK(low < high);
}

TEST_CASE("fp32 add sub mul div sqrt") {
  check_pairs_and_roots<Single>(find_format("fp32").format);
}
TEST_CASE("fp64 add sub mul div sqrt") {
  check_pairs_and_roots<Double>(find_format("fp64").format);
}
TEST_CASE("fp32 fma") {
  check_fma<Single>(find_format("fp32").format);
}
TEST_CASE("fp64 fma") {
  check_fma<Double>(find_format("fp64").format);
}

TEST_CASE("fp64 to fp32 in four directions") {
  const Format fp64 = find_format("fp64").format;
  const Format fp32 = find_format("fp32").format;
  std::mt19937_64 random(64);
  for (const Direction& direction : directions) {
    const RoundedTo guard(direction.fenv);
    int wrong = 0;
    for (int i = 0; i < 1'000'000; ++i) {
      // Exponents around fp32's range, fractions often close to a tie.
      const std::uint64_t field = 1023 - 160 + random() % 300;
      const std::uint64_t fraction = i % 2 == 0 ? random() : (random() << 28) + random() % 3 - 1;
      const std::uint64_t code = (random() & sign_bit(fp64)) | field << 52 | (fraction & low_bits(52));
      const volatile double source = Double::value(code);
      const volatile float narrowed_by_cpu = static_cast<float>(source);
      wrong += !Single::same(fp32, convert(fp64, fp32, {.rounding = direction.mode}, code), narrowed_by_cpu);
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace lowp
