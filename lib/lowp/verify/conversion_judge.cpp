// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/conversion_judge.h"

#include <cassert>

#include "lowp/verify/float_walker.h"

namespace lowp::oracle {

struct ConversionJudge::Cuts {
  Cuts(const OracleFormat& source_format, const OracleFormat& target_format)
      : source(source_format), target(target_format), list(segments(source, target)) {
    assert(source_format.specials == Specials::ieee && width_of(source_format) <= 32);
  }
  Grid source, target;
  std::vector<Segment> list;
};

namespace {

// Leaves out runs that go on with the code before.
void append(std::vector<ExpectedRun>& runs, std::uint64_t first, std::uint64_t code) {
  if (!runs.empty() && runs.back().code == code) return;
  runs.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(code)});
}

}  // namespace

ConversionJudge::ConversionJudge(std::string_view source, std::string_view target) {
  const OracleFormat* from = find_oracle_format(source);
  const OracleFormat* to = find_oracle_format(target);
  if (from != nullptr && to != nullptr) cuts_ = std::make_unique<Cuts>(*from, *to);
}
ConversionJudge::~ConversionJudge() = default;
ConversionJudge::ConversionJudge(ConversionJudge&&) noexcept = default;

bool ConversionJudge::knows_formats() const {
  return cuts_ != nullptr;
}

std::vector<ExpectedRun> ConversionJudge::runs(std::string_view mode_name, bool saturate_finite,
                                               bool saturate_inf) const {
  std::vector<ExpectedRun> runs;
  Mode mode{};
  if (!knows_formats() || !find_mode(mode_name, mode)) return runs;
  const OracleFormat& target = cuts_->target.format();
  const std::uint64_t largest = cuts_->target.largest();
  const Saturation saturation{saturate_finite, saturate_inf};
  for (const bool negative : {false, true}) {
    const auto code_of = [&](std::uint64_t fields) { return finite_code(cuts_->source.format(), negative, fields); };
    const auto special = [&](std::uint64_t fields, Meaning meaning) {
      append(runs, code_of(fields), decide_special(target, largest, saturation, meaning, negative));
    };
    special(0, Meaning::zero);
    for (std::size_t i = 0; i + 1 < cuts_->list.size(); ++i) {
      const Segment& segment = cuts_->list[i];
      append(runs, code_of(segment.first), decide(target, largest, mode, saturation, negative, segment.place));
    }
    special(cuts_->source.largest() + 1, Meaning::infinity);
    special(cuts_->source.largest() + 2, Meaning::nan);
  }
  return runs;
}

}  // namespace lowp::oracle
