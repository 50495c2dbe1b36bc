// SPDX-License-Identifier: Apache-2.0
// What the exact oracle says of a whole source format.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lowp/verify/conversion_sweep.h"

namespace lowp::verify {

// Keeps the cuts of the last source and target: ask for cases of one pair one after the other.
class VerifyJudge {
 public:
  VerifyJudge();
  ~VerifyJudge();
  VerifyJudge(const VerifyJudge&) = delete;
  VerifyJudge& operator=(const VerifyJudge&) = delete;
  // What all codes of the source must give; empty where the oracle does not know a name.
  std::vector<Run> runs(const SweepCase& what);

 private:
  struct Cuts;
  std::unique_ptr<Cuts> cuts_;
};

}  // namespace lowp::verify
