// SPDX-License-Identifier: Apache-2.0
// Delayed scaling of FP8: the scale of a step comes from the largest magnitudes of earlier ones.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lowp::recipes {

// Who updates: the fused CUDA kernel of Transformer Engine, its PyTorch path (NVTE_UNFUSED_FP8_UPDATE=1), its JAX
// quantizer. JAX is from the source, not run.
enum class DelayedBy : std::uint8_t { te_fused, te_unfused, te_jax };
enum class FromHistory : std::uint8_t { max, most_recent };

struct DelayedName {
  std::string_view name;
  DelayedBy by;
  std::string_view meaning;
};
inline constexpr std::array delayed_names{
    DelayedName{"te-fused", DelayedBy::te_fused, "the history stands still in a step of zeros; NaN is ignored"},
    DelayedName{"te-unfused", DelayedBy::te_unfused, "the history always moves; max / largest is a product"},
    DelayedName{"te-jax", DelayedBy::te_jax, "one update per cast; from the source, not run"},
};

struct DelayedOptions {
  DelayedBy by = DelayedBy::te_fused;
  FromHistory algorithm = FromHistory::max;
  std::uint32_t window = 1024;  // amax_history_len, at least 1
  int margin = 0;
  float largest = 448;  // number of the element format
};
// `history[0]` is the slot that the running step writes.
struct DelayedState {
  float scale = 1;
  std::vector<float> history;

  friend bool operator==(const DelayedState&, const DelayedState&) = default;
};
DelayedState initial_state(const DelayedOptions& options);
// The state after a step whose largest magnitude was `largest`; the step itself multiplied by state.scale.
DelayedState advance(const DelayedOptions& options, DelayedState state, float largest);

}  // namespace lowp::recipes
