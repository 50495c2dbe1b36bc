// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/element_reader.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "lowp/core/convert.h"
#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);
constexpr Format fp32 = ieee_format(8, 23);

}  // namespace

Result<ElementReader> ElementReader::open(const std::string& path, const TensorView& view) {
  ElementReader reader;
  reader.dtype_ = view.dtype;
  reader.left_ = view.elements;
  if (view.elements == 0) return reader;
  auto stream = view.in_row_major().stream(0);
  if (!stream) {
    Error error = stream.error();
    if (error.file.empty()) error.file = path;
    return error;
  }
  reader.stream_ = std::move(*stream);
  return reader;
}

Result<std::span<const std::byte>> ElementReader::read_bytes(std::size_t count) {
  assert(count <= left_ && count <= at_once);
  buffer_.resize(count * static_cast<std::size_t>(dtype_->bytes));
  if (auto done = stream_->read(buffer_); !done) return done.error();
  left_ -= count;
  return std::span<const std::byte>(buffer_);
}

Result<Done> ElementReader::read(std::span<std::uint64_t> codes) {
  assert(codes.size() <= left_);
  const auto size = static_cast<std::size_t>(dtype_->bytes);
  while (!codes.empty()) {
    const std::size_t now = std::min(codes.size(), at_once);
    auto bytes = read_bytes(now);
    if (!bytes) return bytes.error();
    for (std::size_t i = 0; i < now; ++i) codes[i] = little_endian(bytes->subspan(i * size, size));
    codes = codes.subspan(now);
  }
  return Done{};
}

double value_of(const Dtype& dtype, std::uint64_t code) {
  if (dtype.format == fp32) return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(code)));
  return std::bit_cast<double>(convert(dtype.format, fp64, Conversion{}, code));
}

}  // namespace lowp
