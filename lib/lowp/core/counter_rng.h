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

// Block number `block` of a seed, which is the key, as eight draws of 16 bits: draw i is half i % 2, low first, of word
// i / 2. Each block number has two independent blocks, chosen by `part`.
LOWP_HD constexpr PhiloxCounter random_block(std::uint64_t seed, std::uint64_t block, std::uint32_t part) {
  return philox4x32_10({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), part, 0}},
                       {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
}
LOWP_HD constexpr std::uint32_t draw_of(PhiloxCounter block, unsigned i) {
  return (block.word[i / 2] >> (16 * (i % 2))) & 0xffff;
}

// `count` (0 to 32) random bits for one element: draw element_index % 8 of block element_index / 8, part 0, from the
// top; the bits after the first 16 are the same draw of part 1. So fewer bits are a prefix of more, and a block serves
// eight elements of up to 16 bits.
LOWP_HD constexpr RandomBits random_bits(std::uint64_t seed, std::uint64_t element_index, int count) {
  const std::uint64_t block = element_index / 8;
  const auto i = static_cast<unsigned>(element_index % 8);
  const std::uint32_t first = draw_of(random_block(seed, block, 0), i);
  if (count <= 16) return {first >> (16 - count), count};
  const std::uint32_t second = draw_of(random_block(seed, block, 1), i);
  return {(first << 16 | second) >> (32 - count), count};
}

}  // namespace lowp
