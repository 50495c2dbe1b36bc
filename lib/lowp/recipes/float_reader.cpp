// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/float_reader.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "lowp/batch/batch.h"
#include "lowp/core/convert.h"
#include "lowp/tensor/checked.h"

namespace lowp::recipes {
namespace {

constexpr std::size_t at_once = 1 << 16;
constexpr Format fp32 = ieee_format(8, 23);

// Elements of one dtype, little-endian, as FP32.
void to_fp32(const Dtype& dtype, std::span<const std::byte> bytes, std::span<float> out) {
  const auto size = static_cast<std::size_t>(dtype.bytes);
  if (dtype.format == fp32) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t code = little_endian(bytes.subspan(i * size, size));
    out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(convert(dtype.format, fp32, Conversion{}, code)));
  }
}

}  // namespace

MatrixShape matrix_shape(std::string_view name, std::span<const std::uint64_t> shape) {
  std::uint64_t all = 1;
  for (const std::uint64_t axis : shape) all *= axis;
  if (all == 0) return {};
  if (shape.size() < 2) return {1, all};
  const bool activation = name.starts_with("act_grad/") || name.starts_with("act/");
  return activation ? MatrixShape{all / shape.back(), shape.back()} : MatrixShape{shape[0], all / shape[0]};
}

Result<FloatReader> FloatReader::open(const std::string& path, const TensorView& view) {
  FloatReader reader;
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

Result<Done> FloatReader::read(std::span<float> out) {
  assert(out.size() <= left_);
  const auto size = static_cast<std::size_t>(dtype_->bytes);
  while (!out.empty()) {
    const std::size_t now = std::min(out.size(), at_once);
    buffer_.resize(now * size);
    if (auto done = stream_->read(buffer_); !done) return done.error();
    to_fp32(*dtype_, buffer_, out.first(now));
    out = out.subspan(now);
    left_ -= now;
  }
  return Done{};
}

}  // namespace lowp::recipes
