// SPDX-License-Identifier: Apache-2.0
// Adam's moments over the steps of a series, each format and each AdamW against exact ones.
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "lowp/base/threads.h"
#include "lowp/training/same_elements.h"
#include "lowp/training/update.h"

namespace lowp::training {
namespace {

// Both moments of one element, exactly enough: in FP64.
struct Moments {
  double first = 0, second = 0;
  void step(const AdamSettings& s, double gradient) {
    first = s.beta1 * first + (1 - s.beta1) * gradient;
    second = s.beta2 * second + (1 - s.beta2) * gradient * gradient;
  }
};

// The same elements of every step, and what is exact of them after each prefix of the steps.
struct Chunk {
  const std::vector<std::vector<double>>& gradients;  // [step][element]
  std::uint64_t first = 0;                            // element, over all tensors
  std::vector<char> finite;                           // per element: at every step
  std::vector<std::vector<Moments>> exact;            // [prefix][element]

  std::size_t size() const { return gradients.front().size(); }
};

class MomentReplay {
 public:
  MomentReplay(const UpdateOptions& options, MomentResult& result)
      : options_(options), adam_settings_{1, options.beta1, options.beta2, options.epsilon, 0}, result_(result) {
    for (const std::size_t steps : result.prefixes) {
      adam_.emplace_back(adam_settings_, static_cast<double>(steps));
      result.after.emplace_back();
      for (const AdamModel& model : adam_table) add_outcomes(model, result.after.back());
    }
  }

  void add(const std::vector<std::vector<double>>& gradients, std::uint64_t first) {
    Chunk chunk{gradients, first, {}, {}};
    find_exact(chunk);
    tbb::parallel_for(std::size_t{0}, result_.last().size(), [&](std::size_t o) {
      result_.last()[o].model->kind == AdamKind::exact ? add_rounded(chunk, o) : add_torch(chunk, o);
    });
  }

 private:
  void add_outcomes(const AdamModel& model, std::vector<MomentOutcome>& outcomes) const {
    for (std::size_t f = 0; f < options_.formats.size(); ++f) {
      if (model.kind != AdamKind::exact && !torch_trains_in(options_.formats[f].format)) continue;
      MomentOutcome outcome;
      outcome.format = f;
      outcome.model = &model;
      outcomes.push_back(std::move(outcome));
    }
  }

  void find_exact(Chunk& chunk) const {
    chunk.finite.assign(chunk.size(), 1);
    chunk.exact.assign(result_.prefixes.size(), std::vector<Moments>(chunk.size()));
    tbb::parallel_for(std::size_t{0}, chunk.size(), [&](std::size_t e) {
      Moments exact;
      for (std::size_t steps = 0, p = 0; p < result_.prefixes.size(); ++p) {
        for (; steps < result_.prefixes[p]; ++steps) {
          exact.step(adam_settings_, chunk.gradients[steps][e]);
          if (!std::isfinite(chunk.gradients[steps][e])) chunk.finite[e] = 0;
        }
        chunk.exact[p][e] = exact;
      }
    });
  }

  void add_rounded(const Chunk& chunk, std::size_t o) {
    Adder adder(options_.formats[result_.last()[o].format]);
    for (std::size_t e = 0; e < chunk.size(); ++e) {
      if (chunk.finite[e] == 0) continue;
      adder.start(chunk.first + e);
      Moments stored;
      for (std::size_t steps = 0, p = 0; p < adam_.size(); ++p) {
        for (; steps < result_.prefixes[p]; ++steps) {
          stored.step(adam_settings_, chunk.gradients[steps][e]);
          stored = {adder.round(stored.first), adder.round(stored.second)};
        }
        judge(p, o, chunk.exact[p][e], stored, adam_[p].direction(stored.first, stored.second));
      }
    }
  }

  void add_torch(const Chunk& chunk, std::size_t o) {
    const AdamModel& model = *result_.last()[o].model;
    const Accumulator& format = options_.formats[result_.last()[o].format];
    Adder gradient(format);
    std::vector<AdamW> adam;
    for (std::size_t step = 1; step <= result_.steps; ++step) {
      adam.emplace_back(model.kind, format, adam_settings_, static_cast<double>(step));
    }
    for (std::size_t e = 0; e < chunk.size(); ++e) {
      if (chunk.finite[e] == 0) continue;
      gradient.start(chunk.first + e);
      AdamState state;
      double added = 0;
      for (std::size_t steps = 0, p = 0; p < adam_.size(); ++p) {
        for (; steps < result_.prefixes[p]; ++steps) {
          adam[steps].start((chunk.first + e) * result_.steps + steps + (std::uint64_t{1} << 43));
          added = adam[steps].step(state, gradient.round(chunk.gradients[steps][e]));
        }
        judge(p, o, chunk.exact[p][e], {state.first, state.second}, -added);
      }
    }
  }

  void judge(std::size_t prefix, std::size_t o, const Moments& exact, const Moments& stored, double direction) {
    MomentOutcome& out = result_.after[prefix][o];
    ++out.values;
    out.first_flushed += exact.first != 0 && stored.first == 0 ? 1 : 0;
    out.second_flushed += exact.second != 0 && stored.second == 0 ? 1 : 0;
    if (!std::isfinite(direction) || !std::isfinite(stored.second)) {
      ++out.broken;
      return;
    }
    out.first.add(stored.first, {exact.first, 0});
    out.second.add(stored.second, {exact.second, 0});
    out.update.add(direction, {adam_[prefix].direction(exact.first, exact.second), 0});
  }

  const UpdateOptions& options_;
  const AdamSettings adam_settings_;  // with a learning rate of 1 and no decay: only the moments matter
  MomentResult& result_;
  std::vector<ExactAdam> adam_;  // per prefix
};

Result<MomentResult> replay(const StepSeries& series, const UpdateOptions& options) {
  MomentResult result;
  result.steps = series.inputs.size();
  for (std::size_t steps = 1; steps < result.steps; steps *= 2) result.prefixes.push_back(steps);
  result.prefixes.push_back(result.steps);
  MomentReplay replay(options, result);
  for (const TensorView& view : series.inputs.front().tensors) {
    if (!view.name.starts_with("grad/")) continue;
    std::vector<std::pair<const Input*, const TensorView*>> views;
    for (const Input& input : series.inputs) {
      const TensorView* other = find_tensor(input, view.name);
      if (other != nullptr && other->shape == view.shape) views.emplace_back(&input, other);
    }
    if (views.size() != series.inputs.size()) continue;
    auto elements = SameElements::open(views);
    if (!elements) return elements.error();
    ++result.tensors;
    auto done = elements->each_chunk([&](const auto& values, std::uint64_t) {
      replay.add(values, result.values);
      result.values += values[0].size();
    });
    if (!done) return done.error();
  }
  if (result.tensors == 0) {
    return Error{series.inputs.front().path, std::nullopt, "gradients grad/NAME that every dump has", "none"};
  }
  return result;
}

}  // namespace

Result<MomentResult> moments_over_steps(const StepSeries& series, const UpdateOptions& options) {
  return on_threads(options.threads, [&] { return replay(series, options); });
}

}  // namespace lowp::training
