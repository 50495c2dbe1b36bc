// SPDX-License-Identifier: Apache-2.0
// All 2^32 FP32 inputs through encode, against the oracle's exact cuts and the recorded digests. With LOWP_PROOF=all
// every mode and overflow rule is walked, else nearest_even with the ieee rule.
#include <doctest/doctest.h>

#include <cstdlib>

#include "lowp/verify/conversion_judge.h"
#include "lowp/verify/conversion_sweep.h"
#include "lowp/verify/digest_table.h"
#include "subjects.h"

namespace lowp::proof {
namespace {

std::vector<verify::Run> expected_runs(const oracle::ConversionJudge& judge, const verify::SweepCase& what) {
  std::vector<verify::Run> runs;
  for (const oracle::ExpectedRun& run :
       judge.runs(rounding_name(what.rounding), what.overflow.saturate_finite, what.overflow.saturate_inf)) {
    runs.push_back({run.first, run.code});
  }
  return runs;
}

void prove(const oracle::ConversionJudge& judge, const verify::SweepCase& what) {
  CAPTURE(std::string(what.target->name));
  CAPTURE(std::string(rounding_name(what.rounding)));
  CAPTURE(std::string(overflow_name(what.overflow)));
  const std::vector<verify::Run> expected = expected_runs(judge, what);
  REQUIRE(!expected.empty());
  const verify::SweepResult result = verify::sweep(what, expected, 2, [](std::uint64_t) {});
  CHECK(result.inputs == std::uint64_t{1} << 32);
  CHECK(result.mismatches == 0);
  for (const verify::Mismatch& m : result.first) {
    MESSAGE(Tally::describe(m.ours, m.expected, m.input, rounding_name(what.rounding)));
  }
  if (const auto recorded = verify::DigestTable::recorded().find(what)) CHECK(result.digest == *recorded);
}

bool all_wanted() {
  const char* wish = std::getenv("LOWP_PROOF");
  return wish != nullptr && std::string_view(wish) == "all";
}

TEST_CASE("every row of at most 16 bits can be swept, and TF32") {
  for (const NamedFormat& row : format_table) {
    CAPTURE(std::string(row.name));
    const verify::SweepFormat* found = verify::find_sweep_format(row.name);
    if (row.format.width <= 16 || row.name == "tf32") {
      REQUIRE(found != nullptr);
      CHECK(found->format == row.format);
    }
  }
}

TEST_CASE("all FP32 inputs") {
  const bool all = all_wanted();
  for (const verify::SweepFormat& target : verify::sweep_formats()) {
    const oracle::ConversionJudge judge("fp32", target.name);
    for (const Rounding mode : verify::swept_modes) {
      for (const OverflowName& rule : overflow_names) {
        if (!all && (mode != Rounding::nearest_even || rule.name != "ieee")) continue;
        prove(judge, {"fp32", &target, mode, rule.rule});
      }
    }
  }
}

// The comparison must be able to fail: one wrong run, found with input and both codes, on any number of threads.
TEST_CASE("a wrong code is seen") {
  const verify::SweepCase what{"fp16", verify::find_sweep_format("e4m3"), Rounding::nearest_even, {}};
  std::vector<verify::Run> expected = expected_runs(oracle::ConversionJudge("fp16", "e4m3"), what);
  const verify::SweepResult right = verify::sweep(what, expected, 1, [](std::uint64_t) {});
  CHECK(right.mismatches == 0);
  REQUIRE(expected.size() > 11);
  expected[10].code ^= 1;
  const verify::SweepResult wrong = verify::sweep(what, expected, 2, [](std::uint64_t) {});
  CHECK(wrong.mismatches == expected[11].first - expected[10].first);
  REQUIRE(!wrong.first.empty());
  CHECK(wrong.first[0].input == expected[10].first);
  CHECK(wrong.first[0].ours == (expected[10].code ^ 1));
  CHECK(wrong.digest == right.digest);
  std::vector<std::uint32_t> codes =
      verify::all_codes(find_format("fp16").format, find_format("e4m3").format, Conversion{});
  CHECK(verify::digest_of(codes) == right.digest);
  codes[12345] ^= 1;
  CHECK(verify::digest_of(codes) != right.digest);
}

}  // namespace
}  // namespace lowp::proof
