// SPDX-License-Identifier: Apache-2.0
// The little that a pass keeps of every tensor: enough to say exactly what any target flushes at any scale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowp/summary/binade_table.h"
#include "lowp/summary/census.h"

namespace lowp {

// The finite non-zero elements of one sign and binade.
struct BinadeCount {
  std::int16_t binade = 0;
  bool negative = false;
  std::uint64_t count = 0;
  std::uint64_t powers_of_two = 0;  // of those: the only ones that can be a tie with half of the smallest number

  friend bool operator==(const BinadeCount&, const BinadeCount&) = default;
};

struct TensorCounts : Census {
  bool has_signs = true;             // without them all elements stand as positive
  std::vector<BinadeCount> binades;  // non-empty ones, each sign by rising binade, negative first

  friend bool operator==(const TensorCounts&, const TensorCounts&) = default;
};

TensorCounts counts_of(const BinadeTable& table);

// The same straight from FP32 words (little-endian, a multiple of 4 bytes), each standing for `weight` elements and
// divided by the dump's loss scale: for tensors too small to pay for a table of their own.
TensorCounts counts_of_fp32(std::span<const std::byte> words, std::uint64_t weight, int dump_scale_log2 = 0);

}  // namespace lowp
