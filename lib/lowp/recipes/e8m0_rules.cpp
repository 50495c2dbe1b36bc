// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>

#include "lowp/recipes/scale_rules.h"
#include "lowp/recipes/sse_arithmetic.h"

namespace lowp::recipes {
namespace {

constexpr std::uint32_t nan_byte = 255, inf_byte = 254;
constexpr int bias = 127;
constexpr float least_normal = 0x1p-126f;

std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
std::uint32_t byte_of(int exponent) {
  return static_cast<std::uint32_t>(exponent + bias);
}
int in_range(int exponent) {
  return exponent < -bias ? -bias : exponent > bias ? bias : exponent;
}
int mantissa_bits(const Recipe& recipe) {
  return fraction_bits(recipe.element);
}
BlockScale not_a_number() {
  return {nan_byte, NAN};
}

// The exact definitions: floor(log2) of the magnitude, subnormals like every other number, and what it is rounded to.
using Grow = bool (*)(const Recipe&, double significand);
BlockScale exact(const Recipe& recipe, float largest, Grow grows) {
  if (!std::isfinite(largest)) return not_a_number();
  if (largest == 0) return {0, power_of_two(bias)};
  const int exponent = std::ilogb(largest);
  const bool up = grows(recipe, std::ldexp(static_cast<double>(largest), -exponent));
  const int scale = in_range(exponent + (up ? 1 : 0) - recipe.largest_exponent);
  return {byte_of(scale), power_of_two(-scale)};
}

// torchao: the exponent field of `bits`, and a divisor that is not below the smallest normal number.
BlockScale from_field(const Recipe& recipe, float largest, std::uint32_t bits, bool up) {
  const int field = static_cast<int>((bits >> 23) & 0xff) - bias + (up ? 1 : 0) - recipe.largest_exponent;
  const int clamped_field = field < -bias ? -bias : field > bias + 1 ? bias + 1 : field;
  const std::uint32_t byte = std::isnan(largest) ? nan_byte : byte_of(clamped_field);
  return {byte, std::max(std::bit_cast<float>(byte << 23), least_normal)};
}
// Half a unit of the element format added to the magnitude's bits, then everything but the exponent cut off.
std::uint32_t rounded_up_bits(float largest, int fraction) {
  return (bits_of(largest) + (1u << (22 - fraction))) & 0xff800000u;
}

// Ceiling of log2(largest / largest number), both operations rounded to FP32, from -127 up.
float ceil_log2_of_quotient(const Recipe& recipe, float largest) {
  return std::ceil(log2_fp32(largest / recipe.largest));
}

}  // namespace

BlockScale floor_exact(const Recipe& recipe, TensorScale, const Block& block) {
  return exact(recipe, block.largest, [](const Recipe&, double) { return false; });
}
BlockScale ceil_exact(const Recipe& recipe, TensorScale, const Block& block) {
  return exact(recipe, block.largest, [](const Recipe&, double significand) { return significand > 1; });
}
BlockScale even_exact(const Recipe& recipe, TensorScale, const Block& block) {
  return exact(recipe, block.largest, [](const Recipe& r, double significand) {
    return significand >= 2 - std::ldexp(1.0, -mantissa_bits(r) - 1);
  });
}
// The smallest scale under which the largest magnitude is at most the largest number.
BlockScale rceil_exact(const Recipe& recipe, TensorScale, const Block& block) {
  if (std::isnan(block.largest)) return not_a_number();
  if (std::isinf(block.largest)) return {inf_byte, power_of_two(-bias)};
  if (block.largest == 0) return {0, power_of_two(bias)};
  int scale = std::ilogb(block.largest) - recipe.largest_exponent;
  if (static_cast<double>(block.largest) > std::ldexp(static_cast<double>(recipe.largest), scale)) ++scale;
  scale = in_range(scale);
  return {byte_of(scale), power_of_two(-scale)};
}

BlockScale floor_torchao(const Recipe& recipe, TensorScale, const Block& block) {
  return from_field(recipe, block.largest, bits_of(block.largest), false);
}
BlockScale ceil_torchao(const Recipe& recipe, TensorScale, const Block& block) {
  const std::uint32_t bits = bits_of(block.largest);
  return from_field(recipe, block.largest, bits, (bits & 0x7fffff) != 0);
}
BlockScale even_torchao(const Recipe& recipe, TensorScale, const Block& block) {
  return from_field(recipe, block.largest, rounded_up_bits(block.largest, mantissa_bits(recipe)), false);
}
// Eager: a factor of 1 at byte 0.
BlockScale rceil_torchao(const Recipe& recipe, TensorScale, const Block& block) {
  const float quotient = block.largest / recipe.largest;
  if (std::isnan(quotient)) return {nan_byte, quotient};
  if (std::isinf(quotient)) return {inf_byte, power_of_two(-bias)};
  const int scale = static_cast<int>(clamped(ceil_log2_of_quotient(recipe, block.largest), -bias, bias));
  return {byte_of(scale), scale == -bias ? 1.0f : power_of_two(-scale)};
}

BlockScale floor_microxcaling(const Recipe& recipe, TensorScale, const Block& block) {
  const float largest = block.largest == 0 ? least_normal : block.largest;
  const float exponent = std::floor(log2_fp32(largest)) - static_cast<float>(recipe.largest_exponent);
  if (!(exponent <= bias)) return not_a_number();
  const int scale = exponent < -bias ? -bias : static_cast<int>(exponent);
  return {byte_of(scale), power_of_two(scale)};
}
// A NaN is an exception where the element format has none: the block has no scale either.
BlockScale floor_gfloat(const Recipe& recipe, TensorScale, const Block& block) {
  if (std::isnan(block.largest)) return {has_nan(recipe.element) ? nan_byte : 0xeeu, NAN};
  if (std::isinf(block.largest)) return {inf_byte, power_of_two(bias)};
  if (block.largest == 0) return {0, power_of_two(-bias)};
  const int scale = in_range(std::ilogb(block.largest) - recipe.largest_exponent);
  return {byte_of(scale), power_of_two(scale)};
}
// A block of zeros has the exponent of 2; Inf - Inf of the straight-through floor is NaN, whose byte is 0.
BlockScale floor_autoround(const Recipe& recipe, TensorScale, const Block& block) {
  if (!std::isfinite(block.largest)) return {0, NAN};
  const float exponent = block.largest == 0 ? 1.0f : std::floor(log2_fp32(block.largest));
  const int scale = in_range(static_cast<int>(exponent) - recipe.largest_exponent);
  return {byte_of(scale), power_of_two(scale)};
}

BlockScale even_quark(const Recipe& recipe, TensorScale, const Block& block) {
  if (std::isnan(block.largest)) return not_a_number();
  const float rounded =
      block.largest == 0 ? least_normal : std::bit_cast<float>(rounded_up_bits(block.largest, mantissa_bits(recipe)));
  const float exponent = std::floor(log2_fp32(rounded)) - static_cast<float>(recipe.largest_exponent);
  const int scale = static_cast<int>(clamped(exponent, -bias, bias));
  return {byte_of(scale), power_of_two(scale)};
}
// One threshold, E2M1's, for MXFP8 too; MXFP6 has its own. Beyond 2^127 the scale is Inf.
BlockScale even_compressed_tensors(const Recipe& recipe, TensorScale, const Block& block) {
  if (std::isnan(block.largest)) return {0, power_of_two(-bias)};
  const int fraction = recipe.element.width == 6 ? mantissa_bits(recipe) : 1;
  const float rounded = std::bit_cast<float>(rounded_up_bits(block.largest, fraction));
  const float byte =
      static_cast<float>(bias) + std::floor(log2_fp32(rounded)) - static_cast<float>(recipe.largest_exponent);
  const int scale = static_cast<int>(clamped(byte, 0, nan_byte)) - bias;
  return {byte_of(scale), power_of_two(scale)};
}

// float_to_e8m0 of the product with the rounded reciprocal, as cvt.rp.satfinite.
BlockScale rceil_te(const Recipe& recipe, TensorScale, const Block& block) {
  const float product = block.largest * (1.0f / recipe.largest);
  if (std::isnan(product)) return not_a_number();
  if (std::isinf(product)) return {inf_byte, power_of_two(-bias)};
  const std::uint32_t field = bits_of(product) >> 23, fraction = bits_of(product) & 0x7fffff;
  const bool up = fraction != 0 && field != inf_byte && !(field == 0 && fraction <= 0x400000);
  const std::uint32_t byte = field + (up ? 1 : 0);
  return {byte, power_of_two(bias - static_cast<int>(byte))};
}
BlockScale rceil_te_reference(const Recipe& recipe, TensorScale, const Block& block) {
  if (std::isnan(block.largest)) return not_a_number();
  const int scale = static_cast<int>(clamped(ceil_log2_of_quotient(recipe, block.largest), -bias, bias));
  return {byte_of(scale), 1.0f / power_of_two(scale)};
}
BlockScale rceil_modelopt_fp8(const Recipe& recipe, TensorScale, const Block& block) {
  const bool positive = block.largest / recipe.largest > 0;
  const int scale =
      positive ? static_cast<int>(clamped(ceil_log2_of_quotient(recipe, block.largest), -bias, bias)) : -bias;
  return {byte_of(scale), power_of_two(-scale)};
}
// No upper clamp: Inf and NaN exponents have byte 0.
BlockScale rceil_modelopt_fp4(const Recipe& recipe, TensorScale, const Block& block) {
  if (!std::isfinite(block.largest)) return {0, block.largest};
  const int scale = static_cast<int>(std::max(ceil_log2_of_quotient(recipe, block.largest), -127.0f));
  return {byte_of(scale), power_of_two(scale)};
}
// cast_to_e8m0_with_rounding_up; XLA multiplies by the reciprocal of a scalar, without subnormals. NaN carries into a
// ninth bit, which is cut off.
BlockScale rceil_jax(const Recipe& recipe, TensorScale, const Block& block) {
  const float product = xla_flushed(xla_flushed(block.largest) * (1.0f / recipe.largest));
  const std::uint32_t field = bits_of(product) >> 23;
  const bool up = (bits_of(product) & 0x7fffff) != 0 && field != inf_byte;
  const std::uint32_t byte = (field + (up ? 1 : 0)) & 0xff;
  return {byte, byte == 0 ? 0x1p-127f : std::bit_cast<float>(byte << 23)};
}
// Not clamped, so that the byte wraps; Inf and NaN become the smallest 32-bit integer.
BlockScale rceil_mlx(const Recipe& recipe, TensorScale, const Block& block) {
  if (!std::isfinite(block.largest)) return {128, 0};
  const float quotient = block.largest / recipe.largest;
  if (quotient == 0) return {bias, 1};
  int scale = std::ilogb(quotient);
  if (std::ldexp(1.0, scale) < static_cast<double>(quotient)) ++scale;
  return {byte_of(scale) & 0xff, power_of_two(scale)};
}
// log2 is the logarithm times the rounded 1/ln 2; scales below the root of the smallest normal number are 1. The scale
// is kept in FP32.
BlockScale qwix(const Recipe& recipe, TensorScale, const Block& block) {
  float scale = block.largest * (1.0f / recipe.largest);
  if (scale < 0x1p-63f) scale = 1;
  const auto logarithm = static_cast<float>(std::log(static_cast<double>(scale)));
  constexpr float one_over_ln2 = 1.44269504f;
  const float exponent = std::ceil(logarithm * one_over_ln2);
  const float power = std::isfinite(exponent) ? power_of_two(static_cast<int>(exponent)) : exponent;
  return {bits_of(power), power};
}

}  // namespace lowp::recipes
