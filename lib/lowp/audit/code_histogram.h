// SPDX-License-Identifier: Apache-2.0
// For 16-bit and 8-bit elements the histogram of codes is the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "lowp/tensor/view.h"

namespace lowp {

// Calls visit(code, count) for the elements of `bytes` (at most 16 bits each, little-endian): once for each code that
// occurs, or, of few elements, once for each element.
template <class Visit>
void for_each_code(const Dtype& dtype, std::span<const std::byte> bytes, Visit visit) {
  const std::size_t step = static_cast<std::size_t>(dtype.bytes), codes = std::size_t{1} << dtype.format.width;
  const auto code_at = [&](std::size_t at) {
    std::uint16_t code = 0;
    std::memcpy(&code, bytes.data() + at, step);
    return code;
  };
  if (bytes.size() / step < codes) {
    for (std::size_t at = 0; at < bytes.size(); at += step) visit(std::uint64_t{code_at(at)}, std::uint64_t{1});
    return;
  }
  std::vector<std::uint64_t> histogram(codes);
  for (std::size_t at = 0; at < bytes.size(); at += step) ++histogram[code_at(at)];
  for (std::size_t code = 0; code < codes; ++code) {
    if (histogram[code] != 0) visit(std::uint64_t{code}, histogram[code]);
  }
}

}  // namespace lowp
