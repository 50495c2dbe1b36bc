// SPDX-License-Identifier: Apache-2.0
// Unsigned integers of any size as bytes: seven bits each, the least significant first, the last with its top bit
// clear.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lowp/exact/wide_sum.h"

namespace lowp {

inline void put_varint(std::vector<std::uint8_t>& to, std::uint64_t value) {
  for (; value >= 128; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 128));
  to.push_back(static_cast<std::uint8_t>(value));
}

inline void put_varint(std::vector<std::uint8_t>& to, Integer256 value) {
  while ((value.limb[1] | value.limb[2] | value.limb[3]) != 0) {
    to.push_back(static_cast<std::uint8_t>(value.limb[0] | 128));
    for (std::size_t i = 0; i < 4; ++i) value.limb[i] = value.limb[i] >> 7 | (i < 3 ? value.limb[i + 1] << 57 : 0);
  }
  put_varint(to, value.limb[0]);
}

// Whatever the bytes are, reading ends; numbers that do not fit lose their upper bits.
struct VarintReader {
  std::span<const std::uint8_t> left;

  bool is_done() const { return left.empty(); }
  std::uint64_t word() {
    if (!left.empty() && left.front() < 128) {  // most are small
      const std::uint64_t value = left.front();
      left = left.subspan(1);
      return value;
    }
    std::uint64_t value = 0;
    for (int shift = 0; !left.empty(); shift += 7) {
      const std::uint8_t byte = left.front();
      left = left.subspan(1);
      if (shift < 64) value |= std::uint64_t{byte & 127u} << shift;
      if ((byte & 128u) == 0) break;
    }
    return value;
  }
  Integer256 number() {
    Integer256 value;
    for (int shift = 0; !left.empty(); shift += 7) {
      const std::uint8_t byte = left.front();
      left = left.subspan(1);
      if (shift < 249) value += Integer256{byte & 127u} << shift;
      if ((byte & 128u) == 0) break;
    }
    return value;
  }
};

}  // namespace lowp
