// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/over.h"

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "lowp/base/threads.h"
#include "lowp/training/values.h"

namespace lowp::training {
namespace {

constexpr std::uint64_t chunk_elements = 1 << 14;

// The same elements of every dump: contribution[input][element].
struct Chunk {
  std::uint64_t first = 0, tensor_elements = 0;
  std::vector<std::vector<double>> contribution;
  std::vector<char> finite;                 // per element
  std::vector<std::vector<Precise>> exact;  // per prefix, per element

  std::size_t size() const { return contribution.front().size(); }
};

std::vector<std::size_t> prefixes(std::size_t inputs) {
  std::vector<std::size_t> counts;
  for (std::size_t count = 2; count < inputs; count *= 2) counts.push_back(count);
  counts.push_back(inputs);
  return counts;
}

void find_exact_sums(Chunk& chunk, const std::vector<std::size_t>& counts) {
  chunk.finite.assign(chunk.size(), 1);
  chunk.exact.assign(counts.size(), std::vector<Precise>(chunk.size()));
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, chunk.size(), 1024), [&](const auto& range) {
    for (std::size_t e = range.begin(); e != range.end(); ++e) {
      ExactSum sum;
      std::size_t added = 0;
      for (std::size_t p = 0; p < counts.size(); ++p) {
        for (; added < counts[p]; ++added) {
          const double x = chunk.contribution[added][e];
          if (!std::isfinite(x)) chunk.finite[e] = 0;
          sum.add(x);
        }
        chunk.exact[p][e] = precise(sum);
      }
    }
  });
}

// One order in one accumulator at one scale over one number of contributions.
class Summer {
 public:
  Summer(const OverOptions& options, OverOutcome& outcome, std::size_t prefix)
      : options_(options),
        outcome_(outcome),
        prefix_(prefix),
        order_(options.models[outcome.model]->order),
        adder_(options.accumulators[outcome.accumulator]),
        cast_(options.terms.value_or(options.accumulators[outcome.accumulator])),
        scale_(std::ldexp(1.0, outcome.scale_log2)),
        back_(options.predivide / scale_),
        terms_(outcome.terms) {}

  void add(const Chunk& chunk) {
    for (std::size_t e = 0; e < chunk.size(); ++e) {
      if (chunk.finite[e] != 0) add_element(chunk, e);
    }
  }

 private:
  void add_element(const Chunk& chunk, std::size_t e) {
    adder_.start(chunk.first + e);
    cast_.start(chunk.first + e + (std::uint64_t{1} << 43));
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      const double x = chunk.contribution[i][e];
      terms_[i] = contribution(x);
      outcome_.contributions += x != 0 ? 1 : 0;
      outcome_.flushed += x != 0 && terms_[i] == 0 ? 1 : 0;
    }
    adder_.clear();
    const double sum = order_ == SumOrder::sequential ? sequential(chunk, e)
                                                      : sum_in_order(order_, shape_of(chunk, e), adder_, terms_);
    outcome_.absorbed += adder_.absorbed();
    ++outcome_.elements;
    judge(sum, chunk.exact[prefix_][e]);
  }

  SumShape shape_of(const Chunk& chunk, std::size_t e) const {
    const std::uint64_t element = chunk.first + e;
    const double place = static_cast<double>(element) / static_cast<double>(chunk.tensor_elements);
    return {options_.block, static_cast<std::size_t>(place * static_cast<double>(terms_.size())), element,
            chunk.tensor_elements};
  }

  double contribution(double x) {
    const double scaled = x * scale_;  // a power of two far inside the range of a double: exact for dumped values
    double term = adder_.round(options_.terms ? cast_.round(scaled) : scaled);
    if (options_.predivide != 1) term = adder_.divide(term, options_.predivide);
    return term;
  }

  // The order of gradient accumulation, watched: did the later half of the contributions still count? Zeros are none.
  double sequential(const Chunk& chunk, std::size_t e) {
    std::size_t given = 0, idle = 0;  // idle: contributions since the last one that changed the sum
    double sum = 0;
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      if (chunk.contribution[i][e] == 0) continue;
      const double before = sum;
      sum = given == 0 ? terms_[i] : adder_.add(sum, terms_[i]);
      given += 1;
      idle = sum == before ? idle + 1 : 0;
    }
    if (given != 0 && 2 * idle >= given) ++outcome_.stopped;
    return sum;
  }

  void judge(double sum, const Precise& exact) {
    if (std::isfinite(sum)) return outcome_.error.add(sum * back_, exact);
    Adder rounding(adder_.how());
    const bool fits = std::isfinite(rounding.round(exact.high / back_));
    ++(fits ? outcome_.overflowed : outcome_.beyond);
  }

  const OverOptions& options_;
  OverOutcome& outcome_;
  const std::size_t prefix_;
  const SumOrder order_;
  Adder adder_, cast_;
  const double scale_, back_;
  std::vector<double> terms_;
};

// Tensors that every dump has with one shape, in the order of the first.
std::vector<std::string> common_names(const StepSeries& series, std::vector<std::string>& left_out) {
  std::vector<std::string> names;
  for (const TensorView& view : series.inputs.front().tensors) {
    const bool common = std::ranges::all_of(series.inputs, [&](const Input& input) {
      const TensorView* other = find_tensor(input, view.name);
      return other != nullptr && other->shape == view.shape;
    });
    (common ? names : left_out).push_back(view.name);
  }
  return names;
}

class Overlay {
 public:
  Overlay(const StepSeries& series, const OverOptions& options)
      : series_(series), options_(options), counts_(prefixes(series.inputs.size())) {
    result_.inputs = series.inputs.size();
    for (std::size_t a = 0; a < options.accumulators.size(); ++a) {
      for (std::size_t m = 0; m < options.models.size(); ++m) {
        for (int scale = options.scale_low; scale <= options.scale_high; ++scale) {
          for (const std::size_t count : counts_) {
            OverOutcome outcome;
            outcome.accumulator = a;
            outcome.model = m;
            outcome.scale_log2 = scale;
            outcome.terms = count;
            result_.outcomes.push_back(std::move(outcome));
          }
        }
      }
    }
  }

  Result<OverResult> run() {
    const std::vector<std::string> names = common_names(series_, result_.left_out);
    if (names.empty()) {
      return Error{series_.inputs.front().path, std::nullopt, "a tensor that every dump has with one shape", "none"};
    }
    for (const std::string& name : names) {
      if (auto done = add_tensor(name); !done) return done.error();
    }
    return std::move(result_);
  }

 private:
  Result<Done> add_tensor(const std::string& name) {
    std::vector<ValueReader> readers;
    for (const Input& input : series_.inputs) {
      auto reader = ValueReader::open(input, *find_tensor(input, name));
      if (!reader) return reader.error();
      readers.push_back(std::move(*reader));
    }
    ++result_.tensors;
    Chunk chunk;
    chunk.tensor_elements = readers.front().left();
    while (readers.front().left() != 0) {
      chunk.first = chunk.tensor_elements - readers.front().left();
      chunk.contribution.assign(readers.size(), {});
      for (std::size_t i = 0; i < readers.size(); ++i) {
        if (auto done = readers[i].read(chunk_elements, chunk.contribution[i]); !done) return done.error();
      }
      add_chunk(chunk);
    }
    return Done{};
  }

  // Outcomes do not touch one another, so they need no order.
  void add_chunk(Chunk& chunk) {
    find_exact_sums(chunk, counts_);
    result_.elements += chunk.size();
    result_.nonfinite += static_cast<std::uint64_t>(std::ranges::count(chunk.finite, 0));
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, result_.outcomes.size(), 1), [&](const auto& range) {
      for (std::size_t i = range.begin(); i != range.end(); ++i) {
        Summer(options_, result_.outcomes[i], i % counts_.size()).add(chunk);
      }
    });
  }

  const StepSeries& series_;
  const OverOptions& options_;
  const std::vector<std::size_t> counts_;
  OverResult result_;
};

}  // namespace

Result<OverResult> sum_over(const StepSeries& series, const OverOptions& options) {
  if (series.inputs.size() < 2) {
    return Error{series.inputs.empty() ? "" : series.inputs.front().path, std::nullopt, "at least two dumps to add",
                 "one"};
  }
  return on_threads(options.threads, [&] { return Overlay(series, options).run(); });
}

}  // namespace lowp::training
