// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), to compare bytes with recorded digests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lowp {

class Sha256 {
 public:
  void add(std::span<const std::byte> bytes);
  // The digest of everything added, in lower-case hexadecimal. Ends the sum.
  std::string hex();

 private:
  void compress(std::span<const std::byte, 64> block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::uint64_t bytes_ = 0;
};

inline std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

}  // namespace lowp
