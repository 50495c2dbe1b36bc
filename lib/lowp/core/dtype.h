// SPDX-License-Identifier: Apache-2.0
// Element types of stored tensors: a format and how a dump names it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lowp/core/formats.h"

namespace lowp {

// An element type that a dump can hold and that a pass can read.
struct Dtype {
  std::string_view name;         // as printed and as accepted by --dtype: "f32"
  std::string_view safetensors;  // its name in a safetensors header: "F32"
  Format format;
  int bytes;  // of one element, little-endian
};
inline constexpr std::array dtype_table{
    Dtype{"f64", "F64", ieee_format(11, 52), 8},
    Dtype{"f32", "F32", ieee_format(8, 23), 4},
    Dtype{"f16", "F16", ieee_format(5, 10), 2},
    Dtype{"bf16", "BF16", ieee_format(8, 7), 2},
    Dtype{"f8_e4m3", "F8_E4M3", find_format("e4m3").format, 1},
    Dtype{"f8_e5m2", "F8_E5M2", find_format("e5m2").format, 1},
};

// By either name, any case; nullptr if unknown.
constexpr const Dtype* find_dtype(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const auto same = [&](std::string_view known) {
    if (known.size() != name.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
      if (lower(known[i]) != lower(name[i])) return false;
    }
    return true;
  };
  for (const Dtype& dtype : dtype_table) {
    if (same(dtype.name) || same(dtype.safetensors)) return &dtype;
  }
  return nullptr;
}

// More elements than any dump has, few enough that no 64-bit integer sum of the pass can overflow.
inline constexpr std::uint64_t max_elements = std::uint64_t{1} << 40;

}  // namespace lowp
