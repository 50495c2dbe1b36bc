// SPDX-License-Identifier: Apache-2.0
// The stochastic modes against their definition: every draw of a few bits, and long draws about the deciding one.
#include <doctest/doctest.h>

#include <algorithm>

#include "subjects.h"

namespace lowp::proof {
namespace {

struct Trio {
  Rounding mode;
  oracle::Stochastic judge;
};
constexpr Trio trios[] = {{Rounding::stochastic_a, oracle::Stochastic::a},
                          {Rounding::stochastic_b, oracle::Stochastic::b},
                          {Rounding::stochastic_c, oracle::Stochastic::c}};

class Examiner {
 public:
  explicit Examiner(const Subject& target) : target_(target), grid_(*target.description) {}

  void examine(const Exact& x, const oracle::Real& real, int count, std::uint32_t bits) {
    for (const Trio& t : trios) {
      const std::uint64_t got = encode(target_.format, t.mode, {}, x, RandomBits{bits, count});
      const std::uint64_t wanted = oracle::oracle_encode(grid_, t.judge, {bits, count}, {}, real);
      tally.count(got, wanted, bits, target_.name);
    }
  }

  Tally tally;

 private:
  const Subject& target_;
  oracle::Grid grid_;
};

// Sources a little richer than the target: numbers 2^-5 units apart, in a few binades and past the largest number.
Tally every_short_draw(const Subject& target) {
  Examiner examiner(target);
  const oracle::Grid grid(*target.description);
  const std::uint64_t last = std::min<std::uint64_t>(grid.largest(), 40);
  for (std::uint64_t step = 0; step <= 2 * last; ++step) {
    const std::uint64_t fields = step <= last ? step : grid.largest() - (step - last - 1);
    const oracle::Dyadic lower = grid.value(fields);
    const oracle::Dyadic gap = oracle::difference(grid.value(fields + 1), lower);
    for (std::uint64_t part = 0; part < 32; ++part) {
      const oracle::Dyadic x = oracle::sum(lower, {gap.significand * part, gap.exponent - 5});
      const bool negative = part % 2 == 1;
      if (x.significand.is_zero()) continue;
      const Exact source = exact_finite(negative, static_cast<std::uint64_t>(x.significand), x.exponent);
      for (int count = 0; count <= 4; ++count) {
        for (std::uint32_t bits = 0; bits < 1U << count; ++bits) {
          examiner.examine(source, {oracle::Meaning::number, negative, x}, count, bits);
        }
      }
    }
  }
  return examiner.tally;
}

// FP32 sources and draws of 8, 16, 24 and 32 bits with junk above them: each source at the draw that just carries, one
// less, one more, and the ends.
Tally long_draws(const Subject& target) {
  Examiner examiner(target);
  const Format fp32 = find_format("fp32").format;
  const oracle::OracleFormat& source = *oracle::find_oracle_format("fp32");
  std::uint32_t noise = 12345;
  for (int i = 0; i < 4000; ++i) {
    noise = noise * 1664525 + 1013904223;
    const std::uint32_t code = (noise & 0x807fffff) | ((0x38000000 + (noise >> 5) % 0x10000000) & 0x7f800000);
    const oracle::Real real = oracle::real_of_code(source, code);
    const auto fraction = static_cast<std::uint32_t>(std::uint64_t{code} << (9 + fraction_bits(target.format)));
    for (const int count : {8, 16, 24, 32}) {
      const std::uint32_t top = count == 32 ? ~0U : (1U << count) - 1;
      const std::uint32_t carry = count == 32 ? fraction : fraction >> (32 - count);
      const std::uint32_t junk = count == 32 ? 0 : noise << count;
      for (const std::uint32_t bits : {0U, top, top - carry, top - carry + 1, top - carry - 1, top / 2, noise}) {
        examiner.examine(decode(fp32, code), real, count, (bits & top) | junk);
      }
    }
  }
  return examiner.tally;
}

TEST_CASE("stochastic rounding follows its definition") {
  for (const Subject& target : subjects_up_to(19)) {
    CAPTURE(target.name);
    const Tally shorter = every_short_draw(target);
    CAPTURE(shorter.first);
    CHECK(shorter.wrong == 0);
    const Tally longer = long_draws(target);
    CAPTURE(longer.first);
    CHECK(longer.wrong == 0);
  }
}

}  // namespace
}  // namespace lowp::proof
