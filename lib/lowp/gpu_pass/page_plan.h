// SPDX-License-Identifier: Apache-2.0
// Which leaves live in shared memory. A page of leaves (one sign, one binade) is too large for all pages of a gradient
// to fit into one multiprocessor, so those that matter are chosen from a sample.
#pragma once

#include <cstdint>
#include <span>

#include "lowp/core/portable.h"

namespace lowp::gpu {

inline constexpr std::uint32_t tail_bits = 12;  // of an FP32 word: what the eleven bits of a leaf leave
inline constexpr std::uint32_t page_leaves = 1u << 11;
inline constexpr std::uint32_t tile_bytes =
    4 * page_leaves;  // shared memory is given out in tiles: a word for each leaf
inline constexpr std::uint32_t plan_keys = 1024;
inline constexpr std::uint32_t most_roles = 4;
inline constexpr std::uint32_t most_tiles = 64;  // of a block

// Elements with a tail and elements without one are kept apart: the former need two words each, the latter one, and
// data that came from a narrow format has nothing but the latter.
LOWP_HD constexpr std::uint32_t plan_key(std::uint32_t word) {
  const bool exact = (word & ((1u << tail_bits) - 1)) == 0;
  return (word >> 23) | (exact ? 512u : 0u);
}
constexpr std::uint32_t tiles_of(std::uint32_t key) {
  return key >= 512 ? 1 : 2;
}

// Blocks have roles: each role reads all elements and counts those whose keys are its own, in shared memory or, where
// it has no room, in device memory. Every key belongs to exactly one role.
struct PagePlan {
  static constexpr std::uint8_t cold = 0xfe;   // this role's, in device memory
  static constexpr std::uint8_t other = 0xff;  // another role's
  static constexpr std::uint16_t nobody = 0xffff;
  std::uint32_t roles;
  std::uint32_t tiles;                          // of each block
  std::uint8_t place[most_roles][plan_keys];    // the first tile of a key, or one of the above
  std::uint16_t owner[most_roles][most_tiles];  // the key whose first tile it is, or nobody
};

// Plans for words that look like `sample` (FP32) and blocks of `tiles` tiles. With one role where that keeps nine
// elements of ten out of device memory, else two or four. Zeros, subnormals, Inf and NaN are role 0's and cold.
PagePlan plan_pages(std::span<const std::uint32_t> sample, std::uint32_t tiles);

// The share of the sample that goes to device memory although it is a normal number.
double cold_share(const PagePlan& plan, std::span<const std::uint32_t> sample);

}  // namespace lowp::gpu
