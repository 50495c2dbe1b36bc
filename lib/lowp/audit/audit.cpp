// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/audit.h"

#include <algorithm>

#include "lowp/audit/judge_tensors.h"

namespace lowp {
namespace {

// The outcomes of evidence that a pass has just kept for the same question: it resolves all that is asked.
Outcomes outcomes_of(const Evidence& evidence, const Question& question) {
  const auto sweep = Sweep::of(evidence, question);
  return sweep ? sweep->all() : Outcomes{};
}

// Whether evidence of this level gives the outcomes that leaves do, bit for bit: it takes less memory than they.
bool is_enough(Level level, const Question& question) {
  return level == Level::errors && question.rounding == Rounding::nearest_even && !question.counts_only &&
         std::ranges::all_of(question.formats,
                             [](const NamedTarget& asked) { return fraction_bits(asked.format) < leaf_bits; });
}

}  // namespace

Level judged_level(const Question& question, Scope by, const StepSeries& series) {
  std::size_t tensors = 0;
  for (const Input& input : series.inputs) tensors += input.counts_elements ? input.tensors.size() : 0;
  const bool judged = !question.counts_only && question.rounding == Rounding::nearest_even;
  return judged && (tensors <= most_judged_tensors || by == Scope::tensor) ? Level::errors : Level::flushed;
}

std::optional<Error> without_tensors(const StepSeries& series) {
  if (!std::ranges::all_of(series.inputs, [](const Input& input) { return input.tensors.empty(); })) return {};
  const Input& first = series.inputs.front();
  return Error{first.path, std::nullopt, "a floating-point tensor",
               first.notes.empty() ? "no tensors" : "none; " + first.notes.front()};
}

Result<AuditResult> run_audit(const StepSeries& series, const AuditOptions& options) {
  AuditResult result;
  std::vector<std::size_t> first;  // of each step's tensors, in series order
  std::size_t tensors = 0;
  for (const Input& input : series.inputs) {
    first.push_back(tensors);
    tensors += input.tensors.size();
  }
  Watch watch;
  watch.tensor = options.watch_tensor;
  if (options.by == Scope::tensor) {
    result.scoped.resize(tensors);
    watch.tensor = [&](TensorRef ref, const Evidence& evidence) {
      if (options.watch_tensor) options.watch_tensor(ref, evidence);
      ScopedOutcomes& scoped = result.scoped[first[ref.step] + ref.tensor] = {Scope::tensor, ref, {}};
      if (!is_enough(options.tensors, options.question)) scoped.outcomes = outcomes_of(evidence, options.question);
    };
  }
  if (options.by == Scope::step) {
    watch.step = [&, number = std::size_t{0}](StepSummary& step) mutable -> Result<Done> {
      if (counts_elements(step))
        result.scoped.push_back({Scope::step, {number, 0}, outcomes_of(*step.total, options.question)});
      ++number;
      step.total.reset();
      return Done{};
    };
  }
  const Keep keep{options.question, options.tensors, true, options.by == Scope::step, options.dump_scale_log2, {}};
  auto summary = summarize(series, keep, options.effort, watch);
  if (!summary) return summary.error();
  result.summary = *std::move(summary);
  if (std::ranges::any_of(result.summary.steps, [](const StepSummary& step) { return counts_elements(step); }))
    result.total = outcomes_of(*result.summary.total, options.question);
  return result;
}

Outcomes outcomes_of(const AuditResult& result, const ScopedOutcomes& scoped, const Question& question) {
  if (!scoped.outcomes.empty()) return scoped.outcomes;
  return outcomes_of(result.summary.steps[scoped.ref.step].tensors[scoped.ref.tensor].evidence, question);
}

}  // namespace lowp
