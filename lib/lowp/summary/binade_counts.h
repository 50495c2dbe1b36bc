// SPDX-License-Identifier: Apache-2.0
// The little that is kept of every tensor: enough to say exactly what any target flushes at any scale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowp/summary/sweep.h"

namespace lowp {

// The finite non-zero elements of one sign and binade.
struct BinadeCount {
  std::int16_t binade = 0;
  bool negative = false;
  std::uint64_t count = 0;
  std::uint64_t powers_of_two = 0;  // of those: the only ones that can be a tie with half of the smallest number

  friend bool operator==(const BinadeCount&, const BinadeCount&) = default;
};

// Counts of one tensor. Extremes are of finite elements, zero where there is none but zeros.
struct TensorCounts {
  std::uint64_t elements = 0, zero_in = 0, nan_in = 0, inf_in = 0;
  Exact max_abs, min_nonzero_abs;
  std::vector<BinadeCount> binades;  // non-empty ones, each sign by rising binade, negative first

  std::uint64_t nonzero() const { return elements - zero_in - nan_in - inf_in; }
  friend bool operator==(const TensorCounts&, const TensorCounts&) = default;
};

TensorCounts counts_of(const BinadeTable& table);

// The same straight from FP32 words (little-endian, a multiple of 4 bytes), each standing for `weight` elements: for
// tensors too small to pay for a table of their own.
TensorCounts counts_of_fp32(std::span<const std::byte> words, std::uint64_t weight);

// How many of them `target` flushes to zero at a scale. Exact: below the smallest number only the side of its half
// matters, and of a binade only the powers of two can lie on it.
std::uint64_t flushed_at(const TensorCounts& counts, const Target& target, const ScaleRange& scales, int scale_log2);

}  // namespace lowp
