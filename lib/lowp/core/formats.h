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
                static_cast<std::int16_t>(fraction_bits + 1), (1 << (exponent_bits - 1)) - 1, true, NanRule::ieee};
}

// P3109 v4.0 Binary{K,P}: K bits, precision P; unsigned formats have twice the bias and NaN on top instead of at -0.
LOWP_HD constexpr Format p3109_format(int bits, int precision, bool with_sign, bool extended) {
  return Format{static_cast<std::int16_t>(bits),
                static_cast<std::int16_t>(precision),
                1 << (bits - precision - (with_sign ? 1 : 0)),
                extended,
                with_sign ? NanRule::negative_zero : NanRule::top_code,
                with_sign ? SignRule::magnitude : SignRule::none};
}

struct NamedFormat {
  std::string_view name;
  std::string_view alias;  // the name in PyTorch, ml_dtypes or a standard; may be empty
  Format format;
  std::string_view source;
};

inline constexpr std::array format_table{
    NamedFormat{"fp64", "float64", ieee_format(11, 52), "IEEE 754-2019 binary64"},
    NamedFormat{"fp32", "float32", ieee_format(8, 23), "IEEE 754-2019 binary32"},
    NamedFormat{"tf32", "tensorfloat32", ieee_format(8, 10), "NVIDIA A100 whitepaper; held in 32 bits, low 13 zero"},
    NamedFormat{"fp16", "float16", ieee_format(5, 10), "IEEE 754-2019 binary16"},
    NamedFormat{"bf16", "bfloat16", ieee_format(8, 7), "Intel BFLOAT16 Hardware Numerics Definition rev 1.0"},
    NamedFormat{"e4m3", "float8_e4m3fn", {8, 4, 7, false, NanRule::top_code}, "OCP OFP8 rev 1.0, E4M3"},
    NamedFormat{"e5m2", "float8_e5m2", ieee_format(5, 2), "OCP OFP8 rev 1.0, E5M2"},
    NamedFormat{"e4m3fnuz", "float8_e4m3fnuz", {8, 4, 8, false, NanRule::negative_zero}, "arXiv 2206.02915"},
    NamedFormat{"e5m2fnuz", "float8_e5m2fnuz", {8, 3, 16, false, NanRule::negative_zero}, "arXiv 2206.02915"},
    NamedFormat{"e4m3b11fnuz", "float8_e4m3b11fnuz", {8, 4, 11, false, NanRule::negative_zero}, "ml_dtypes"},
    NamedFormat{"e4m3_ieee", "float8_e4m3", ieee_format(4, 3), "ml_dtypes float8_e4m3; IEEE 754 rules"},
    NamedFormat{"e3m4", "float8_e3m4", ieee_format(3, 4), "ml_dtypes float8_e3m4; IEEE 754 rules"},
    NamedFormat{"e3m2", "float6_e3m2fn", {6, 3, 3, false, NanRule::none}, "OCP MX v1.0, FP6"},
    NamedFormat{"e2m3", "float6_e2m3fn", {6, 4, 1, false, NanRule::none}, "OCP MX v1.0, FP6"},
    NamedFormat{"e2m1", "float4_e2m1fn", {4, 2, 1, false, NanRule::none}, "OCP MX v1.0, FP4"},
    NamedFormat{"e8m0", "float8_e8m0fnu", {8, 1, 127, false, NanRule::top_code, SignRule::none, false}, "OCP MX v1.0"},
    NamedFormat{
        "ue4m3", "", {7, 4, 7, false, NanRule::top_code, SignRule::none}, "NVIDIA PTX ISA; top bit of 8 unused"},
    NamedFormat{"mxint8", "", {8, 8, 0, false, NanRule::none, SignRule::complement}, "OCP MX v1.0, INT8"},
};

// The name of the row with this format; empty if none has it.
constexpr std::string_view format_name(Format format) {
  for (const NamedFormat& row : format_table) {
    if (row.format == format) return row.name;
  }
  return {};
}

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

// Reads a name from the left.
struct NameCursor {
  std::string_view rest;

  constexpr bool take(std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
  }
  // A decimal number of at most four digits without leading zeros; -1 if there is none.
  constexpr int number() {
    std::size_t digits = 0;
    int value = 0;
    for (; digits < rest.size() && digits < 4 && rest[digits] >= '0' && rest[digits] <= '9'; ++digits) {
      value = value * 10 + (rest[digits] - '0');
    }
    if (digits == 0 || (digits > 1 && rest[0] == '0')) return -1;
    rest.remove_prefix(digits);
    return value;
  }
};

constexpr FormatLookup found_if_valid(Format format) {
  return is_valid(format) ? FormatLookup{true, format} : FormatLookup{};
}

// binaryKpP{s,u}{e,f} or p3109:KpP{s,u}{e,f}: K bits (3 to 16), precision P, signed or unsigned, extended (Inf) or
// finite.
constexpr FormatLookup parse_p3109(NameCursor at) {
  if (!at.take("binary") && !at.take("p3109:")) return {};
  const int bits = at.number();
  if (!at.take("p")) return {};
  const int precision = at.number();
  const bool with_sign = at.take("s");
  if (!with_sign && !at.take("u")) return {};
  const bool extended = at.take("e");
  if ((!extended && !at.take("f")) || !at.rest.empty()) return {};
  if (bits < 3 || bits > 16 || precision < 1 || precision > bits - (with_sign ? 1 : 0)) return {};
  return found_if_valid(p3109_format(bits, precision, with_sign, extended));
}

// eXmY[bB][fn|fnuz|fin]: X exponent bits (1 to 11), Y fraction bits (0 to 52), signed, bias B. Without a suffix IEEE
// 754 rules (X >= 2, Y >= 1); fn: NaN is the top code, no Inf; fnuz: NaN is the code of -0, no Inf; fin: every code a
// number. The bias is 2^(X-1) - 1 unless given, for fnuz 2^(X-1).
constexpr FormatLookup parse_exmy(NameCursor at) {
  if (!at.take("e")) return {};
  const int exponent_bits = at.number();
  if (!at.take("m")) return {};
  const int fraction_bits = at.number();
  if (exponent_bits < 1 || exponent_bits > 11 || fraction_bits < 0 || fraction_bits > 52) return {};
  const bool biased = at.take("b");
  const int bias = biased ? at.number() : 0;
  const bool fnuz = at.take("fnuz");
  const bool fn = !fnuz && at.take("fn");
  const bool fin = !fnuz && !fn && at.take("fin");
  if (bias < 0 || !at.rest.empty()) return {};
  const bool ieee = !fnuz && !fn && !fin;
  if (ieee && (exponent_bits < 2 || fraction_bits < 1)) return {};
  Format format = ieee_format(exponent_bits, fraction_bits);
  format.has_inf = ieee;
  format.nan = fnuz ? NanRule::negative_zero : fn ? NanRule::top_code : fin ? NanRule::none : NanRule::ieee;
  format.bias = biased ? bias : format.bias + (fnuz ? 1 : 0);
  return found_if_valid(format);
}

// A row by name, by alias or by the alias without its "float8_" or the like; else a P3109 name; else the eXmY grammar.
// Rows win: "e4m3" is OCP's, "e2m1fn" has no NaN.
constexpr FormatLookup find_format(std::string_view name) {
  for (const NamedFormat& row : format_table) {
    const std::string_view bare = row.alias.substr(row.alias.find('_') + 1);  // npos + 1 = 0: the whole alias
    if (!name.empty() && (name == row.name || name == row.alias || name == bare)) return {true, row.format};
  }
  const FormatLookup p3109 = parse_p3109({name});
  return p3109.found ? p3109 : parse_exmy({name});
}

// Blocks of `size` elements that share one scale; `tensor_scale` adds one fp32 factor for the whole tensor.
struct BlockFormat {
  std::string_view name;
  std::string_view element;  // names of rows above
  std::string_view scale;
  int size;
  bool tensor_scale;
  std::string_view source;
};
inline constexpr std::array block_format_table{
    BlockFormat{"mxfp8_e4m3", "e4m3", "e8m0", 32, false, "OCP MX v1.0, MXFP8"},
    BlockFormat{"mxfp8_e5m2", "e5m2", "e8m0", 32, false, "OCP MX v1.0, MXFP8"},
    BlockFormat{"mxfp6_e3m2", "e3m2", "e8m0", 32, false, "OCP MX v1.0, MXFP6"},
    BlockFormat{"mxfp6_e2m3", "e2m3", "e8m0", 32, false, "OCP MX v1.0, MXFP6"},
    BlockFormat{"mxfp4", "e2m1", "e8m0", 32, false, "OCP MX v1.0, MXFP4"},
    BlockFormat{"mxint8", "mxint8", "e8m0", 32, false, "OCP MX v1.0, MXINT8"},
    BlockFormat{"nvfp4", "e2m1", "ue4m3", 16, true, "NVIDIA NVFP4"},
};
constexpr bool all_blocks_valid() {
  for (const BlockFormat& row : block_format_table) {
    if (!find_format(row.element).found || !find_format(row.scale).found) return false;
  }
  return true;
}
static_assert(all_blocks_valid());

}  // namespace lowp
