// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720): the checksum of iSCSI, ext4 and SSE 4.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lowp {

// Of `bytes` after what gave `before`; crc32c of nothing is 0.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

// Of two stretches one after the other, from the checksum of each and the length of the second.
std::uint32_t crc32c_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes);

}  // namespace lowp
