// SPDX-License-Identifier: Apache-2.0
// The cheapest format or recipe for each tensor of a dump that keeps a stated ratio of signal to noise and range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/recipes/recipe_audit.h"
#include "lowp/recipes/recipe_report.h"
#include "lowp/report/report.h"

namespace lowp::recipes {

// One thing a tensor can be kept in: a recipe, or a plain format of `plain` bits at a power-of-two scale.
struct Candidate {
  std::string name;
  std::string heading;             // of its column in tables and pictures
  double bits = 0;                 // of one element, its share of the scales included
  const Recipe* recipe = nullptr;  // nullptr: plain
  Format format{};                 // of a plain one
  bool scaled = false;             // by the power of two that leaves three binades above the largest magnitude
  bool weights_only = false;
};
// Cheapest first; the last is FP32, which keeps everything.
const std::vector<Candidate>& plan_candidates();

struct PlanPolicy {
  double snr_db = 25;     // at least; 5 bits of every value on average survive
  double flushed = 0.01;  // at most this share of the values that are not zero
  double saturated = 0;   // at most this share beyond the largest number and half of its unit
};
struct CandidateOutcome {
  std::optional<double> snr_db;  // nothing: exact, or no value that is not zero
  double flushed = 0, saturated = 0;
  bool nonfinite = false;
  int scale_log2 = 0;  // of a scaled plain format
};
struct PlanEntry {
  std::size_t input = 0;
  std::string tensor, module;
  TensorKind kind = TensorKind::other;
  std::uint64_t elements = 0;
  std::vector<CandidateOutcome> outcomes;  // one for each candidate
  std::size_t chosen = 0;
  std::string reason;  // why the next cheaper one is not enough
};
struct Plan {
  PlanPolicy policy;
  std::vector<PlanEntry> entries;
};

// What of the policy an outcome breaks, "" if nothing.
std::string broken(const PlanPolicy& policy, const CandidateOutcome& outcome);
// Over all inputs a tensor gets the format that is enough in every step.
Result<Plan> make_plan(const StepSeries& series, const PlanPolicy& policy, int threads);
Report plan_report(const StepSeries& series, const Plan& plan);

// "blocks.0.fc" of "grad/blocks.0.fc.weight" and of "act_grad/blocks.0.fc".
std::string module_of(std::string_view tensor);

}  // namespace lowp::recipes
