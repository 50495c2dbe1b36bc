// SPDX-License-Identifier: Apache-2.0
// How wgmma reads an operand from shared memory: K-major without swizzling (PTX ISA 9.0, 9.7.15.5.1.2). One instruction
// covers 32 bytes along k. Host and device, so that a test can walk the descriptor without a GPU.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

namespace lowp::gpu {

// The matrix is made of core matrices: 8 rows of 16 bytes, one after the other. Of the two that lie side by side along
// k the second follows the first; the next 8 rows follow both.
inline constexpr int core_row_bytes = 16, core_rows = 8, core_bytes = 128;
inline constexpr int leading_bytes = core_bytes;     // from a core matrix to its neighbour along k
inline constexpr int stride_bytes = 2 * core_bytes;  // to the core matrix of the next 8 rows
inline constexpr int instruction_k_bytes = 2 * core_row_bytes;

// Where byte `k_byte` (0 to 31) of row `row` goes. Rows are those of A, or columns of B.
LOWP_HD constexpr int shared_offset(int row, int k_byte) {
  return row / core_rows * stride_bytes + k_byte / core_row_bytes * leading_bytes + row % core_rows * core_row_bytes +
         k_byte % core_row_bytes;
}

// The descriptor's fields hold addresses and offsets without their low four bits, 14 bits each: start at bit 0, leading
// offset at 16, stride offset at 32; base offset and swizzle mode stay zero.
LOWP_HD constexpr std::uint64_t descriptor_field(std::uint32_t bytes) {
  return (bytes & 0x3FFFF) >> 4;
}
LOWP_HD constexpr std::uint64_t shared_descriptor(std::uint32_t start) {
  return descriptor_field(start) | descriptor_field(leading_bytes) << 16 | descriptor_field(stride_bytes) << 32;
}

}  // namespace lowp::gpu
