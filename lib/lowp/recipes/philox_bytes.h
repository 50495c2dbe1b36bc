// SPDX-License-Identifier: Apache-2.0
// Transformer Engine's stream of random words (util/curanddx.hpp) for stochastic rounding.
#pragma once

#include <cstdint>

#include "lowp/core/counter_rng.h"

namespace lowp::recipes {

// Call number `call` of generate4 after init(seed, subsequence, offset): Philox4x32-10, the offset in the lower half of
// the counter, the subsequence in the upper one.
constexpr PhiloxCounter te_philox(std::uint64_t seed, std::uint64_t subsequence, std::uint64_t offset,
                                  std::uint64_t call) {
  const std::uint64_t low = offset + call;
  const std::uint64_t high = subsequence + (low < offset ? 1 : 0);
  return philox4x32_10({{static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32),
                         static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(high >> 32)}},
                       {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
}

}  // namespace lowp::recipes
