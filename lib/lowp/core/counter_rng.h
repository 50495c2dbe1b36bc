// SPDX-License-Identifier: Apache-2.0
// Random bits as a function of (seed, element index): the same on any thread, lane, chunk or device.
#pragma once

#include <cstdint>

#include "lowp/core/rounding.h"

namespace lowp {

struct PhiloxCounter {
  std::uint32_t word[4];

  friend constexpr bool operator==(PhiloxCounter, PhiloxCounter) = default;
};
struct PhiloxKey {
  std::uint32_t word[2];
};

// Philox4x32-10: four random words for a counter. Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011; constants and known answers as in Random123.
LOWP_HD constexpr PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(odd >> 32) ^ counter.word[1] ^ key.word[0], static_cast<std::uint32_t>(odd),
                static_cast<std::uint32_t>(even >> 32) ^ counter.word[3] ^ key.word[1],
                static_cast<std::uint32_t>(even)}};
    key.word[0] += 0x9E3779B9u;
    key.word[1] += 0xBB67AE85u;
  }
  return counter;
}

// `count` (0 to 32) random bits for one element. The seed is the key, element_index / 4 the counter, and the element
// takes word element_index % 4 of the block, from the top: fewer bits are a prefix of more.
LOWP_HD constexpr RandomBits random_bits(std::uint64_t seed, std::uint64_t element_index, int count) {
  const std::uint64_t block = element_index / 4;
  const PhiloxCounter words =
      philox4x32_10({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}},
                    {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
  const std::uint64_t word = words.word[element_index % 4];
  return {static_cast<std::uint32_t>(word >> (32 - count)), count};
}

}  // namespace lowp
