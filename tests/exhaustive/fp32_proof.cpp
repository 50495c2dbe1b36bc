// SPDX-License-Identifier: Apache-2.0
// All 2^32 FP32 inputs through encode, against the oracle's exact cuts. With LOWP_PROOF=all every mode and overflow
// rule is walked, else nearest_even with the ieee rule.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string_view>

#include "float_walker.h"
#include "subjects.h"

namespace lowp::proof {
namespace {

constexpr Format fp32 = find_format("fp32").format;
constexpr std::uint32_t infinity = 0x7f800000;
constexpr std::uint32_t sign = 0x80000000;

// Inputs first, ..., last: those whose code is not `wanted`.
using CountWrong = void (*)(Rounding, Overflow, std::uint32_t first, std::uint32_t last, std::uint64_t wanted, Tally&);

template <Format target>
void count_wrong(Rounding mode, Overflow rule, std::uint32_t first, std::uint32_t last, std::uint64_t wanted,
                 Tally& t) {
  std::uint64_t wrong = 0;
  for (std::uint64_t bits = first; bits <= last; ++bits) {
    wrong += encode(target, mode, rule, decode(fp32, bits)) != wanted;
  }
  t.checked += std::uint64_t{last} - first + 1;
  if (wrong != 0 && t.wrong == 0)
    t.first = Tally::describe(0, wanted, first, "within the run that starts here; got not shown");
  t.wrong += wrong;
}

struct Case {
  const char* name;
  CountWrong count_wrong;
};
#define LOWP_PROOF_CASE(name)                   \
  Case {                                        \
    name, count_wrong<find_format(name).format> \
  }
constexpr Case cases[] = {LOWP_PROOF_CASE("fp16"), LOWP_PROOF_CASE("bf16"), LOWP_PROOF_CASE("e4m3"),
                          LOWP_PROOF_CASE("e5m2")};

struct Walk {
  const Case& subject;
  const oracle::Grid& grid;
  const std::vector<oracle::Segment>& cuts;
  const ModeUnderTest& mode;
  Overflow rule;
};

// One sign's half of all inputs: zero, numbers in runs of one code each, Inf, NaNs.
Tally walk(const Walk& w, bool negative) {
  Tally tally;
  const std::uint32_t top = negative ? sign : 0;
  const oracle::Saturation saturation = saturation_of(w.rule);
  const auto run = [&](std::uint32_t first, std::uint32_t last, std::uint64_t wanted) {
    w.subject.count_wrong(w.mode.mode, w.rule, top | first, top | last, wanted, tally);
  };
  const auto special = [&](oracle::Meaning meaning) {
    return oracle::decide_special(w.grid.format(), w.grid.largest(), saturation, meaning, negative);
  };
  run(0, 0, special(oracle::Meaning::zero));
  for (std::size_t i = 0; i + 1 < w.cuts.size(); ++i) {
    run(static_cast<std::uint32_t>(w.cuts[i].first), static_cast<std::uint32_t>(w.cuts[i + 1].first - 1),
        oracle::decide(w.grid.format(), w.grid.largest(), w.mode.judge, saturation, negative, w.cuts[i].place));
  }
  run(infinity, infinity, special(oracle::Meaning::infinity));
  run(infinity + 1, sign - 1, special(oracle::Meaning::nan));
  return tally;
}

void prove(const Case& subject, bool all) {
  const oracle::Grid source(*oracle::find_oracle_format("fp32"));
  const oracle::Grid grid(*oracle::find_oracle_format(subject.name));
  const std::vector<oracle::Segment> cuts = oracle::segments(source, grid);
  for (const ModeUnderTest& mode : modes()) {
    for (const OverflowName& rule : overflow_names) {
      if (!all && (mode.mode != Rounding::nearest_even || rule.name != "ieee")) continue;
      Tally halves[2];
      on_two_threads(2, [&](std::size_t i) { halves[i] = walk({subject, grid, cuts, mode, rule.rule}, i == 1); });
      CAPTURE(std::string(mode.name));
      CAPTURE(std::string(rule.name));
      CAPTURE(halves[0].first);
      CAPTURE(halves[1].first);
      CHECK(halves[0].wrong + halves[1].wrong == 0);
      CHECK(halves[0].checked + halves[1].checked == std::uint64_t{1} << 32);
    }
  }
}

TEST_CASE("all FP32 inputs") {
  const char* wish = std::getenv("LOWP_PROOF");
  const bool all = wish != nullptr && std::string_view(wish) == "all";
  for (const Case& subject : cases) {
    CAPTURE(std::string(subject.name));
    prove(subject, all);
  }
}

}  // namespace
}  // namespace lowp::proof
