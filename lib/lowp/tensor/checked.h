// SPDX-License-Identifier: Apache-2.0
// Arithmetic and loads for numbers that a file claims.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lowp {

// a * b and a + b, or nothing where 64 bits do not hold them.
constexpr std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}
constexpr std::optional<std::uint64_t> checked_sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

// Elements of a shape: 1 for rank 0; 0 as soon as one axis is 0, whatever the others are. Nothing on overflow.
constexpr std::optional<std::uint64_t> element_count(std::span<const std::uint64_t> shape) {
  for (const std::uint64_t axis : shape) {
    if (axis == 0) return 0;
  }
  std::optional<std::uint64_t> count = 1;
  for (const std::uint64_t axis : shape) {
    if (count) count = checked_product(*count, axis);
  }
  return count;
}

// The unsigned little-endian number in `bytes` (at most 8 of them).
constexpr std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) number |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return number;
}

}  // namespace lowp
