// SPDX-License-Identifier: Apache-2.0
// From evidence to what formats do to its elements at any power-of-two scale.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/evidence.h"
#include "lowp/summary/outcome.h"
#include "lowp/summary/page_moments.h"
#include "lowp/summary/question.h"

namespace lowp {

// One piece of evidence prepared for one question. Answers are exact, intervals that hold the truth, or missing, as the
// evidence allows: never a number that is not so. The evidence must live as long.
class Sweep {
 public:
  // An Error where the question has a fault, or where the evidence does not even say how many elements there are.
  static Result<Sweep> of(const Evidence& evidence, const Question& question);

  const Question& question() const { return question_; }
  // One format of the question at one of its scales.
  Outcome at(std::size_t format, int scale_log2) const;
  Outcomes all() const;

 private:
  Sweep(const Evidence& evidence, Question question) : question_(std::move(question)), evidence_(&evidence) {}

  Question question_;
  const Evidence* evidence_;
  std::optional<MomentTable> moments_;  // where there are some with the question's mode
  std::vector<bool> measured_;          // formats for which they suffice
  std::optional<CountedRows> counts_;   // where they do not, but say which results are exact
};

// Class counts at any scale, not only powers of two: exact thresholds, answered as sharply as the evidence allows. The
// scale is positive and finite.
Outcome classes_at(const Evidence& evidence, const Target& target, double scale);

}  // namespace lowp
