// SPDX-License-Identifier: Apache-2.0
// The fast half of the pass over FP32 words: one addition to one 64-bit number per element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowp/summary/zero_pages.h"

namespace lowp {

// Leaves of normal FP32 words, packed. A leaf is the word without its low 12 bits r; its number holds three sums over
// the elements seen since it was last emptied: 1 (9 bits), r^2 (33 bits), r (21 bits). When the first reaches 512 the
// top bit is set and the leaf is emptied into the owner; until then no field can run into the next one.
class PackedLeaves {
 public:
  static constexpr int tail_bits = 12;
  static constexpr std::size_t leaves = std::size_t{1} << (32 - tail_bits);
  static constexpr std::size_t block = 256;        // elements that go through each stage together
  static constexpr std::size_t spare_leaves = 64;  // where elements go that are no normal numbers

  struct Sums {
    std::uint64_t count;
    std::uint64_t tail;
    std::uint64_t tail_squared;
  };
  static constexpr Sums unpack(std::uint64_t packed) {
    return {packed >> 54, packed & ((std::uint64_t{1} << 21) - 1), (packed >> 21) & ((std::uint64_t{1} << 33) - 1)};
  }
  struct Full {
    std::uint32_t leaf;
    std::uint64_t packed;
  };

  // What one call leaves for the caller: full leaves, elements that need another look, and what is known of all.
  struct Rest {
    std::vector<Full> full;              // leaves that reached 512 elements, once for each time:
    std::size_t full_count = 0;          // the first so many; what follows is room
    std::vector<std::uint32_t> unusual;  // words that are subnormal, Inf or NaN: not counted here
    std::uint64_t zeros = 0;
    std::uint32_t max_magnitude = 0;            // over normal numbers; 0 if there is none
    std::uint32_t min_magnitude = 0xffffffffu;  // likewise; all ones if there is none

    void clear();  // as new, memory kept
    std::span<const Full> full_leaves() const { return std::span(full).first(full_count); }
  };

  PackedLeaves();

  // Adds the elements of `words` (little-endian FP32, any alignment, a multiple of 4 bytes). The answer holds until the
  // next call.
  const Rest& count(std::span<const std::byte> words);

  // What a leaf holds; it is emptied. `exact` of all its elements so far, those of full leaves too, had r = 0.
  struct Held {
    std::uint64_t packed, exact;
  };
  Held take(std::size_t leaf) {
    const Held held{packed_[leaf], exact_[leaf]};
    if (held.packed != 0) packed_[leaf] = 0;
    if (held.exact != 0) exact_[leaf] = 0;
    return held;
  }

 private:
  Rest rest_;
  ZeroPages<std::uint64_t> packed_;
  ZeroPages<std::uint64_t> exact_;  // elements with r = 0: few in most data, so they have a table of their own
};

}  // namespace lowp
