// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/delayed.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace lowp::recipes {
namespace {

constexpr float fp32_largest = std::numeric_limits<float>::max();

float finite(float scale) {
  return std::isinf(scale) ? fp32_largest : scale;
}

// Slot i takes slot i + 1, the last takes `newest`, slot 0 is free again.
void roll(std::vector<float>& history, float newest) {
  std::shift_left(history.begin(), history.end(), 1);
  history.back() = newest;
  history.front() = 0;
}

float largest_without_nan(const std::vector<float>& history) {
  float largest = 0;
  for (const float x : history) largest = std::fmax(largest, x);
  return largest;
}
float largest_or_nan(const std::vector<float>& history) {
  float largest = 0;
  for (const float x : history) {
    if (std::isnan(x)) return x;
    largest = std::max(largest, x);
  }
  return largest;
}

// kernel_bulk: a step of zeros neither moves the history nor asks it.
void advance_fused(const DelayedOptions& options, DelayedState& state) {
  const float last = state.history.front();
  float largest = 0;
  if (last != 0) {
    largest = largest_without_nan(state.history);
    roll(state.history, last);
  }
  if (options.algorithm == FromHistory::most_recent) largest = last;
  const float scaled_largest = std::ldexp(options.largest, -options.margin);
  if (std::isfinite(largest) && largest > 0) state.scale = scaled_largest / largest;
  state.scale = finite(state.scale);
}

// `product`: PyTorch, where a number over a tensor is the tensor's rounded reciprocal times the number and a scale of
// Inf becomes FP32's largest. JAX divides and keeps Inf.
void advance_always(const DelayedOptions& options, DelayedState& state, bool product) {
  const float last = state.history.front();
  const float largest = options.algorithm == FromHistory::max ? largest_or_nan(state.history) : last;
  roll(state.history, last);
  const float quotient = product ? 1.0f / largest * options.largest : options.largest / largest;
  if (largest > 0 && std::isfinite(largest)) state.scale = quotient / std::ldexp(1.0f, options.margin);
  if (product) state.scale = finite(state.scale);
}

}  // namespace

DelayedState initial_state(const DelayedOptions& options) {
  assert(options.window >= 1);
  return {1, std::vector<float>(options.window)};
}

DelayedState advance(const DelayedOptions& options, DelayedState state, float largest) {
  switch (options.by) {
    case DelayedBy::te_fused:
      state.history.front() = std::fmax(state.history.front(), largest);
      advance_fused(options, state);
      break;
    case DelayedBy::te_unfused:
      state.history.front() = largest;
      advance_always(options, state, true);
      break;
    case DelayedBy::te_jax:
      state.history.front() = largest;
      advance_always(options, state, false);
      break;
  }
  return state;
}

}  // namespace lowp::recipes
