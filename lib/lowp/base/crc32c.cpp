// SPDX-License-Identifier: Apache-2.0
#include "lowp/base/crc32c.h"

#include <array>
#include <cstring>

namespace lowp {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78u;  // bits in reverse order

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t t = 1; t < tables.size(); ++t) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      tables[t][byte] = tables[t - 1][byte] >> 8 ^ tables[0][tables[t - 1][byte] & 255];
    }
  }
  return tables;
}
constexpr auto tables = make_tables();

std::uint32_t by_tables(const std::byte* at, std::size_t size, std::uint32_t crc) {
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= tables[7 - i][word >> (8 * i) & 255];
  }
  for (; size != 0; ++at, --size) crc = crc >> 8 ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 255];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(const std::byte* at, std::size_t size,
                                                               std::uint32_t crc) {
  std::uint64_t sum = crc;
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    sum = __builtin_ia32_crc32di(sum, word);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (; size != 0; ++at, --size) rest = __builtin_ia32_crc32qi(rest, std::to_integer<unsigned char>(*at));
  return rest;
}
const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

// A linear map of checksums: what each of their bits becomes.
using Matrix = std::array<std::uint32_t, 32>;
std::uint32_t applied(const Matrix& matrix, std::uint32_t crc) {
  std::uint32_t sum = 0;
  for (std::size_t bit = 0; crc != 0; ++bit, crc >>= 1) sum ^= (crc & 1) != 0 ? matrix[bit] : 0;
  return sum;
}
Matrix squared(const Matrix& matrix) {
  Matrix square{};
  for (std::size_t bit = 0; bit < square.size(); ++bit) square[bit] = applied(matrix, matrix[bit]);
  return square;
}

// [i] is what 2^i zero bytes do.
const std::array<Matrix, 64>& zero_bytes() {
  static const std::array<Matrix, 64> all = [] {
    Matrix bit{};
    bit[0] = polynomial;
    for (std::size_t i = 1; i < bit.size(); ++i) bit[i] = std::uint32_t{1} << (i - 1);
    std::array<Matrix, 64> powers{squared(squared(squared(bit)))};
    for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = squared(powers[i - 1]);
    return powers;
  }();
  return all;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) {
#if defined(__x86_64__)
  if (has_instruction) return ~by_instruction(bytes.data(), bytes.size(), ~before);
#endif
  return ~by_tables(bytes.data(), bytes.size(), ~before);
}

// What as many zero bytes as the second stretch has make of the first checksum.
std::uint32_t crc32c_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) {
  for (std::size_t i = 0; second_bytes != 0; ++i, second_bytes >>= 1) {
    if ((second_bytes & 1) != 0) first = applied(zero_bytes()[i], first);
  }
  return first ^ second;
}

}  // namespace lowp
