// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/update.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lowp/training/values.h"

namespace lowp {
namespace {

constexpr std::uint64_t chunk_elements = 1 << 14;

// AdamW with bias correction, without the learning rate.
struct AdamStep {
  double first_correction, second_correction, epsilon;
  AdamStep(const UpdateOptions& o, double step, double eps)
      : first_correction(1 - std::pow(o.beta1, step)), second_correction(1 - std::pow(o.beta2, step)), epsilon(eps) {}
  double direction(double first, double second) const {
    return first / first_correction / (std::sqrt(second / second_correction) + epsilon);
  }
};

// One storage format.
class StallCounter {
 public:
  StallCounter(const UpdateOptions& options, std::size_t format, double step)
      : options_(options),
        adam_(options, step, options.epsilon),
        nearest_(options.formats[format]),
        stochastic_(stochastic(options.formats[format], options.seed)),
        epsilon_(nearest_.round(options.epsilon)) {}

  double epsilon() const { return epsilon_; }

  void add(StallCounts& counts, std::uint64_t element, double weight, double first, double second) {
    const double update = -options_.learning_rate * (adam_.direction(first, second) + options_.weight_decay * weight);
    const double stored = nearest_.round(weight), stored_second = nearest_.round(second);
    ++counts.weights;
    counts.second_moments += second != 0 ? 1 : 0;
    counts.second_flushed += second != 0 && stored_second == 0 ? 1 : 0;
    counts.no_denominator += std::sqrt(stored_second) + epsilon_ == 0 ? 1 : 0;
    if (update == 0 || !std::isfinite(update) || !std::isfinite(stored)) return;
    ++counts.moving;
    counts.nearest += nearest_.round(stored + update) == stored ? 1 : 0;
    for (std::size_t r = 0; r < rates; ++r) {
      const double scaled = std::ldexp(update, static_cast<int>(r) - rate_log2_limit);
      counts.nearest_at_rate[r] += nearest_.round(stored + scaled) == stored ? 1 : 0;
    }
    stochastic_.start(element);
    counts.stochastic += stochastic_.round(stored + update) == stored ? 1 : 0;
    counts.kahan += nearest_.round(update) == 0 ? 1 : 0;
  }

 private:
  static Accumulator stochastic(Accumulator how, std::uint64_t seed) {
    how.rounding = Rounding::stochastic_c;
    how.seed = seed;
    return how;
  }

  const UpdateOptions& options_;
  const AdamStep adam_;
  Adder nearest_, stochastic_;
  const double epsilon_;
};

struct Triple {
  std::string name;
  const TensorView *weight, *first, *second;
};

std::vector<Triple> triples_of(const Input& input) {
  std::vector<Triple> triples;
  for (const TensorView& view : input.tensors) {
    if (!view.name.starts_with("param/")) continue;
    const std::string name = view.name.substr(6);
    const TensorView* first = find_tensor(input, "exp_avg/" + name);
    const TensorView* second = find_tensor(input, "exp_avg_sq/" + name);
    if (first != nullptr && second != nullptr && first->shape == view.shape && second->shape == view.shape) {
      triples.push_back({name, &view, first, second});
    }
  }
  return triples;
}

// The same elements of several tensors, chunk by chunk: visit(values, first element).
template <class Visit>
Result<Done> in_step(std::vector<ValueReader>& readers, Visit visit) {
  const std::uint64_t all = readers.front().left();
  std::vector<std::vector<double>> values(readers.size());
  while (readers.front().left() != 0) {
    const std::uint64_t first = all - readers.front().left();
    for (std::size_t i = 0; i < readers.size(); ++i) {
      values[i].clear();
      if (auto done = readers[i].read(chunk_elements, values[i]); !done) return done.error();
    }
    visit(values, first);
  }
  return Done{};
}

Result<std::vector<ValueReader>> open_all(const std::vector<std::pair<const Input*, const TensorView*>>& views) {
  std::vector<ValueReader> readers;
  for (const auto& [input, view] : views) {
    auto reader = ValueReader::open(*input, *view);
    if (!reader) return reader.error();
    readers.push_back(std::move(*reader));
  }
  return readers;
}

}  // namespace

void StallCounts::merge(const StallCounts& other) {
  weights += other.weights;
  moving += other.moving;
  nearest += other.nearest;
  for (std::size_t r = 0; r < rates; ++r) nearest_at_rate[r] += other.nearest_at_rate[r];
  stochastic += other.stochastic;
  kahan += other.kahan;
  second_moments += other.second_moments;
  second_flushed += other.second_flushed;
  no_denominator += other.no_denominator;
}

Result<StateResult> stalled_updates(const Input& input, const UpdateOptions& options) {
  const std::vector<Triple> triples = triples_of(input);
  if (triples.empty()) {
    return Error{input.path, std::nullopt, "tensors param/NAME, exp_avg/NAME and exp_avg_sq/NAME of one shape", "none"};
  }
  if (!input.step || *input.step < 1) {
    return Error{input.path, std::nullopt, "the step of the state, in its metadata or file name", "none"};
  }
  StateResult result;
  result.step = *input.step;
  result.total.resize(options.formats.size());
  std::vector<StallCounter> counters;
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    counters.emplace_back(options, f, static_cast<double>(result.step));
    result.epsilon.push_back(counters.back().epsilon());
  }
  std::uint64_t elements_before = 0;
  for (const Triple& triple : triples) {
    auto readers = open_all({{&input, triple.weight}, {&input, triple.first}, {&input, triple.second}});
    if (!readers) return readers.error();
    TensorStalls tensor{triple.name, std::vector<StallCounts>(options.formats.size())};
    auto done = in_step(*readers, [&](const auto& values, std::uint64_t first) {
      for (std::size_t f = 0; f < counters.size(); ++f) {
        for (std::size_t e = 0; e < values[0].size(); ++e) {
          counters[f].add(tensor.of[f], elements_before + first + e, values[0][e], values[1][e], values[2][e]);
        }
      }
    });
    if (!done) return done.error();
    elements_before += triple.weight->elements;
    for (std::size_t f = 0; f < counters.size(); ++f) result.total[f].merge(tensor.of[f]);
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

namespace {

// Both moments of one element, exactly enough: in FP64.
struct Moments {
  double first = 0, second = 0;
  void step(const UpdateOptions& o, double gradient) {
    first = o.beta1 * first + (1 - o.beta1) * gradient;
    second = o.beta2 * second + (1 - o.beta2) * gradient * gradient;
  }
};

class MomentReplay {
 public:
  MomentReplay(const UpdateOptions& options, MomentResult& result) : options_(options), result_(result) {
    for (const std::size_t steps : result.prefixes) {
      adam_.emplace_back(options, static_cast<double>(steps), options.epsilon);
      result.after.emplace_back(options.formats.size());
    }
    for (const Accumulator& format : options.formats) adders_.emplace_back(format);
  }

  void add(const std::vector<std::vector<double>>& gradients, std::size_t e, std::uint64_t element) {
    for (const auto& step : gradients) {
      if (!std::isfinite(step[e])) return;
    }
    for (std::size_t f = 0; f < adders_.size(); ++f) {
      adders_[f].start(element);
      Moments exact, stored;
      for (std::size_t steps = 0, p = 0; p < adam_.size(); ++p) {
        for (; steps < result_.prefixes[p]; ++steps) {
          exact.step(options_, gradients[steps][e]);
          stored.step(options_, gradients[steps][e]);
          stored = {adders_[f].round(stored.first), adders_[f].round(stored.second)};
        }
        judge(adam_[p], exact, stored, result_.after[p][f]);
      }
    }
  }

 private:
  static void judge(const AdamStep& adam, const Moments& exact, const Moments& stored, MomentOutcome& out) {
    ++out.values;
    out.first_flushed += exact.first != 0 && stored.first == 0 ? 1 : 0;
    out.second_flushed += exact.second != 0 && stored.second == 0 ? 1 : 0;
    const double direction = adam.direction(stored.first, stored.second);
    if (!std::isfinite(direction) || !std::isfinite(stored.second)) {
      ++out.broken;
      return;
    }
    out.first.add(stored.first, {exact.first, 0});
    out.second.add(stored.second, {exact.second, 0});
    out.update.add(direction, {adam.direction(exact.first, exact.second), 0});
  }

  const UpdateOptions& options_;
  MomentResult& result_;
  std::vector<AdamStep> adam_;  // per prefix
  std::vector<Adder> adders_;
};

}  // namespace

Result<MomentResult> moments_over_steps(const StepSeries& series, const UpdateOptions& options) {
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
    auto readers = open_all(views);
    if (!readers) return readers.error();
    ++result.tensors;
    auto done = in_step(*readers, [&](const auto& values, std::uint64_t) {
      for (std::size_t e = 0; e < values[0].size(); ++e) replay.add(values, e, result.values++);
    });
    if (!done) return done.error();
  }
  if (result.tensors == 0) {
    return Error{series.inputs.front().path, std::nullopt, "gradients grad/NAME that every dump has", "none"};
  }
  return result;
}

}  // namespace lowp
