// SPDX-License-Identifier: Apache-2.0
// Element types of stored tensors: a format and how a dump names it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lowp/core/formats.h"

namespace lowp {

// An element type that a dump can hold and that a pass can read. Where a kind of file has no name for it, it is empty.
struct Dtype {
  std::string_view name;           // as printed and as accepted by --dtype: "f32"
  std::string_view safetensors;    // in a safetensors header: "F32"
  std::string_view torch;          // "float32"; ml_dtypes says the same
  std::string_view torch_storage;  // the class of a typed storage: "FloatStorage"
  std::string_view numpy;          // a descriptor without its byte order: "f4"
  Format format;
  int bytes;   // of one element, little-endian
  int dlpack;  // DLDataTypeCode
};
inline constexpr std::array dtype_table{
    Dtype{"f64", "F64", "float64", "DoubleStorage", "f8", ieee_format(11, 52), 8, 2},
    Dtype{"f32", "F32", "float32", "FloatStorage", "f4", ieee_format(8, 23), 4, 2},
    Dtype{"f16", "F16", "float16", "HalfStorage", "f2", ieee_format(5, 10), 2, 2},
    Dtype{"bf16", "BF16", "bfloat16", "BFloat16Storage", "", ieee_format(8, 7), 2, 4},
    Dtype{"f8_e4m3", "F8_E4M3", "float8_e4m3fn", "", "", find_format("e4m3").format, 1, 10},
    Dtype{"f8_e5m2", "F8_E5M2", "float8_e5m2", "", "f1", find_format("e5m2").format, 1, 12},
};

// An element type that files hold and no pass reads: its names, its size, and why.
struct OtherDtype {
  std::string_view safetensors, torch, torch_storage;
  int bits;  // 0: not said by the name alone
  std::string_view why;
};
namespace detail {
inline constexpr std::string_view not_floating = "is not floating point";
inline constexpr std::string_view not_yet = "is not read yet";
inline constexpr std::string_view complex = "is complex";
inline constexpr std::string_view quantized = "is quantized";
}  // namespace detail
inline constexpr std::array other_dtypes{
    OtherDtype{"BOOL", "bool", "BoolStorage", 8, detail::not_floating},
    OtherDtype{"U8", "uint8", "ByteStorage", 8, detail::not_floating},
    OtherDtype{"I8", "int8", "CharStorage", 8, detail::not_floating},
    OtherDtype{"U16", "uint16", "", 16, detail::not_floating},
    OtherDtype{"I16", "int16", "ShortStorage", 16, detail::not_floating},
    OtherDtype{"U32", "uint32", "", 32, detail::not_floating},
    OtherDtype{"I32", "int32", "IntStorage", 32, detail::not_floating},
    OtherDtype{"U64", "uint64", "", 64, detail::not_floating},
    OtherDtype{"I64", "int64", "LongStorage", 64, detail::not_floating},
    OtherDtype{"", "complex32", "ComplexHalfStorage", 32, detail::complex},
    OtherDtype{"C64", "complex64", "ComplexFloatStorage", 64, detail::complex},
    OtherDtype{"", "complex128", "ComplexDoubleStorage", 128, detail::complex},
    OtherDtype{"F8_E4M3FNUZ", "float8_e4m3fnuz", "", 8, detail::not_yet},
    OtherDtype{"F8_E5M2FNUZ", "float8_e5m2fnuz", "", 8, detail::not_yet},
    OtherDtype{"F8_E8M0", "float8_e8m0fnu", "", 8, detail::not_yet},
    OtherDtype{"F6_E2M3", "", "", 6, detail::not_yet},
    OtherDtype{"F6_E3M2", "", "", 6, detail::not_yet},
    OtherDtype{"F4", "float4_e2m1fn_x2", "", 4, detail::not_yet},
    OtherDtype{"", "qint8", "QInt8Storage", 8, detail::quantized},
    OtherDtype{"", "quint8", "QUInt8Storage", 8, detail::quantized},
    OtherDtype{"", "qint32", "QInt32Storage", 32, detail::quantized},
    OtherDtype{"", "quint4x2", "QUInt4x2Storage", 8, detail::quantized},
    OtherDtype{"", "quint2x4", "QUInt2x4Storage", 8, detail::quantized},
};

// An element type of a file: one that is read, or another; neither for a name that no row has.
struct StoredDtype {
  const Dtype* read = nullptr;
  const OtherDtype* other = nullptr;

  explicit constexpr operator bool() const { return read != nullptr || other != nullptr; }
  constexpr int bits() const { return read != nullptr ? 8 * read->bytes : other->bits; }
  constexpr std::string_view torch() const { return read != nullptr ? read->torch : other->torch; }
  friend constexpr bool operator==(const StoredDtype&, const StoredDtype&) = default;
};
// By the name that one kind of file uses, exactly: stored_dtype(&Dtype::safetensors, &OtherDtype::safetensors, "I64").
constexpr StoredDtype stored_dtype(std::string_view Dtype::* read, std::string_view OtherDtype::* other,
                                   std::string_view name) {
  if (name.empty()) return {};
  for (const Dtype& row : dtype_table) {
    if (row.*read == name) return {&row, nullptr};
  }
  for (const OtherDtype& row : other_dtypes) {
    if (row.*other == name) return {nullptr, &row};
  }
  return {};
}

// By our name, that of safetensors or that of torch, any case; nullptr if unknown.
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
    if (same(dtype.name) || same(dtype.safetensors) || same(dtype.torch)) return &dtype;
  }
  return nullptr;
}

// More elements than any dump has, few enough that no 64-bit integer sum of the pass can overflow.
inline constexpr std::uint64_t max_elements = std::uint64_t{1} << 40;

}  // namespace lowp
