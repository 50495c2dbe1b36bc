// SPDX-License-Identifier: Apache-2.0
// THE TABLE of number formats. One row adds a format to the command, the tests and the documentation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lowp/core/format.h"

namespace lowp {

// An IEEE 754-2019 3.4 style interchange format: Inf, NaNs on top, subnormals, -0, bias 2^(exponent_bits-1) - 1.
LOWP_HD constexpr Format ieee_format(int exponent_bits, int fraction_bits) {
  return Format{static_cast<std::int16_t>(1 + exponent_bits + fraction_bits),
                static_cast<std::int16_t>(fraction_bits + 1),
                static_cast<std::int16_t>((1 << (exponent_bits - 1)) - 1),
                true,
                NanRule::ieee};
}

struct NamedFormat {
  std::string_view name;
  std::string_view alias;  // the name in PyTorch or a standard; may be empty
  Format format;
  std::string_view source;
};

inline constexpr std::array format_table{
    NamedFormat{"fp32", "float32", ieee_format(8, 23), "IEEE 754-2019 binary32"},
    NamedFormat{"tf32", "tensorfloat32", ieee_format(8, 10), "NVIDIA A100 whitepaper; held in 32 bits, low 13 zero"},
    NamedFormat{"fp16", "float16", ieee_format(5, 10), "IEEE 754-2019 binary16"},
    NamedFormat{"bf16", "bfloat16", ieee_format(8, 7), "Intel BFLOAT16 Hardware Numerics Definition rev 1.0"},
    NamedFormat{"e4m3", "float8_e4m3fn", Format{8, 4, 7, false, NanRule::top_code}, "OCP OFP8 rev 1.0, E4M3"},
    NamedFormat{"e5m2", "float8_e5m2", ieee_format(5, 2), "OCP OFP8 rev 1.0, E5M2"},
};

// Proof that every row can be derived from.
constexpr bool all_rows_valid() {
  for (const NamedFormat& row : format_table) {
    if (!is_valid(row.format)) return false;
  }
  return true;
}
static_assert(all_rows_valid());

struct FormatLookup {
  bool found = false;
  Format format{};
};

// A row by name or alias, else "eXmY" with X exponent bits (2 to 11) and Y fraction bits (1 to 52), IEEE 754 style.
constexpr FormatLookup find_format(std::string_view name) {
  for (const NamedFormat& row : format_table) {
    if (name == row.name || (!row.alias.empty() && name == row.alias)) return {true, row.format};
  }
  const auto number = [&name](std::size_t& at) {
    int value = -1;
    for (; at < name.size() && name[at] >= '0' && name[at] <= '9' && value < 1000; ++at) {
      value = (value < 0 ? 0 : value) * 10 + (name[at] - '0');
    }
    return value;
  };
  std::size_t at = 0;
  if (name.empty() || name[at++] != 'e') return {};
  const int exponent_bits = number(at);
  if (at >= name.size() || name[at++] != 'm') return {};
  const int fraction_bits = number(at);
  if (at != name.size() || exponent_bits < 2 || exponent_bits > 11 || fraction_bits < 1 || fraction_bits > 52) return {};
  return {true, ieee_format(exponent_bits, fraction_bits)};
}

}  // namespace lowp
