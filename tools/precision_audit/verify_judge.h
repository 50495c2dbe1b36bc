// SPDX-License-Identifier: Apache-2.0
// The oracle of tests/oracle, where the program was built with it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conversion_sweep.h"

namespace lowp::tool {

bool built_with_oracle();

// Keeps the cuts of the last source and target: ask for cases of one pair one after the other.
class VerifyJudge {
 public:
  VerifyJudge();
  ~VerifyJudge();
  VerifyJudge(const VerifyJudge&) = delete;
  VerifyJudge& operator=(const VerifyJudge&) = delete;
  // What all codes of the source must give; empty where there is no oracle or it does not know a name.
  std::vector<Run> runs(const SweepCase& what);

 private:
  struct Cuts;
  std::unique_ptr<Cuts> cuts_;
};

}  // namespace lowp::tool
