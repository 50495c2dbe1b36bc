// SPDX-License-Identifier: Apache-2.0
#include "verify_judge.h"

#ifdef LOWP_WITH_ORACLE
#include "conversion_judge.h"
#include "digest_table.h"
#endif

namespace lowp::tool {

#ifdef LOWP_WITH_ORACLE

struct VerifyJudge::Cuts {
  std::string_view source, target;
  oracle::ConversionJudge judge;
};

bool built_with_oracle() {
  return true;
}

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

#else

struct VerifyJudge::Cuts {};

bool built_with_oracle() {
  return false;
}

std::vector<Run> VerifyJudge::runs(const SweepCase&) {
  return {};
}

#endif

VerifyJudge::VerifyJudge() = default;
VerifyJudge::~VerifyJudge() = default;

}  // namespace lowp::tool
