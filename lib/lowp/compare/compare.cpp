// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/compare.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "lowp/base/threads.h"
#include "lowp/summary/summary.h"

namespace lowp::compare {
namespace {

constexpr std::size_t names_to_offer = 5;

// Of a summary nobody knows which element of one dump belongs to which of the other.
std::optional<Error> without_elements(const StepSeries& a, const StepSeries& b) {
  for (const StepSeries* series : {&a, &b}) {
    for (const Input& input : series->inputs) {
      if (!input.summary) continue;
      return Error{input.path, std::nullopt, "elements, to pair those of one dump with those of the other",
                   "a summary of them: this question needs the dumps themselves"};
    }
  }
  return {};
}

void add_tensors(const StepComparison& step, std::size_t index, std::vector<TensorComparison>& tensors) {
  std::unordered_map<std::string_view, const TensorView*> in_b;
  std::unordered_set<std::string_view> in_a;
  if (step.inputs.b != nullptr) {
    for (const TensorView& view : step.inputs.b->tensors) in_b[view.name] = &view;
  }
  // Two files of one tensor each mean those two: an npy file has no names but its own.
  if (step.inputs.a != nullptr && step.inputs.a->tensors.size() == 1 && in_b.size() == 1) {
    const TensorView *one = &step.inputs.a->tensors.front(), *other = in_b.begin()->second;
    tensors.push_back({index, one, other, other->shape == one->shape});
    return;
  }
  if (step.inputs.a != nullptr) {
    for (const TensorView& view : step.inputs.a->tensors) {
      const auto found = in_b.find(view.name);
      const TensorView* other = found == in_b.end() ? nullptr : found->second;
      in_a.insert(view.name);
      tensors.push_back({index, &view, other, other != nullptr && other->shape == view.shape});
    }
  }
  if (step.inputs.b == nullptr) return;
  for (const TensorView& view : step.inputs.b->tensors) {
    if (!in_a.contains(view.name)) tensors.push_back({index, nullptr, &view, false});
  }
}

Error nothing_in_common(const StepSeries& a, const StepSeries& b) {
  std::string names;
  std::size_t count = 0;
  for (const TensorView& view : b.inputs.front().tensors) {
    if (count++ == names_to_offer) break;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", view.name);
  }
  return Error{b.inputs.front().path, std::nullopt, "a tensor that " + a.inputs.front().path + " has too",
               names.empty() ? "no tensors" : "none; there are " + names};
}

Comparison laid_out(const std::vector<InputPair>& pairs) {
  Comparison all;
  for (const InputPair& pair : pairs) {
    StepComparison step{.inputs = pair, .begin = all.tensors.size(), .first = {}};
    add_tensors(step, all.steps.size(), all.tensors);
    step.end = all.tensors.size();
    all.steps.push_back(std::move(step));
  }
  return all;
}

// Sums are exact and the rest is counts and maxima: the order of the tensors does not matter.
void add_up(Comparison& all) {
  Squares squares;
  for (StepComparison& step : all.steps) {
    for (std::size_t i = step.begin; i < step.end; ++i) {
      TensorComparison& tensor = all.tensors[i];
      if (!tensor.compared) {
        (tensor.a != nullptr && tensor.b != nullptr ? tensor.differences.mismatched : tensor.differences.unmatched) = 1;
      }
      step.total.add_counts(tensor.differences);
      step.compared += tensor.compared;
      if (tensor.differences.differing == 0) continue;
      ++step.differing;
      if (!step.first) step.first = i;
    }
    step.squares.round_into(step.total);
    squares.merge(step.squares);
    all.total.add_counts(step.total);
    if (!all.first) all.first = step.first;
  }
  squares.round_into(all.total);
}

Result<Comparison> compare_all(const std::vector<InputPair>& pairs, const Settings& settings) {
  Comparison all = laid_out(pairs);
  std::mutex one_at_a_time;
  std::optional<Error> error;
  std::size_t failed = all.tensors.size();  // the first tensor that could not be read: the same for any threads
  tbb::parallel_for(std::size_t{0}, all.tensors.size(), [&](std::size_t i) {
    TensorComparison& tensor = all.tensors[i];
    if (!tensor.compared) return;
    StepComparison& step = all.steps[tensor.step];
    Squares squares;
    auto differences = compare_tensors({step.inputs.a, tensor.a, step.inputs.b, tensor.b}, settings, squares);
    const std::lock_guard lock(one_at_a_time);
    if (differences) {
      tensor.differences = std::move(*differences);
      step.squares.merge(squares);
    } else if (i < failed) {
      failed = i;
      error = differences.error();
    }
  });
  if (error) return *error;
  add_up(all);
  return all;
}

}  // namespace

std::size_t Comparison::compared() const {
  return std::accumulate(steps.begin(), steps.end(), std::size_t{0},
                         [](std::size_t sum, const StepComparison& step) { return sum + step.compared; });
}

std::size_t Comparison::differing() const {
  return std::accumulate(steps.begin(), steps.end(), std::size_t{0},
                         [](std::size_t sum, const StepComparison& step) { return sum + step.differing; });
}

Result<Comparison> compare_dumps(const StepSeries& a, const StepSeries& b, const Settings& settings) {
  if (auto error = without_elements(a, b)) return *error;
  const auto pairs = pair_inputs(a, b);
  if (!pairs) return pairs.error();
  auto all = on_threads(settings.threads, [&] { return compare_all(*pairs, settings); });
  if (!all) return all;
  if (std::ranges::none_of(all->tensors, [](const TensorComparison& t) { return t.a != nullptr && t.b != nullptr; }))
    return nothing_in_common(a, b);
  return all;
}

}  // namespace lowp::compare
