// SPDX-License-Identifier: Apache-2.0
// The names of columns and what a key is: shared by those who write and read them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lowp/summary/binade_counts.h"

namespace lowp::columns {

// Sign and binade as one number whose order is that of pages: negative ones first, each sign by rising binade.
inline constexpr int binade_offset = 2048;
inline constexpr int lowest_binade = -1074 - 160, highest_binade = 1023 + 160;
inline constexpr std::uint64_t positive = 4096;

constexpr std::uint64_t key_of(bool negative, int binade) {
  return (negative ? 0 : positive) + static_cast<std::uint64_t>(binade + binade_offset);
}
constexpr bool is_negative(std::uint64_t key) {
  return key < positive;
}
constexpr int binade_of(std::uint64_t key) {
  return static_cast<int>(key & (positive - 1)) - binade_offset;
}
constexpr bool is_key(std::uint64_t key) {
  return key < 2 * positive && binade_of(key) >= lowest_binade && binade_of(key) <= highest_binade;
}

inline std::string at_least(std::size_t j) {
  return "counts.at_least_" + std::to_string(j);
}
inline std::string on_grid(std::size_t q) {
  return "counts.on_grid_" + std::to_string(q);
}
// Limbs of sums wider than 64 bits; the first has the plain name.
inline std::string limb(const std::string& name, std::size_t index) {
  return index == 0 ? name : name + "_" + std::to_string(64 * index);
}

}  // namespace lowp::columns
