// SPDX-License-Identifier: Apache-2.0
// NVFP4: one FP32 factor of the tensor, E4M3 scales of blocks.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/scale_rules.h"
#include "lowp/recipes/sse_arithmetic.h"

namespace lowp::recipes {
namespace {

constexpr Format fp32 = find_format("fp32").format, e4m3 = find_format("e4m3").format;
constexpr float fp32_largest = std::numeric_limits<float>::max(), least_normal = 0x1p-126f;
constexpr float e4m3_largest = 448, e2m1_largest = 6, both_largest = 2688;
constexpr float one_sixth = 1.0f / 6.0f;

// An E4M3 scale in its byte and as FP32 reads it; conversions in PyTorch keep a NaN's sign.
struct Scale {
  std::uint32_t byte;
  float value;
};
Scale e4m3_scale(float x) {
  if (std::isnan(x)) {
    const bool negative = std::signbit(x);
    return {negative ? 0xffu : 0x7fu, std::bit_cast<float>(negative ? 0xfff00000u : 0x7ff00000u)};
  }
  const Conversion saturating{.overflow = {true, true}};
  const std::uint64_t code = convert(fp32, e4m3, saturating, std::bit_cast<std::uint32_t>(x));
  return {static_cast<std::uint32_t>(code),
          std::bit_cast<float>(static_cast<std::uint32_t>(convert(e4m3, fp32, Conversion{}, code)))};
}
// The largest magnitude of a whole tensor with a NaN in it, as torch.max over all elements returns it.
float whole_maximum(float largest) {
  return std::isnan(largest) ? std::bit_cast<float>(0xffffffffu) : largest;
}
// min(x, FP32's largest) where NaN stays.
float finite_or_nan(float x) {
  return x > fp32_largest ? fp32_largest : x;
}
float zero_or_reciprocal(float x) {
  return x == 0 ? 0 : sse_divide(1, x);
}

}  // namespace

TensorScale tensor_te(const Recipe&, float largest) {
  const float encode = std::fmin(both_largest / largest, fp32_largest);
  if (largest == 0 || encode == 0) return {1, 1};
  return {encode, 1.0f / encode};
}
BlockScale nvfp4_te(const Recipe&, TensorScale tensor, const Block& block) {
  const Scale scale = e4m3_scale(std::fmin(block.largest * (tensor.encode * one_sixth), fp32_largest));
  return {scale.byte, std::fmin(1.0f / (scale.value * tensor.decode), fp32_largest)};
}

TensorScale tensor_te_reference(const Recipe&, float largest) {
  const float encode = finite_or_nan(both_largest / largest);
  return {encode == 0 ? 1 : encode, largest / both_largest};
}
BlockScale nvfp4_te_reference(const Recipe&, TensorScale tensor, const Block& block) {
  const float wanted = finite_or_nan(block.largest * (tensor.encode * one_sixth));
  const Scale scale = e4m3_scale(std::abs(clamped(wanted, -e4m3_largest, e4m3_largest)));
  return {scale.byte, finite_or_nan(1.0f / (scale.value * (1.0f / tensor.encode)))};
}

namespace {

constexpr float four_over_six_largest = 256 * e2m1_largest;

struct Candidate {
  Scale scale;
  float factor;
  float error = 0;
};
// cast_to_fp4x2 read back: the number nearest to y, ties to even codes, NaN to 0.
float nearest_e2m1(float y) {
  const float a = std::abs(y);
  const float number = 0.5f * static_cast<float>((a > 0.25f) + (a >= 0.75f) + (a > 1.25f) + (a >= 1.75f)) +
                       static_cast<float>((a > 2.5f) + (a >= 3.5f) + 2 * (a > 5));
  return std::copysign(number, y);
}
// The errors of the elements as the reference adds them, in FP32 and in order.
Candidate candidate(TensorScale tensor, const Block& block, float wanted, bool squared) {
  const Scale scale = e4m3_scale(std::abs(clamped(wanted, -e4m3_largest, e4m3_largest)));
  Candidate result{scale, finite_or_nan(1.0f / (scale.value * (1.0f / tensor.encode)))};
  std::array<float, 16> errors{};
  const std::size_t count = std::min(block.values.size(), errors.size());
  for (std::size_t i = 0; i < count; ++i) {
    const float x = block.values[i];
    const float value = nearest_e2m1(x * result.factor) * scale.value * tensor.largest / four_over_six_largest;
    const float difference = value - x;
    errors[i] = squared ? difference * difference : std::abs(difference);
  }
  for (std::size_t i = 0; i < count; ++i) result.error += errors[i];
  return result;
}
BlockScale four_over_six(TensorScale tensor, const Block& block, bool squared) {
  const float base = block.largest / e2m1_largest * tensor.encode;
  const Candidate to_four = candidate(tensor, block, base * 1.5f, squared);
  const Candidate to_six = candidate(tensor, block, base, squared);
  const Candidate& better = to_four.error < to_six.error ? to_four : to_six;
  return {better.scale.byte, better.factor};
}

}  // namespace

TensorScale tensor_4over6(const Recipe&, float largest) {
  const float encode = finite_or_nan(four_over_six_largest / largest);
  return {encode == 0 ? 1 : encode, largest / four_over_six_largest, largest};
}
BlockScale nvfp4_4over6_absolute(const Recipe&, TensorScale tensor, const Block& block) {
  return four_over_six(tensor, block, false);
}
BlockScale nvfp4_4over6_squared(const Recipe&, TensorScale tensor, const Block& block) {
  return four_over_six(tensor, block, true);
}

TensorScale tensor_divided(const Recipe&, float largest) {
  const float scale = largest / both_largest;
  return {scale, scale};
}
TensorScale tensor_torchao(const Recipe&, float largest) {
  const float scale = sse_divide(whole_maximum(largest), both_largest);
  return {scale, scale};
}
BlockScale nvfp4_torchao(const Recipe&, TensorScale tensor, const Block& block) {
  const float wanted = sse_divide(block.largest / e2m1_largest, tensor.encode);
  const Scale scale = e4m3_scale(clamped(wanted, 0x1p-6f, e4m3_largest));
  return {scale.byte, sse_divide(sse_divide(1, tensor.encode), scale.value)};
}
BlockScale nvfp4_torchao_one_level(const Recipe&, TensorScale, const Block& block) {
  const Scale scale = e4m3_scale(clamped(block.largest / e2m1_largest, 0x1p-6f, e4m3_largest));
  return {scale.byte, sse_divide(1, scale.value)};
}

BlockScale nvfp4_modelopt(const Recipe&, TensorScale tensor, const Block& block) {
  float wanted = sse_divide(block.largest, e2m1_largest * tensor.encode);
  if (wanted == 0) wanted = 1;
  const Scale scale = e4m3_scale(clamped(wanted, 0x1p-9f, e4m3_largest));
  return {scale.byte, sse_multiply(scale.value, tensor.encode)};
}

// generate_gparam: a scalar over a tensor is its reciprocal times the scalar.
TensorScale tensor_compressed_tensors(const Recipe&, float largest) {
  const float encode = 1.0f / std::max(largest, least_normal) * both_largest;
  if (!std::isfinite(encode) || std::isnan(largest)) return {1, 1};
  return {encode, 1.0f / encode};
}
BlockScale nvfp4_compressed_tensors(const Recipe&, TensorScale tensor, const Block& block) {
  const float wanted = sse_multiply(tensor.encode, block.largest / e2m1_largest);
  Scale scale = e4m3_scale(clamped(wanted, -e4m3_largest, e4m3_largest));
  if (scale.value == 0) scale = e4m3_scale(0.125f);
  return {scale.byte, sse_divide(scale.value, tensor.encode)};
}

TensorScale tensor_autoround(const Recipe&, float largest) {
  const float encode = sse_multiply(both_largest, zero_or_reciprocal(whole_maximum(largest)));
  return {encode, encode == 0 ? 1 : 1.0f / encode};
}
BlockScale nvfp4_autoround(const Recipe&, TensorScale tensor, const Block& block) {
  const float wanted = sse_multiply(tensor.encode, block.largest * one_sixth);
  const Scale scale = e4m3_scale(clamped(wanted, -e4m3_largest, e4m3_largest));
  return {scale.byte, zero_or_reciprocal(sse_multiply(scale.value, zero_or_reciprocal(tensor.encode)))};
}

// A reciprocal of Inf makes NaN of every zero in the block, padding included.
BlockScale nvfp4_jax(const Recipe&, TensorScale tensor, const Block& block) {
  const float reciprocal = xla_reciprocal(tensor.encode);
  float largest = xla_multiply(block.largest, reciprocal);
  if (std::isinf(reciprocal)) {
    bool any_zero = block.values.size() < 16;
    for (const float x : block.values) any_zero |= xla_flushed(x) == 0;
    if (any_zero) largest = NAN;
  }
  const float wanted = clamped(xla_multiply(largest, one_sixth), 0, e4m3_largest);
  const Scale scale = e4m3_scale(std::abs(wanted));
  return {scale.byte, scale.value};
}

BlockScale nvfp4_mlx(const Recipe&, TensorScale, const Block& block) {
  const float wanted = block.largest / e2m1_largest;
  const Scale scale = e4m3_scale(std::isnan(wanted) ? e4m3_largest : wanted);
  return {scale.byte, scale.value};
}

}  // namespace lowp::recipes
