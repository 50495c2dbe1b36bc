// SPDX-License-Identifier: Apache-2.0
// Tensors that a pass must count, and what it means that two tables are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lowp/core/dtype.h"

namespace lowp::proof {

struct PassSample {
  std::string name;
  const Dtype* dtype;
  std::vector<std::byte> bytes;
};

// Random bits, gradients narrow and wide, data from a narrower format, zeros, subnormals, Inf and NaN, one value 2^20
// times, every binade of both signs, and sizes from 0 on. For "f32", "f16" and "bf16".
std::vector<PassSample> pass_samples(const char* dtype);

// Log-normal magnitudes, log2 with this center and deviation; a sixth of them zero.
PassSample gradient_sample(const char* dtype, std::size_t count, double center, double deviation, std::uint64_t seed);

}  // namespace lowp::proof
