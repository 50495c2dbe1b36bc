// SPDX-License-Identifier: Apache-2.0
// How each implementation turns largest magnitudes into scales: pure functions, operation by operation.
#pragma once

#include "lowp/recipes/recipe.h"

namespace lowp::recipes {

// E8M0 from the largest magnitude, MX and alike.
BlockScale floor_exact(const Recipe&, TensorScale, const Block&);
BlockScale ceil_exact(const Recipe&, TensorScale, const Block&);
BlockScale even_exact(const Recipe&, TensorScale, const Block&);
BlockScale rceil_exact(const Recipe&, TensorScale, const Block&);
BlockScale floor_torchao(const Recipe&, TensorScale, const Block&);
BlockScale ceil_torchao(const Recipe&, TensorScale, const Block&);
BlockScale even_torchao(const Recipe&, TensorScale, const Block&);
BlockScale rceil_torchao(const Recipe&, TensorScale, const Block&);
BlockScale floor_microxcaling(const Recipe&, TensorScale, const Block&);
BlockScale floor_gfloat(const Recipe&, TensorScale, const Block&);
BlockScale floor_autoround(const Recipe&, TensorScale, const Block&);
BlockScale even_quark(const Recipe&, TensorScale, const Block&);
BlockScale even_compressed_tensors(const Recipe&, TensorScale, const Block&);
BlockScale rceil_te(const Recipe&, TensorScale, const Block&);
BlockScale rceil_te_reference(const Recipe&, TensorScale, const Block&);
BlockScale rceil_modelopt_fp8(const Recipe&, TensorScale, const Block&);
BlockScale rceil_modelopt_fp4(const Recipe&, TensorScale, const Block&);
BlockScale rceil_jax(const Recipe&, TensorScale, const Block&);
BlockScale rceil_mlx(const Recipe&, TensorScale, const Block&);
BlockScale qwix(const Recipe&, TensorScale, const Block&);

// FP32 scales of FP8.
BlockScale int8_symmetric(const Recipe&, TensorScale, const Block&);
BlockScale scale_one(const Recipe&, TensorScale, const Block&);
BlockScale current_te(const Recipe&, TensorScale, const Block&);
BlockScale current_te_pow2(const Recipe&, TensorScale, const Block&);
BlockScale current_te_reference(const Recipe&, TensorScale, const Block&);
BlockScale current_te_reference_pow2(const Recipe&, TensorScale, const Block&);
BlockScale current_torchao(const Recipe&, TensorScale, const Block&);
BlockScale current_torchao_pow2(const Recipe&, TensorScale, const Block&);

// E4M3 scales with an FP32 factor of the tensor.
TensorScale tensor_te(const Recipe&, float largest);
TensorScale tensor_te_reference(const Recipe&, float largest);
TensorScale tensor_4over6(const Recipe&, float largest);
TensorScale tensor_divided(const Recipe&, float largest);
TensorScale tensor_torchao(const Recipe&, float largest);
TensorScale tensor_compressed_tensors(const Recipe&, float largest);
TensorScale tensor_autoround(const Recipe&, float largest);
TensorScale tensor_jax(const Recipe&, float largest);
BlockScale nvfp4_te(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_te_reference(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_4over6_absolute(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_4over6_squared(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_torchao(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_torchao_one_level(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_modelopt(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_compressed_tensors(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_autoround(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_jax(const Recipe&, TensorScale, const Block&);
BlockScale nvfp4_mlx(const Recipe&, TensorScale, const Block&);

}  // namespace lowp::recipes
