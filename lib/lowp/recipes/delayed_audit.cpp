// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/delayed_audit.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "lowp/base/threads.h"
#include "lowp/recipes/recipe_report.h"

namespace lowp::recipes {
namespace {

const Recipe& recipe_of(std::string_view tensor) {
  const TensorKind kind = kind_of(tensor);
  const bool gradient = kind == TensorKind::weight_gradient || kind == TensorKind::activation_gradient;
  return *find_recipe(gradient ? "fp8-current-te-e5m2" : "fp8-current-te-e4m3");
}

// One tensor's windows while the steps pass.
struct Running {
  const Recipe* recipe = nullptr;
  std::vector<DelayedOptions> options;
  std::vector<DelayedState> states;
  std::vector<DelayedTrajectory> trajectories;  // the last is current scaling
};

Running started(const std::string& tensor, const DelayedAuditOptions& options) {
  Running running;
  running.recipe = &recipe_of(tensor);
  for (const std::uint32_t window : options.windows) {
    running.options.push_back({options.by, options.algorithm, window, options.margin, running.recipe->largest});
    running.states.push_back(initial_state(running.options.back()));
    running.trajectories.push_back({tensor, running.recipe->element_name, window, {}});
  }
  running.trajectories.push_back({tensor, running.recipe->element_name, 0, {}});
  return running;
}

bool holds_inf(const DelayedState& state) {
  return std::ranges::any_of(state.history, [](float x) { return std::isinf(x); });
}

// Counts a run of elements under a scale that was known before.
void count_scaled(const Recipe& recipe, float scale, Matrix run, RecipeCounts& counts) {
  std::vector<std::uint8_t> codes(run.values.size());
  const BlockScale block{std::bit_cast<std::uint32_t>(1.0f / scale), scale};
  quantize(recipe, {}, block, run.values, codes);
  const std::uint32_t code = block.code;
  count_run(recipe, {}, run, {&code, 1}, codes, counts);
}

Result<Done> step_of(const Input& input, std::size_t index, const TensorView& view, Running& running) {
  auto largest = largest_of_tensor(input.path, view, false);
  if (!largest) return largest.error();
  const float most = largest->dropped;
  const float current = scale_of(*running.recipe, {}, {most}).factor;
  for (std::size_t t = 0; t < running.trajectories.size(); ++t) {
    const bool delayed = t < running.states.size();
    DelayedStep step{index, most, delayed ? running.states[t].scale : current, false, {}};
    step.frozen = delayed && running.options[t].algorithm == FromHistory::max && holds_inf(running.states[t]);
    running.trajectories[t].steps.push_back(std::move(step));
  }
  auto done = for_runs(input.path, view, [&](Matrix run, std::uint64_t) -> Result<Done> {
    tbb::parallel_for(std::size_t{0}, running.trajectories.size(), [&](std::size_t t) {
      DelayedStep& step = running.trajectories[t].steps.back();
      count_scaled(*running.recipe, step.scale, run, step.counts);
    });
    return Done{};
  });
  if (!done) return done.error();
  for (std::size_t t = 0; t < running.states.size(); ++t) {
    running.states[t] = advance(running.options[t], std::move(running.states[t]), most);
  }
  return Done{};
}

}  // namespace

Result<DelayedAudit> audit_delayed(const StepSeries& series, const DelayedAuditOptions& options) {
  return on_threads(options.threads, [&]() -> Result<DelayedAudit> {
    std::vector<Running> all;
    std::map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < series.inputs.size(); ++i) {
      for (const TensorView& view : series.inputs[i].tensors) {
        if (view.elements == 0) continue;
        const auto [at, fresh] = index.try_emplace(view.name, all.size());
        if (fresh) all.push_back(started(view.name, options));
        if (auto done = step_of(series.inputs[i], i, view, all[at->second]); !done) return done.error();
      }
    }
    DelayedAudit audit;
    for (Running& running : all) {
      std::ranges::move(running.trajectories, std::back_inserter(audit.trajectories));
    }
    return audit;
  });
}

}  // namespace lowp::recipes
