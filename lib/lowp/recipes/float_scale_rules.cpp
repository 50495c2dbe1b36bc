// SPDX-License-Identifier: Apache-2.0
// FP8 with FP32 scales.
#include <bit>
#include <cmath>
#include <limits>

#include "lowp/recipes/scale_rules.h"
#include "lowp/recipes/sse_arithmetic.h"

namespace lowp::recipes {
namespace {

constexpr float fp32_largest = std::numeric_limits<float>::max();
constexpr double least_of_torchao = 1e-12;

// What elements are multiplied by; its reciprocal is stored.
BlockScale with_reciprocal(float multiplier) {
  return {std::bit_cast<std::uint32_t>(1.0f / multiplier), multiplier};
}

// compute_scale_from_amax of recipe_common.cuh.
float multiplier_te(const Recipe& recipe, float largest) {
  if (!std::isfinite(largest) || largest == 0) return 1;
  const float multiplier = recipe.largest / largest;
  return std::isinf(multiplier) ? fp32_largest : multiplier;
}
float multiplier_te_reference(const Recipe& recipe, float largest) {
  if (largest == 0) return 1;
  const float multiplier = recipe.largest / largest;
  return std::isinf(multiplier) ? fp32_largest : multiplier;
}
// amax_to_scale: a scalar over a tensor is the tensor's reciprocal times the scalar, here in FP64.
float multiplier_torchao(const Recipe& recipe, float largest) {
  const double wide = static_cast<double>(largest);
  const double divisor = wide < least_of_torchao ? least_of_torchao : wide;
  return static_cast<float>(1.0 / divisor * static_cast<double>(recipe.largest));
}

}  // namespace

BlockScale scale_one(const Recipe&, TensorScale, const Block&) {
  return with_reciprocal(1);
}
BlockScale int8_symmetric(const Recipe& recipe, TensorScale, const Block& block) {
  const float scale = block.largest == 0 ? 1 : block.largest / recipe.largest;
  return {std::bit_cast<std::uint32_t>(scale), scale};
}
BlockScale current_te(const Recipe& recipe, TensorScale, const Block& block) {
  return with_reciprocal(multiplier_te(recipe, block.largest));
}
BlockScale current_te_pow2(const Recipe& recipe, TensorScale, const Block& block) {
  const float multiplier = multiplier_te(recipe, block.largest);
  return with_reciprocal(std::bit_cast<float>(std::bit_cast<std::uint32_t>(multiplier) & 0xff800000u));
}
BlockScale current_te_reference(const Recipe& recipe, TensorScale, const Block& block) {
  return with_reciprocal(multiplier_te_reference(recipe, block.largest));
}
// frexp gives NaN the exponent 0.
BlockScale current_te_reference_pow2(const Recipe& recipe, TensorScale, const Block& block) {
  if (std::isnan(block.largest)) return with_reciprocal(0.5f);
  if (std::isinf(block.largest)) return with_reciprocal(0);
  return with_reciprocal(power_of_two(std::ilogb(multiplier_te_reference(recipe, block.largest))));
}
BlockScale current_torchao(const Recipe& recipe, TensorScale, const Block& block) {
  return with_reciprocal(multiplier_torchao(recipe, block.largest));
}
BlockScale current_torchao_pow2(const Recipe& recipe, TensorScale, const Block& block) {
  const float multiplier = multiplier_torchao(recipe, block.largest);
  return with_reciprocal(std::exp2(std::floor(log2_fp32(multiplier))));
}

}  // namespace lowp::recipes
