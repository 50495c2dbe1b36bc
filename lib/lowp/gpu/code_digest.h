// SPDX-License-Identifier: Apache-2.0
// The digest of a list of codes as data/golden/digests.tsv has it, in pieces that threads of a GPU can compute.
#pragma once

#include <cstdint>
#include <span>

#include "lowp/core/portable.h"

namespace lowp::gpu {

inline constexpr std::uint32_t digest_block = 1u << 16;  // codes of one block
inline constexpr std::uint32_t digest_lanes = 4;         // of each block, computed apart

LOWP_HD constexpr std::uint64_t mix(std::uint64_t digest, std::uint64_t word) {
  const std::uint64_t mixed = (digest ^ word) * 0x9e3779b97f4a7c15;
  return mixed ^ (mixed >> 32);
}

// Lane `lane` of the block that starts at `codes`: it starts at its own number and takes every fourth pair of codes.
LOWP_HD constexpr std::uint64_t lane_digest(const std::uint32_t* codes, std::uint32_t lane) {
  std::uint64_t digest = lane;
  for (std::uint32_t i = 2 * lane; i < digest_block; i += 2 * digest_lanes) {
    const std::uint64_t low = codes[i];
    digest = mix(digest, low | std::uint64_t{codes[i + 1]} << 32);
  }
  return digest;
}

// Continues with the next blocks: four lanes each, in order. A digest starts at 0.
constexpr std::uint64_t mix_blocks(std::uint64_t digest, std::span<const std::uint64_t> lanes) {
  for (std::size_t block = 0; block + digest_lanes <= lanes.size(); block += digest_lanes) {
    std::uint64_t own = 0;
    for (std::size_t lane = 0; lane < digest_lanes; ++lane) own = mix(own, lanes[block + lane]);
    digest = mix(digest, own);
  }
  return digest;
}

}  // namespace lowp::gpu
