// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/update.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "lowp/base/threads.h"
#include "lowp/core/formats.h"
#include "lowp/training/same_elements.h"

namespace lowp::training {
namespace {

constexpr std::size_t block_elements = 1 << 12;  // of one task

// One storage format.
class StallCounter {
 public:
  StallCounter(const UpdateOptions& options, std::size_t format, double step)
      : options_(options),
        exact_(options.adam(), step),
        nearest_(options.formats[format]),
        stochastic_(stochastic(options.formats[format], options.seed)),
        epsilon_(nearest_.round(options.epsilon)) {
    if (!torch_trains_in(nearest_.how().format)) return;
    for (std::size_t m = 0; m < adam_table.size(); ++m) {
      if (adam_table[m].kind != AdamKind::exact) torch_.emplace_back(m, options.formats[format], options, step);
    }
  }

  double epsilon() const { return epsilon_; }

  void add(StallCounts& counts, std::uint64_t element, double weight, double first, double second) {
    const double update = -options_.learning_rate * (exact_.direction(first, second) + options_.weight_decay * weight);
    nearest_.start(element);
    const double stored = nearest_.round(weight), stored_second = nearest_.round(second);
    ++counts.weights;
    counts.second_moments += second != 0 ? 1 : 0;
    counts.second_flushed += second != 0 && stored_second == 0 ? 1 : 0;
    counts.no_denominator += std::sqrt(stored_second) + epsilon_ == 0 ? 1 : 0;
    counts.nonzero += stored != 0 && std::isfinite(stored) ? 1 : 0;
    const bool moving = update != 0 && std::isfinite(update) && std::isfinite(stored);
    for (Torch& torch : torch_) torch.add(counts.by[torch.row], element, stored, first, second, moving);
    if (!moving) return;
    ++counts.moving;
    counts.nearest += nearest_.round(stored + update) == stored ? 1 : 0;
    for (std::size_t r = 0; r < rates; ++r) {
      const double scaled = std::ldexp(update, static_cast<int>(r) - rate_log2_limit);
      counts.nearest_at_rate[r] += nearest_.round(stored + scaled) == stored ? 1 : 0;
    }
    stochastic_.start(element);
    counts.stochastic += stochastic_.round(stored + update) == stored ? 1 : 0;
    counts.kahan += stays_despite_compensation(nearest_, stored, update) ? 1 : 0;
  }

 private:
  static Accumulator stochastic(Accumulator how, std::uint64_t seed) {
    how.rounding = Rounding::stochastic_c;
    how.seed = seed;
    return how;
  }

  // One row of adam_table. All but fused read moments that have been rounded.
  struct Torch {
    std::size_t row;
    AdamW adam;
    Adder stored;
    Torch(std::size_t which, const Accumulator& format, const UpdateOptions& options, double step)
        : row(which), adam(adam_table[which].kind, format, options.adam(), step), stored(format) {}

    void add(OptimizerCounts& counts, std::uint64_t element, double weight, double first, double second, bool moving) {
      if (!std::isfinite(weight)) return;
      adam.start(element);
      if (adam_table[row].kind != AdamKind::fused) {
        first = stored.round(first);
        second = stored.round(second);
      }
      const double after = adam.apply(weight, first, second);
      counts.not_finite += std::isfinite(after) ? 0 : 1;
      counts.stalled += moving && after == weight ? 1 : 0;
      counts.decay_lost += weight != 0 && adam.decayed(weight) == weight ? 1 : 0;
    }
  };

  const UpdateOptions& options_;
  const ExactAdam exact_;
  Adder nearest_, stochastic_;
  const double epsilon_;
  std::vector<Torch> torch_;
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

// The elements of one chunk, each format in blocks; counts are integers, so their order does not matter.
void add_chunk(const UpdateOptions& options, double step, const std::vector<std::vector<double>>& values,
               std::uint64_t first, std::vector<StallCounts>& of) {
  const std::size_t size = values[0].size(), blocks = (size + block_elements - 1) / block_elements;
  std::vector<StallCounts> parts(options.formats.size() * blocks);
  tbb::parallel_for(std::size_t{0}, parts.size(), [&](std::size_t i) {
    StallCounter counter(options, i / blocks, step);
    const std::size_t begin = i % blocks * block_elements, end = std::min(size, begin + block_elements);
    for (std::size_t e = begin; e < end; ++e) {
      counter.add(parts[i], first + e, values[0][e], values[1][e], values[2][e]);
    }
  });
  for (std::size_t i = 0; i < parts.size(); ++i) of[i / blocks].merge(parts[i]);
}

Result<StateResult> count_stalls(const Input& input, const UpdateOptions& options) {
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
  const auto step = static_cast<double>(result.step);
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    result.epsilon.push_back(StallCounter(options, f, step).epsilon());
  }
  std::uint64_t elements_before = 0;
  for (const Triple& triple : triples) {
    auto elements = SameElements::open({{&input, triple.weight}, {&input, triple.first}, {&input, triple.second}});
    if (!elements) return elements.error();
    TensorStalls tensor{triple.name, std::vector<StallCounts>(options.formats.size())};
    auto done = elements->each_chunk([&](const auto& values, std::uint64_t first) {
      add_chunk(options, step, values, elements_before + first, tensor.of);
    });
    if (!done) return done.error();
    elements_before += triple.weight->elements;
    for (std::size_t f = 0; f < options.formats.size(); ++f) result.total[f].merge(tensor.of[f]);
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

}  // namespace

void StallCounts::merge(const StallCounts& other) {
  weights += other.weights;
  nonzero += other.nonzero;
  moving += other.moving;
  nearest += other.nearest;
  for (std::size_t r = 0; r < rates; ++r) nearest_at_rate[r] += other.nearest_at_rate[r];
  stochastic += other.stochastic;
  kahan += other.kahan;
  second_moments += other.second_moments;
  second_flushed += other.second_flushed;
  no_denominator += other.no_denominator;
  for (std::size_t m = 0; m < by.size(); ++m) {
    by[m].stalled += other.by[m].stalled;
    by[m].not_finite += other.by[m].not_finite;
    by[m].decay_lost += other.by[m].decay_lost;
  }
}

Result<StateResult> stalled_updates(const Input& input, const UpdateOptions& options) {
  return on_threads(options.threads, [&] { return count_stalls(input, options); });
}

// While c is a multiple of its unit, adding |u| moves it by a whole unit as long as |u| is more than half of one; below
// 2^e with |u| <= 2^(e - precision) it therefore arrives at 2^e, an even number, and stays, a tie included.
bool stays_despite_compensation(Adder& adder, double weight, double update) {
  if (adder.round(update) == 0) return true;
  int exponent;
  const double fraction = std::frexp(std::abs(update), &exponent);
  const int ceiling = fraction == 0.5 ? exponent - 1 : exponent;  // the least power of two not below |update|
  const double most = std::copysign(std::ldexp(1.0, ceiling + adder.how().format.precision), update);
  return adder.round(weight + most) == weight;
}

bool torch_trains_in(Format f) {
  for (const Format known : {ieee_format(8, 7), ieee_format(5, 10), ieee_format(8, 23), ieee_format(11, 52)}) {
    if (f == known) return true;
  }
  return false;
}

}  // namespace lowp::training
