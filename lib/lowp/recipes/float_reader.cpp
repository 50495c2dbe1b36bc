// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/float_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/tensor/checked.h"

namespace lowp::recipes {
namespace {

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
  auto elements = ElementReader::open(path, view);
  if (!elements) return elements.error();
  return FloatReader(std::move(*elements));
}

Result<Done> FloatReader::read(std::span<float> out) {
  while (!out.empty()) {
    const std::size_t now = std::min(out.size(), ElementReader::at_once);
    auto bytes = elements_.read_bytes(now);
    if (!bytes) return bytes.error();
    to_fp32(elements_.dtype(), *bytes, out.first(now));
    out = out.subspan(now);
  }
  return Done{};
}

}  // namespace lowp::recipes
