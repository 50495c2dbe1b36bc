// SPDX-License-Identifier: Apache-2.0
// Numbers on and beside every edge of a format: its values, the midpoints between them, and what lies one FP32 ulp, one
// FP64 ulp and one part in 2^62 away, up to sources far outside every range.
#include <doctest/doctest.h>

#include <algorithm>

#include "subjects.h"

namespace lowp::proof {
namespace {

using oracle::Dyadic;
using oracle::Grid;
using oracle::Integer;

const Grid& fp32_grid() {
  static const Grid grid(*oracle::find_oracle_format("fp32"));
  return grid;
}
const Grid& fp64_grid() {
  static const Grid grid(*oracle::find_oracle_format("fp64"));
  return grid;
}

// Magnitudes to stand on: all where there are at most 2^16, else all exponents with telling fractions.
std::vector<std::uint64_t> stations(const Grid& grid) {
  std::vector<std::uint64_t> list;
  if (oracle::width_of(grid.format()) <= 16) {
    for (std::uint64_t fields = 0; fields <= grid.largest(); ++fields) list.push_back(fields);
    return list;
  }
  const std::uint64_t binade = std::uint64_t{1} << grid.format().fraction_bits;
  const std::uint64_t fractions[] = {0,          1,          2,         binade / 2 - 1, binade / 2, binade / 2 + 1,
                                     binade / 3, binade - 2, binade - 1};
  for (std::uint64_t base = 0; base < grid.largest(); base += binade) {
    for (const std::uint64_t fraction : fractions) list.push_back(base + fraction);
  }
  return list;
}

class Lattice {
 public:
  Lattice(const Subject& subject, const Grid& grid) : subject_(subject), grid_(grid) {}

  // x itself, x and a trifle more (by a larger integer and by the sticky bit), x and a trifle less, and the numbers of
  // FP32 and FP64 around x.
  void around(const Dyadic& x) {
    if (!x.significand.is_zero()) {
      const int shift = 62 - static_cast<int>(msb(x.significand));
      const std::uint64_t wide = static_cast<std::uint64_t>(Integer(x.significand << shift));
      const int exponent = x.exponent - shift;
      check(wide, exponent, false);
      check(wide + 1, exponent, false);
      check(wide - 1, exponent, false);
      check(wide, exponent, true);
      check(wide - 1, exponent, true);
      check(static_cast<std::uint64_t>(x.significand), x.exponent, false);
    }
    neighbours(fp32_grid(), x);
    neighbours(fp64_grid(), x);
  }

  void check(std::uint64_t significand, int exponent, bool sticky) {
    if (significand == 0) return;
    // A sticky bit stands for anything below one unit: half a unit lies at the same place of every grid.
    const Dyadic value{2 * Integer(significand) + (sticky ? 1 : 0), exponent - 1};
    const oracle::Place place = oracle::locate(grid_, value);
    for (const bool negative : {false, true}) {
      for (const ModeUnderTest& m : modes_)
        compare_rules(m, exact_finite(negative, significand, exponent, sticky), place);
    }
  }

  const Tally& tally() const { return tally_; }

 private:
  void compare_rules(const ModeUnderTest& m, const Exact& x, oracle::Place place) {
    for (const OverflowName& rule : overflow_names) {
      const std::uint64_t wanted =
          oracle::decide(grid_.format(), grid_.largest(), m.judge, saturation_of(rule.rule), x.negative, place);
      tally_.count(encode(subject_.format, m.mode, rule.rule, x), wanted, x.significand, m.name);
    }
  }

  void neighbours(const Grid& around, const Dyadic& x) {
    const oracle::Place place = oracle::locate(around, x);
    const std::uint64_t first = place.fields == 0 ? 0 : place.fields - 1;
    for (std::uint64_t fields = first; fields <= std::min(place.fields + 2, around.largest()); ++fields) {
      const Dyadic y = around.value(fields);
      check(static_cast<std::uint64_t>(y.significand), y.exponent, false);
    }
  }

  const Subject& subject_;
  const Grid& grid_;
  std::vector<ModeUnderTest> modes_ = modes();
  Tally tally_;
};

Tally examine(const Subject& s) {
  const Grid grid(*s.description);
  Lattice lattice(s, grid);
  for (const std::uint64_t fields : stations(grid)) {
    const Dyadic value = grid.value(fields);
    lattice.around(value);
    lattice.around(oracle::times_power_of_two(oracle::sum(value, grid.value(fields + 1)), -1));
  }
  for (const int exponent : {-1000000, -3000, -1200, -1074, -200, 100, 200, 1000, 2000, 1000000}) {
    lattice.around({Integer(1), exponent});
    lattice.around({Integer(0x1fffffffffffff), exponent});
  }
  return lattice.tally();
}

TEST_CASE("encode on and beside every edge of every format") {
  const std::vector<Subject> all = subjects_up_to(64);
  std::vector<Tally> tallies(all.size());
  on_two_threads(all.size(), [&](std::size_t i) { tallies[i] = examine(all[i]); });
  std::uint64_t checked = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].name);
    CAPTURE(tallies[i].first);
    CHECK(tallies[i].wrong == 0);
    checked += tallies[i].checked;
  }
  MESSAGE("encoded ", checked, " cases");
  CHECK(checked > 0);
}

TEST_CASE("decode of formats wider than 16 bits") {
  for (const Subject& s : subjects_up_to(64)) {
    if (s.format.width <= 16) continue;
    CAPTURE(s.name);
    std::uint64_t wrong = 0;
    const auto check = [&](std::uint64_t code) {
      wrong += !same_number(decode(s.format, code), oracle::value_of_code(*s.description, code));
    };
    for (const std::uint64_t fields : stations(Grid(*s.description))) {
      check(fields);
      check(fields | sign_bit(s.format));
    }
    for (std::uint64_t code = max_finite_code(s.format); code < max_finite_code(s.format) + 5; ++code) check(code);
    check(magnitude_mask(s.format));
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace lowp::proof
