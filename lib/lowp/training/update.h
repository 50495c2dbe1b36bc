// SPDX-License-Identifier: Apache-2.0
// What low-precision storage does to an optimizer's state: weights that stop moving, moments that become zero.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/accumulate/error_statistics.h"
#include "lowp/tensor/step_series.h"
#include "lowp/training/adamw.h"

namespace lowp::training {

struct UpdateOptions {
  std::vector<Accumulator> formats;  // that weights, or moments, are stored in
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  std::uint64_t seed = 1;
  int threads = 0;

  AdamSettings adam() const { return {learning_rate, beta1, beta2, epsilon, weight_decay}; }
};

// Learning rates that stalled are also counted for: the given one times 2^-6 to 2^6.
inline constexpr int rate_log2_limit = 6;
inline constexpr std::size_t rates = 2 * rate_log2_limit + 1;

// One of torch's AdamWs, with parameters and moments in the format.
struct OptimizerCounts {
  std::uint64_t stalled = 0;     // of weights with an update: the step leaves them where they are
  std::uint64_t not_finite = 0;  // the step makes them Inf or NaN
  std::uint64_t decay_lost = 0;  // not zero, and weight decay leaves them where they are before the update is added
};

// One storage format, all weights. The update is AdamW's, computed from the dumped state in FP64.
struct StallCounts {
  std::uint64_t weights = 0, moving = 0;  // moving: with an update that is not zero
  std::uint64_t nonzero = 0;              // weights that are not zero as stored
  std::uint64_t nearest = 0;              // of moving, weights that stay where they are, rounding to nearest
  std::array<std::uint64_t, rates> nearest_at_rate{};  // nearest, for each learning rate
  std::uint64_t stochastic = 0;                        // that stay with one stochastic draw each
  std::uint64_t kahan = 0;  // that no number of equal updates moves, with a compensation of the same format
  std::uint64_t second_moments = 0, second_flushed = 0;  // exp_avg_sq that is not zero, and of it rounded to zero
  std::uint64_t no_denominator = 0;                     // sqrt(v) + eps is zero in the format: the update is Inf or NaN
  std::array<OptimizerCounts, adam_table.size()> by{};  // per row of adam_table; `exact` is not counted

  void merge(const StallCounts& other);
};
struct TensorStalls {
  std::string name;
  std::vector<StallCounts> of;  // per format
};
struct StateResult {
  std::int64_t step = 0;
  std::vector<StallCounts> total;  // per format
  std::vector<double> epsilon;     // what eps is in each format
  std::vector<TensorStalls> tensors;
};

// A dump with param/NAME, exp_avg/NAME and exp_avg_sq/NAME, and a known step; an Error if there is no such triple. The
// same on any number of threads.
Result<StateResult> stalled_updates(const Input& input, const UpdateOptions& options);

// Whether a weight stays for good under equal updates with Kahan's compensation, both in the adder's format. The
// compensation c absorbs updates too: it stops at the power of two whose half unit the update does not exceed, and the
// weight moves only if adding that much moves it. Updates are finite and not zero; rounding to nearest even.
bool stays_despite_compensation(Adder& adder, double weight, double update);

// Moments of one storage format against exact ones, after some steps of a series of gradients.
struct MomentOutcome {
  std::size_t format = 0;
  const AdamModel* model = nullptr;
  ErrorStatistics first, second, update;  // exp_avg, exp_avg_sq, and the update without the learning rate
  std::uint64_t values = 0, first_flushed = 0, second_flushed = 0;  // zero though the exact moment is not
  std::uint64_t broken = 0;                                         // updates that are Inf or NaN
};
struct MomentResult {
  std::size_t steps = 0;
  std::uint64_t tensors = 0, values = 0;
  std::vector<std::size_t> prefixes;              // 1, 2, 4, ... and all steps
  std::vector<std::vector<MomentOutcome>> after;  // per prefix: first every format rounded once, then torch's rows
  const std::vector<MomentOutcome>& last() const { return after.back(); }
};

// Moments from zero over the gradients that every dump has under one name. Rounded once: arithmetic in FP64, rounded to
// the format after each step. As torch's three AdamWs do it, in formats torch has: gradients are rounded too. An Error
// without such gradients. The same on any number of threads.
Result<MomentResult> moments_over_steps(const StepSeries& series, const UpdateOptions& options);

// Whether torch.optim takes parameters of this format.
bool torch_trains_in(Format f);

}  // namespace lowp::training
