// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/step_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace lowp::compare {
namespace {

constexpr std::size_t steps_to_name = 5;

bool have_steps(const StepSeries& series) {
  return std::ranges::all_of(series.inputs, [](const Input& input) { return input.step.has_value(); });
}

std::string steps_of(const StepSeries& series) {
  std::string text;
  for (std::size_t i = 0; i < std::min(series.inputs.size(), steps_to_name); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", *series.inputs[i].step);
  return text + (series.inputs.size() > steps_to_name ? ", ..." : "");
}

}  // namespace

Result<std::vector<InputPair>> pair_inputs(const StepSeries& a, const StepSeries& b) {
  const bool two_files = a.inputs.size() == 1 && b.inputs.size() == 1;
  const bool by_step = !two_files && have_steps(a) && have_steps(b);
  // The step and the how manieth input of it; without steps the place alone.
  using Key = std::pair<std::int64_t, std::size_t>;
  const auto keys_of = [by_step](const StepSeries& series) {
    std::vector<Key> keys;
    std::map<std::int64_t, std::size_t> seen;
    for (const Input& input : series.inputs) {
      const std::int64_t step = by_step ? *input.step : 0;
      keys.push_back({step, seen[step]++});
    }
    return keys;
  };
  const std::vector<Key> of_a = keys_of(a), of_b = keys_of(b);
  std::map<Key, const Input*> in_b;
  for (std::size_t i = 0; i < of_b.size(); ++i) in_b[of_b[i]] = &b.inputs[i];
  std::vector<InputPair> pairs;
  std::size_t both = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    const auto found = in_b.find(of_a[i]);
    pairs.push_back({&a.inputs[i], found == in_b.end() ? nullptr : found->second});
    if (found == in_b.end()) continue;
    in_b.erase(found);
    ++both;
  }
  if (both == 0 && by_step) {
    return Error{b.inputs.front().path, std::nullopt, fmt::format("a step that the other dump has ({})", steps_of(a)),
                 fmt::format("none: {}", steps_of(b))};
  }
  for (const auto& [key, input] : in_b) pairs.push_back({nullptr, input});
  return pairs;
}

}  // namespace lowp::compare
