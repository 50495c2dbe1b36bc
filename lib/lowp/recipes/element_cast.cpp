// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/element_cast.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "lowp/batch/batch.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::recipes {
namespace {

constexpr Format fp32 = find_format("fp32").format;
constexpr Format e2m1 = find_format("e2m1").format;
constexpr std::uint32_t magnitude_bits_fp32 = 0x7fffffff;
constexpr std::uint32_t inf_bits = 0x7f800000;
constexpr std::uint8_t nan_of_8_bits = 0x7f;

// What code a result of zero has: its sign; +0 if the quotient was zero; always +0; -0 if the quotient was zero.
enum class ZeroSign : std::uint8_t { kept, source_plus, plus, source_minus };

// How finite quotients are cast.
struct FiniteCast {
  Rounding rounding = Rounding::nearest_even;
  ZeroSign zeros = ZeroSign::kept;
  bool half_rounds_up = false;  // one ulp below half of the smallest number becomes that number
  float beyond = INFINITY;      // larger magnitudes take the slow way
};
FiniteCast finite_cast(Cast cast) {
  switch (cast) {
    case Cast::saturate:
    case Cast::torch:
    case Cast::torch_bits:
    case Cast::gfloat:
    case Cast::xla:
    case Cast::mlx_fp8: return {};
    case Cast::te_stochastic: return {.beyond = -1};
    case Cast::values:
    case Cast::values_nan8:
    case Cast::te_reference:
    case Cast::modelopt_nv: return {.zeros = ZeroSign::source_plus};
    case Cast::values_even: return {.zeros = ZeroSign::source_plus, .half_rounds_up = true};
    case Cast::values_away: return {Rounding::nearest_away, ZeroSign::source_plus, true};
    case Cast::values_plus: return {.zeros = ZeroSign::plus};
    case Cast::modelopt_mx: return {Rounding::nearest_to_zero, ZeroSign::source_minus};
    // Far above the largest number |y - number| no longer tells the numbers apart.
    case Cast::mlx_fp4: return {Rounding::nearest_to_zero, ZeroSign::plus, false, 0x1p20f};
  }
  return {};
}

Conversion conversion_of(Cast cast, const Recipe& recipe) {
  const bool to_inf = cast == Cast::torch && recipe.element.has_inf;
  return {.rounding = finite_cast(cast).rounding, .overflow = {!to_inf, !to_inf}};
}

// The code of an infinite quotient where it is not the largest number.
std::uint8_t cast_inf(const Recipe& recipe, float y) {
  if (!recipe.element.has_inf) return no_code;
  return static_cast<std::uint8_t>(encode_inf(recipe.element, std::signbit(y)));
}

std::uint8_t sign_code(const Recipe& recipe) {
  return static_cast<std::uint8_t>(sign_bit(recipe.element));
}

// FP32 half of the format's smallest number, less one ulp.
std::uint32_t below_half_quantum(const Recipe& recipe) {
  return std::bit_cast<std::uint32_t>(std::ldexp(1.0f, quantum_exponent(recipe.element) - 1)) - 1;
}

// The integer arithmetic of torchao's _f32_to_floatx_unpacked, followed for a NaN.
std::uint8_t bits_of_nan(const Recipe& recipe, std::uint32_t y) {
  const Format f = recipe.element;
  const int shift = 23 - fraction_bits(f);
  std::uint32_t magnitude = y & magnitude_bits_fp32;
  const std::uint32_t odd = (magnitude >> shift) & 1;
  magnitude += (static_cast<std::uint32_t>(f.bias - 127) << 23) + ((1u << (shift - 1)) - 1) + odd;
  const std::uint32_t sign = (y >> 31) != 0 ? sign_code(recipe) : 0u;
  return static_cast<std::uint8_t>((magnitude >> shift) | sign);
}

std::uint8_t nearest_of_mlx(float y) {
  constexpr float numbers[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
  std::size_t best = 0;
  for (std::size_t i = 1; i < std::size(numbers); ++i) {
    if (std::abs(y - numbers[i]) < std::abs(y - numbers[best])) best = i;
  }
  return static_cast<std::uint8_t>(best);
}

std::uint8_t cast_nan(Cast cast, const Recipe& recipe, std::uint32_t y) {
  const bool has_code = has_nan(recipe.element);
  const auto largest = static_cast<std::uint8_t>(max_finite_code(recipe.element));
  switch (cast) {
    case Cast::torch_bits: return bits_of_nan(recipe, y);
    case Cast::values:
    case Cast::values_even:
    case Cast::values_away:
    case Cast::values_plus:
    case Cast::gfloat: return has_code ? nan_of_8_bits : no_code;
    case Cast::values_nan8:
    case Cast::modelopt_mx:
    case Cast::xla: return has_code ? nan_of_8_bits : sign_code(recipe);
    case Cast::te_reference:
    case Cast::mlx_fp4: return 0;
    case Cast::mlx_fp8: return static_cast<std::uint8_t>(largest | ((y >> 31) != 0 ? sign_code(recipe) : 0u));
    case Cast::saturate:
    case Cast::torch:
    case Cast::te_stochastic:
    case Cast::modelopt_nv: return has_code ? nan_of_8_bits : largest;
  }
  return 0;
}

void fix_zeros(const FiniteCast& finite, const Recipe& recipe, std::span<const float> y,
               std::span<std::uint8_t> codes) {
  const std::uint8_t minus = sign_code(recipe);
  switch (finite.zeros) {
    case ZeroSign::kept: break;
    case ZeroSign::source_plus:
      for (std::size_t i = 0; i < y.size(); ++i) codes[i] = y[i] == 0 ? std::uint8_t{0} : codes[i];
      break;
    case ZeroSign::plus:
      for (std::size_t i = 0; i < y.size(); ++i) codes[i] = codes[i] == minus ? std::uint8_t{0} : codes[i];
      break;
    case ZeroSign::source_minus:
      for (std::size_t i = 0; i < y.size(); ++i) codes[i] = y[i] == 0 ? minus : codes[i];
      break;
  }
}

void fix_halves(const Recipe& recipe, std::span<const float> y, std::span<std::uint8_t> codes) {
  const std::uint32_t special = below_half_quantum(recipe);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const bool below_half = (std::bit_cast<std::uint32_t>(y[i]) & magnitude_bits_fp32) == special;
    codes[i] = below_half ? static_cast<std::uint8_t>(codes[i] | 1) : codes[i];
  }
}

std::uint32_t largest_magnitude_bits(std::span<const float> y) {
  std::uint32_t largest = 0;
  for (const float v : y) largest = std::max(largest, std::bit_cast<std::uint32_t>(v) & magnitude_bits_fp32);
  return largest;
}

}  // namespace

bool returns_values(Cast cast) {
  return cast == Cast::values_even || cast == Cast::values_away || cast == Cast::values_nan8;
}

std::uint8_t stochastic_e2m1(float x, std::uint8_t random) {
  const float magnitude = std::abs(x);
  const auto step = [](float at) { return at >= 4 ? 2.0f : at >= 2 ? 1.0f : 0.5f; };
  const float moved = std::fma(static_cast<float>(random) * 0x1p-8f, step(magnitude), magnitude);
  const float cut = std::floor(moved / step(moved)) * step(moved);
  const float value = !(cut < 6.0f) ? 6.0f : cut;
  const float result = std::isnan(x) ? value : std::copysign(value, x);
  return static_cast<std::uint8_t>(convert(fp32, e2m1, Conversion{}, std::bit_cast<std::uint32_t>(result)));
}

std::uint8_t cast_one(Cast cast, const Recipe& recipe, float y, std::uint8_t random) {
  if (std::isnan(y)) return cast_nan(cast, recipe, std::bit_cast<std::uint32_t>(y));
  if (cast == Cast::te_stochastic) return stochastic_e2m1(y, random);
  if (cast == Cast::mlx_fp4) return nearest_of_mlx(y);
  if (std::isinf(y)) {
    if (cast == Cast::values_even || cast == Cast::values_away || cast == Cast::values_plus) return cast_inf(recipe, y);
    if (cast == Cast::values_nan8) return 0;
  }
  const Conversion how = conversion_of(cast, recipe);
  std::uint8_t code = static_cast<std::uint8_t>(convert(fp32, recipe.element, how, std::bit_cast<std::uint32_t>(y)));
  const FiniteCast finite = finite_cast(cast);
  if (finite.half_rounds_up) fix_halves(recipe, {&y, 1}, {&code, 1});
  fix_zeros(finite, recipe, {&y, 1}, {&code, 1});
  return code;
}

void cast_all(Cast cast, const Recipe& recipe, std::span<const float> y, std::span<std::uint8_t> codes,
              std::span<const std::uint8_t> random) {
  assert(y.size() == codes.size());
  const FiniteCast finite = finite_cast(cast);
  const std::uint32_t largest = largest_magnitude_bits(y);
  if (largest >= inf_bits || std::bit_cast<float>(largest) > finite.beyond) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      codes[i] = cast_one(cast, recipe, y[i], random.empty() ? std::uint8_t{0} : random[i]);
    }
    return;
  }
  encode_batch(recipe.element, conversion_of(cast, recipe), y, codes);
  if (finite.half_rounds_up) fix_halves(recipe, y, codes);
  fix_zeros(finite, recipe, y, codes);
}

}  // namespace lowp::recipes
