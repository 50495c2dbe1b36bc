// SPDX-License-Identifier: Apache-2.0
// add, sub, mul, div, sqrt and fma against exact rationals: all pairs of every format of at most 8 bits, lattices and
// random operands of wider ones, every deterministic mode and overflow rule. LOWP_PROOF=all takes 16 times the random
// operands and lattices twice as dense.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "lowp/core/arithmetic.h"
#include "lowp/verify/arithmetic_oracle.h"
#include "subjects.h"

namespace lowp::proof {
namespace {

using oracle::ExactResult;
using oracle::Grid;
using oracle::Real;

bool all_wanted() {
  const char* wish = std::getenv("LOWP_PROOF");
  return wish != nullptr && std::string_view(wish) == "all";
}

enum class Operation : std::uint8_t { add, sub, mul, div };
constexpr std::array pair_operations{Operation::add, Operation::sub, Operation::mul, Operation::div};

std::uint64_t ours(Operation op, Format f, Conversion how, std::uint64_t a, std::uint64_t b) {
  switch (op) {
    case Operation::add: return add(f, how, a, b);
    case Operation::sub: return sub(f, how, a, b);
    case Operation::mul: return mul(f, how, a, b);
    case Operation::div: return div(f, how, a, b);
  }
  return 0;
}

ExactResult exact(Operation op, const Real& a, const Real& b, oracle::Mode mode) {
  switch (op) {
    case Operation::add: return oracle::sum_of(a, b, mode);
    case Operation::sub: return oracle::sum_of(a, oracle::minus(b), mode);
    case Operation::mul: return oracle::product_of(a, b);
    case Operation::div: return oracle::quotient_of(a, b);
  }
  return {};
}

// Counts results of one format that differ from what the oracle says, in every mode under every overflow rule.
class Examiner {
 public:
  explicit Examiner(const Subject& subject) : subject_(subject), grid_(*subject.description) {}

  Real real(std::uint64_t code) const { return oracle::real_of_code(grid_.format(), code); }
  Format format() const { return subject_.format; }

  // `result(mode)` is the exact result, of which only the sign of a zero may hang on the mode; `got(how)` is ours.
  template <class Result, class Got>
  void examine(Result result, Got got, std::uint64_t operands) {
    const ExactResult usual = result(oracle::Mode::nearest_even);
    const ExactResult down = result(oracle::Mode::toward_negative);
    const oracle::Place place =
        usual.meaning == oracle::Meaning::number ? oracle::locate(grid_, usual) : oracle::Place{};
    for (const ModeUnderTest& m : modes_) {
      const ExactResult& x = m.judge == oracle::Mode::toward_negative ? down : usual;
      for (const OverflowName& rule : overflow_names) {
        const std::uint64_t wanted = oracle::decide_result(grid_, m.judge, saturation_of(rule.rule), x, place);
        tally.count(got(Conversion{.rounding = m.mode, .overflow = rule.rule}), wanted, operands, m.name);
      }
    }
  }

  void pair(Operation op, std::uint64_t a, std::uint64_t b, const Real& x, const Real& y) {
    examine([&](oracle::Mode mode) { return exact(op, x, y, mode); },
            [&](Conversion how) { return ours(op, format(), how, a, b); }, a << 32 | b);
  }
  void root(std::uint64_t a) {
    const Real x = real(a);
    examine([&](oracle::Mode) { return oracle::root_of(x); },
            [&](Conversion how) { return lowp::sqrt(format(), how, a); }, a);
  }
  void fused(std::uint64_t a, std::uint64_t b, std::uint64_t c, const Real& x, const Real& y, const Real& z) {
    examine([&](oracle::Mode mode) { return oracle::fused_of(x, y, z, mode); },
            [&](Conversion how) { return fma(format(), how, a, b, c); }, a << 40 | b << 20 | c);
  }

  Tally tally;

 private:
  const Subject& subject_;
  Grid grid_;
  std::vector<ModeUnderTest> modes_ = modes();
};

// work(examiner) for every subject on two threads, and one check for each.
template <class Work>
void examine_all(const std::vector<Subject>& subjects, Work work) {
  std::vector<Tally> tallies(subjects.size());
  on_two_threads(subjects.size(), [&](std::size_t i) {
    Examiner examiner(subjects[i]);
    work(examiner);
    tallies[i] = examiner.tally;
  });
  std::uint64_t checked = 0;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    CAPTURE(subjects[i].name);
    CAPTURE(tallies[i].first);
    CHECK(tallies[i].wrong == 0);
    CHECK(tallies[i].checked > 0);
    checked += tallies[i].checked;
  }
  MESSAGE("compared ", checked, " results of ", subjects.size(), " formats");
}

std::vector<Real> reals_of(const Examiner& examiner, const std::vector<std::uint64_t>& codes) {
  std::vector<Real> reals;
  for (const std::uint64_t code : codes) reals.push_back(examiner.real(code));
  return reals;
}

std::vector<std::uint64_t> all_codes_of(Format f) {
  std::vector<std::uint64_t> codes(code_mask(f) + 1);
  for (std::uint64_t code = 0; code < codes.size(); ++code) codes[code] = code;
  return codes;
}

// Codes about the landmarks of a format, both signs: zeros, the smallest, the ends of subnormals, one, the largest, Inf
// and NaNs, and in `binades` evenly spread binades the first, last, middle and alternating fractions.
std::vector<std::uint64_t> lattice(Format f, std::uint64_t binades) {
  const std::uint64_t unit = min_normal_ordinal(f);
  const std::uint64_t one = encode(f, {}, exact_finite(false, 1, 0));
  std::vector<std::uint64_t> marks{0,
                                   1,
                                   2,
                                   3,
                                   unit - 1,
                                   unit,
                                   unit + 1,
                                   one - 1,
                                   one,
                                   one + 1,
                                   max_finite_code(f) - 1,
                                   max_finite_code(f),
                                   max_finite_code(f) + 1,
                                   magnitude_mask(f)};
  const std::uint64_t last = max_finite_code(f) >> fraction_bits(f);
  for (std::uint64_t i = 0; i < binades; ++i) {
    const std::uint64_t base = (last * i / std::max<std::uint64_t>(binades - 1, 1)) << fraction_bits(f);
    for (const std::uint64_t fraction : {std::uint64_t{0}, std::uint64_t{1}, unit / 2, unit / 3, unit - 1}) {
      marks.push_back(base + (fraction & (unit - 1)));
    }
  }
  std::vector<std::uint64_t> codes;
  for (const std::uint64_t mark : marks) {
    for (const std::uint64_t sign : {std::uint64_t{0}, sign_bit(f)}) codes.push_back((mark & magnitude_mask(f)) | sign);
  }
  std::ranges::sort(codes);
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  return codes;
}

void all_pairs(Examiner& examiner, const std::vector<std::uint64_t>& codes) {
  const std::vector<Real> reals = reals_of(examiner, codes);
  for (const Operation op : pair_operations) {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      for (std::size_t j = 0; j < codes.size(); ++j) examiner.pair(op, codes[i], codes[j], reals[i], reals[j]);
    }
  }
}

void all_triples(Examiner& examiner, const std::vector<std::uint64_t>& codes) {
  const std::vector<Real> reals = reals_of(examiner, codes);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    for (std::size_t j = 0; j < codes.size(); ++j) {
      for (std::size_t k = 0; k < codes.size(); ++k) {
        examiner.fused(codes[i], codes[j], codes[k], reals[i], reals[j], reals[k]);
      }
    }
  }
}

// Any code, or one whose exponent is at most a significand's width away from `near`: there sums round.
std::uint64_t random_code(Format f, std::mt19937_64& random, std::uint64_t near) {
  const std::uint64_t any = random();
  if ((any & 1) == 0) return (any >> 8) & code_mask(f);
  const std::uint64_t reach = static_cast<std::uint64_t>(f.precision) + 3;
  const std::uint64_t step = ((any >> 1) % (2 * reach)) << fraction_bits(f);
  const std::uint64_t moved = near + step - (reach << fraction_bits(f));
  return (moved ^ (random() & (min_normal_ordinal(f) - 1)) ^ (random() & sign_bit(f))) & code_mask(f);
}

void random_operands(Examiner& examiner, int count) {
  std::mt19937_64 random(20261122);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t a = random_code(examiner.format(), random, 0);
    const std::uint64_t b = random_code(examiner.format(), random, a);
    const Real x = examiner.real(a), y = examiner.real(b);
    for (const Operation op : pair_operations) examiner.pair(op, a, b, x, y);
    examiner.root(a);
    const std::uint64_t product = mul(examiner.format(), {}, a, b);
    const std::uint64_t c = random_code(examiner.format(), random, product);
    examiner.fused(a, b, c, x, y, examiner.real(c));
  }
}

std::vector<Subject> named(std::initializer_list<std::string_view> names) {
  std::vector<Subject> chosen;
  for (const std::string_view name : names) {
    chosen.push_back({std::string(name), find_format(name).format, oracle::find_oracle_format(name)});
    REQUIRE(chosen.back().description != nullptr);
  }
  return chosen;
}

TEST_CASE("all pairs of every format of at most 8 bits: add, sub, mul, div") {
  examine_all(subjects_up_to(8), [](Examiner& e) { all_pairs(e, all_codes_of(e.format())); });
}

TEST_CASE("square roots of all codes of every format of at most 16 bits") {
  examine_all(subjects_up_to(16), [](Examiner& e) {
    for (const std::uint64_t code : all_codes_of(e.format())) e.root(code);
  });
}

TEST_CASE("fma: all triples of every format of at most 4 bits, a lattice of the others") {
  const std::uint64_t density = all_wanted() ? 2 : 1;
  examine_all(subjects_up_to(4), [](Examiner& e) { all_triples(e, all_codes_of(e.format())); });
  examine_all(named({"fp16", "bf16", "e4m3", "e5m2"}),
              [=](Examiner& e) { all_triples(e, lattice(e.format(), 6 * density)); });
  examine_all(subjects_up_to(8), [=](Examiner& e) { all_triples(e, lattice(e.format(), density)); });
}

TEST_CASE("wider formats: lattice of pairs") {
  const std::uint64_t density = all_wanted() ? 2 : 1;
  examine_all(named({"fp16", "bf16", "tf32", "fp32", "fp64"}),
              [=](Examiner& e) { all_pairs(e, lattice(e.format(), 16 * density)); });
}

TEST_CASE("wider formats: random operands of every operation") {
  const int count = all_wanted() ? 320'000 : 20'000;
  examine_all(named({"fp16", "bf16", "tf32", "fp32", "fp64"}), [=](Examiner& e) { random_operands(e, count); });
}

}  // namespace
}  // namespace lowp::proof
