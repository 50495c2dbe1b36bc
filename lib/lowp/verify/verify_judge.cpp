// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/verify_judge.h"

#include "lowp/verify/conversion_judge.h"
#include "lowp/verify/digest_table.h"

namespace lowp::verify {

struct VerifyJudge::Cuts {
  std::string_view source, target;
  oracle::ConversionJudge judge;
};

std::vector<Run> VerifyJudge::runs(const SweepCase& what) {
  if (cuts_ == nullptr || cuts_->source != what.source || cuts_->target != what.target->name) {
    cuts_ = std::make_unique<Cuts>(
        Cuts{what.source, what.target->name, oracle::ConversionJudge(what.source, what.target->name)});
  }
  std::vector<Run> runs;
  for (const oracle::ExpectedRun& run :
       cuts_->judge.runs(rounding_name(what.rounding), what.overflow.saturate_finite, what.overflow.saturate_inf)) {
    runs.push_back({run.first, run.code});
  }
  return runs;
}

VerifyJudge::VerifyJudge() = default;
VerifyJudge::~VerifyJudge() = default;

}  // namespace lowp::verify
