// SPDX-License-Identifier: Apache-2.0
// The last step of a recipe: FP32 quotients become codes.
#pragma once

#include <cstdint>
#include <span>

#include "lowp/recipes/recipe.h"

namespace lowp::recipes {

// Stands for a result that has no code in the element format, where a library returns values: Inf, NaN, or a value that
// was lost when it was multiplied back. As recorded results write it; in 8-bit formats it is also a code.
inline constexpr std::uint8_t no_code = 0xee;

// The code of one quotient, whatever it is. One byte, NaN of an 8-bit format is 0x7f.
std::uint8_t cast_one(Cast cast, const Recipe& recipe, float y, std::uint8_t random = 0);
// The same for many: through lowp::batch where all are finite. `codes` is as long as `y`; `random` too for
// te_stochastic, else empty.
void cast_all(Cast cast, const Recipe& recipe, std::span<const float> y, std::span<std::uint8_t> codes,
              std::span<const std::uint8_t> random = {});

// Whether the library gives back values, so that one is lost where multiplying back overflows.
bool returns_values(Cast cast);

// TE's FP4 stochastic rounding on processors without the instruction: |x| + step * random/256 rounded to FP32, then cut
// to E2M1; `random` is one byte. NaN gives +6. transformer_engine/common/util/ptx.cuh, sm_120.
std::uint8_t stochastic_e2m1(float x, std::uint8_t random);

}  // namespace lowp::recipes
