// SPDX-License-Identifier: Apache-2.0
// For 16-bit and 8-bit elements the histogram of codes is the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "lowp/core/dtype.h"

namespace lowp {

// Calls visit(code, count) for the elements of `bytes`, each one Code: once for each code that occurs, or, of few
// elements, once for each element. Two tables take turns, since equal neighbours would wait for each other.
template <class Code, class Visit>
void for_each_code_of(std::span<const std::byte> bytes, Visit visit) {
  constexpr std::size_t codes = std::size_t{1} << (8 * sizeof(Code));
  const std::size_t size = bytes.size() / sizeof(Code);
  const auto code_at = [&](std::size_t element) {
    Code code;
    std::memcpy(&code, bytes.data() + element * sizeof code, sizeof code);
    return code;
  };
  if (size < codes) {
    for (std::size_t i = 0; i < size; ++i) visit(std::uint64_t{code_at(i)}, std::uint64_t{1});
    return;
  }
  std::vector<std::uint64_t> even(codes), odd(codes);
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    ++even[code_at(i)];
    ++odd[code_at(i + 1)];
  }
  if (size % 2 != 0) ++even[code_at(size - 1)];
  for (std::size_t code = 0; code < codes; ++code) {
    if (const std::uint64_t count = even[code] + odd[code]; count != 0) visit(std::uint64_t{code}, count);
  }
}

// The same for elements of a dtype of one or two bytes, little-endian.
template <class Visit>
void for_each_code(const Dtype& dtype, std::span<const std::byte> bytes, Visit visit) {
  if (dtype.bytes == 1) return for_each_code_of<std::uint8_t>(bytes, visit);
  for_each_code_of<std::uint16_t>(bytes, visit);
}

}  // namespace lowp
