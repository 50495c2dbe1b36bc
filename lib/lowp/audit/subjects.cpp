// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/subjects.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lowp {
namespace {

// Most steps have the names of the step before.
std::vector<TensorKind> kinds_of(const StepSummary& step, const StepSummary* before,
                                 const std::vector<TensorKind>* known) {
  std::vector<TensorKind> kinds;
  kinds.reserve(step.tensors.size());
  for (std::size_t t = 0; t < step.tensors.size(); ++t) {
    const bool same = before && t < before->tensors.size() && before->tensors[t].name == step.tensors[t].name;
    kinds.push_back(same ? (*known)[t] : kind_of(step.tensors[t].name));
  }
  return kinds;
}

}  // namespace

Subjects::Subjects(const Summary& summary) : summary_(summary) {
  std::size_t gradients = 0, forwards = 0;
  kinds_.reserve(summary.steps.size());
  for (std::size_t s = 0; s < summary.steps.size(); ++s) {
    const StepSummary* before = s == 0 ? nullptr : &summary.steps[s - 1];
    kinds_.push_back(kinds_of(summary.steps[s], before, s == 0 ? nullptr : &kinds_.back()));
    for (std::size_t t = 0; t < kinds_[s].size(); ++t) {
      order_.push_back({s, t});
      gradients += is_gradient(kinds_[s][t]) ? 1 : 0;
      forwards += kinds_[s][t] == TensorKind::forward ? 1 : 0;
      any_weights_ = any_weights_ || kinds_[s][t] == TensorKind::weight_gradient;
    }
  }
  named_ = gradients != 0;
  left_out_ = named_ ? order_.size() - gradients - forwards : 0;
  const auto place = [&](TensorRef ref) {
    const StepSummary& step = summary.steps[ref.step];
    return std::pair(step.step, std::string_view(step.tensors[ref.tensor].name));
  };
  if (!std::ranges::is_sorted(order_, {}, place)) std::ranges::stable_sort(order_, {}, place);
  for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (is_scaled(ref)) pool_.add(tensor.evidence);
    if (weights(ref)) weights_pool_.add(tensor.evidence);
  });
}

}  // namespace lowp
