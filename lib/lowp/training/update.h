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

namespace lowp {

struct UpdateOptions {
  std::vector<Accumulator> formats;  // that weights, or moments, are stored in
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  std::uint64_t seed = 1;
};

// Learning rates that stalls are also counted for: the given one times 2^-6 to 2^6.
inline constexpr int rate_log2_limit = 6;
inline constexpr std::size_t rates = 2 * rate_log2_limit + 1;

// One storage format, all weights. The update is AdamW's, computed from the dumped state in FP64.
struct StallCounts {
  std::uint64_t weights = 0, moving = 0;               // moving: with an update that is not zero
  std::uint64_t nearest = 0;                           // of them, weights that stay where they are, rounding to nearest
  std::array<std::uint64_t, rates> nearest_at_rate{};  // nearest, for each learning rate
  std::uint64_t stochastic = 0;                        // that stay with one stochastic draw each
  std::uint64_t kahan = 0;                             // whose update is zero even in a compensation of the same format
  std::uint64_t second_moments = 0, second_flushed = 0;  // exp_avg_sq that is not zero, and of it rounded to zero
  std::uint64_t no_denominator = 0;  // sqrt(v) + eps is zero in the format: the update is Inf or NaN

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

// A dump with param/NAME, exp_avg/NAME and exp_avg_sq/NAME, and a known step; an Error if there is no such triple.
Result<StateResult> stalled_updates(const Input& input, const UpdateOptions& options);

// Moments of one storage format against exact ones, after some steps of a series of gradients.
struct MomentOutcome {
  ErrorStatistics first, second, update;  // exp_avg, exp_avg_sq, and the update without the learning rate
  std::uint64_t values = 0, first_flushed = 0, second_flushed = 0;  // zero though the exact moment is not
  std::uint64_t broken = 0;                                         // updates that are Inf or NaN
};
struct MomentResult {
  std::size_t steps = 0;
  std::uint64_t tensors = 0, values = 0;
  std::vector<std::size_t> prefixes;              // 1, 2, 4, ... and all steps
  std::vector<std::vector<MomentOutcome>> after;  // per prefix, per format
  const std::vector<MomentOutcome>& last() const { return after.back(); }
};

// Moments from zero over the gradients that every dump has under one name: arithmetic in FP64, rounded to the format
// after each step. An Error without such gradients.
Result<MomentResult> moments_over_steps(const StepSeries& series, const UpdateOptions& options);

}  // namespace lowp
