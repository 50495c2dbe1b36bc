// SPDX-License-Identifier: Apache-2.0
// From evidence to what formats do to its elements at any power-of-two scale.
#pragma once

#include <cstddef>
#include <variant>

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
  // An Error where the question has a fault or asks a table for a width that it did not record.
  static Result<Sweep> of(const Evidence& evidence, const Question& question);
  static Result<Sweep> of(const BinadeTable& table, const Question& question);

  const Question& question() const { return question_; }
  // One format of the question at one of its scales.
  Outcome at(std::size_t format, int scale_log2) const;
  Outcomes all() const;

 private:
  Sweep(Question question, std::variant<MomentTable, const Evidence*> prepared)
      : question_(std::move(question)), prepared_(std::move(prepared)) {}

  Question question_;
  std::variant<MomentTable, const Evidence*> prepared_;
};

}  // namespace lowp
