// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/advice_subjects.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lowp {

// Most steps have the names of the step before.
void Subjects::learn(std::size_t s) {
  const StepSummary& step = summary_.steps[s];
  const StepSummary* before = s == 0 ? nullptr : &summary_.steps[s - 1];
  std::vector<Facts> facts;
  facts.reserve(step.tensors.size());
  for (std::size_t t = 0; t < step.tensors.size(); ++t) {
    const TensorSummary& tensor = step.tensors[t];
    const bool same = before && t < before->tensors.size() && before->tensors[t].name == tensor.name;
    facts.push_back({same ? facts_.back()[t].kind : kind_of(tensor.name), counts_elements(tensor.evidence)});
    order_.push_back({s, t});
  }
  facts_.push_back(std::move(facts));
}

Subjects::Subjects(const Summary& summary) : summary_(summary) {
  for (std::size_t s = 0; s < summary.steps.size(); ++s) learn(s);
  std::size_t gradients = 0, forwards = 0;
  for (const std::vector<Facts>& step : facts_) {
    for (const Facts& facts : step) {
      if (!facts.counted) continue;
      ++counted_;
      gradients += is_gradient(facts.kind) ? 1 : 0;
      forwards += facts.kind == TensorKind::forward ? 1 : 0;
      any_weights_ = any_weights_ || facts.kind == TensorKind::weight_gradient;
    }
  }
  named_ = gradients != 0;
  left_out_ = named_ ? counted_ - gradients - forwards : 0;
  const auto place = [&](TensorRef ref) {
    const StepSummary& step = summary.steps[ref.step];
    return std::pair(step.step, std::string_view(step.tensors[ref.tensor].name));
  };
  if (!std::ranges::is_sorted(order_, {}, place)) std::ranges::stable_sort(order_, {}, place);
  for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (!facts(ref).counted) return;
    if (is_scaled(ref)) pool_.add(tensor.evidence);
    if (weights(ref)) weights_pool_.add(tensor.evidence);
  });
}

}  // namespace lowp
