// SPDX-License-Identifier: Apache-2.0
// Proof that core is device code: one kernel that calls every entry point. It is compiled, never run here.
#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"
#include "lowp/core/profiles.h"

static_assert(lowp::encode(lowp::ieee_format(5, 10), lowp::Rounding::nearest_even, {},
                           lowp::exact_finite(false, 1, 0)) == 0x3c00);

__global__ void every_operation(lowp::Format source, lowp::Format target, lowp::Conversion how, std::uint64_t seed,
                                const std::uint64_t* codes, std::uint64_t* results, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const lowp::RandomBits random = lowp::random_bits(seed, i, 32);
  const std::uint64_t a = codes[3 * i];
  const std::uint64_t b = codes[3 * i + 1];
  const std::uint64_t c = codes[3 * i + 2];
  std::uint64_t* out = results + 8 * i;
  out[0] = lowp::convert(source, target, how, a, random);
  out[1] = lowp::add(source, how, a, b, random);
  out[2] = lowp::sub(source, how, a, b, random);
  out[3] = lowp::mul(source, how, a, b, random);
  out[4] = lowp::div(source, how, a, b, random);
  out[5] = lowp::sqrt(source, how, a, random);
  out[6] = lowp::fma(source, how, a, b, c, random);
  out[7] = lowp::encode(target, how.rounding, how.overflow, lowp::decode(source, a), random);
}
