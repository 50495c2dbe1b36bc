// SPDX-License-Identifier: Apache-2.0
// All codes of every format of at most 16 bits: decoded, and encoded into every other one in every mode.
#include <doctest/doctest.h>

#include "lowp/verify/float_walker.h"
#include "subjects.h"

namespace lowp::proof {
namespace {

TEST_CASE("the oracle has its own account of every row") {
  for (const Subject& s : subjects()) {
    CAPTURE(s.name);
    REQUIRE(s.description != nullptr);
    CHECK(oracle::width_of(*s.description) == s.format.width);
    CHECK(oracle::largest_fields(*s.description) == max_finite_code(s.format));
  }
  for (const ModeUnderTest& m : modes()) {
    CAPTURE(std::string(m.name));
    CHECK(m.known);
  }
  CHECK(find_format("e5m10").format == find_format("fp16").format);
}

TEST_CASE("decode gives the value the standard prints, for all codes") {
  for (const Subject& s : subjects_up_to(16)) {
    CAPTURE(s.name);
    std::uint64_t wrong = 0;
    for (std::uint64_t code = 0; code <= code_mask(s.format); ++code) {
      const bool same = same_number(decode(s.format, code), oracle::value_of_code(*s.description, code));
      if (!same && wrong++ == 0) MESSAGE("first wrong code: ", code);
    }
    CHECK(wrong == 0);
  }
}

void encode_all_rules(const Subject& target, const oracle::Grid& grid, const Exact& x, std::uint64_t code,
                      oracle::Meaning meaning, oracle::Place place, Tally& tally) {
  for (const ModeUnderTest& m : modes()) {
    for (const OverflowName& rule : overflow_names) {
      const oracle::Saturation saturation = saturation_of(rule.rule);
      const std::uint64_t wanted =
          meaning == oracle::Meaning::number
              ? oracle::decide(grid.format(), grid.largest(), m.judge, saturation, x.negative, place)
              : oracle::decide_special(grid.format(), grid.largest(), saturation, meaning, x.negative);
      tally.count(encode(target.format, m.mode, rule.rule, x), wanted, code, m.name);
    }
  }
}

Tally encode_all_codes(const Subject& source, const Subject& target) {
  const oracle::Grid grid(*target.description);
  Tally tally;
  for (std::uint64_t code = 0; code <= code_mask(source.format); ++code) {
    const oracle::CodeValue v = oracle::value_of_code(*source.description, code);
    const oracle::Place place =
        v.meaning == oracle::Meaning::number ? oracle::locate(grid, v.magnitude) : oracle::Place{};
    encode_all_rules(target, grid, decode(source.format, code), code, v.meaning, place, tally);
  }
  return tally;
}

TEST_CASE("all FP16, BF16 and narrower codes into every format of at most 16 bits, every mode and overflow rule") {
  std::vector<Subject> sources = subjects_up_to(8);
  for (const char* name : {"fp16", "bf16"}) {
    sources.push_back({name, find_format(name).format, oracle::find_oracle_format(name)});
  }
  const std::vector<Subject> targets = subjects_up_to(16);
  std::vector<Tally> tallies(sources.size() * targets.size());
  on_two_threads(tallies.size(), [&](std::size_t i) {
    tallies[i] = encode_all_codes(sources[i / targets.size()], targets[i % targets.size()]);
  });
  std::uint64_t checked = 0;
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    CAPTURE(sources[i / targets.size()].name);
    CAPTURE(targets[i % targets.size()].name);
    CAPTURE(tallies[i].first);
    CHECK(tallies[i].wrong == 0);
    checked += tallies[i].checked;
  }
  MESSAGE("encoded ", checked, " cases");
  CHECK(checked > 0);
}

}  // namespace
}  // namespace lowp::proof
