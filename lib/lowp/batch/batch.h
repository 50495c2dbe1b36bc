// SPDX-License-Identifier: Apache-2.0
// Whole arrays through core's conversions, at memory speed where a kernel exists. Bit for bit what core gives.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp {

// Where the stochastic modes take their bits from: element i of a span draws random_bits(seed, first_index + i, count)
// (core/counter_rng.h), so a span may be cut anywhere. `count` is 0 to 32; deterministic modes ignore all of it.
struct RandomSource {
  std::uint64_t seed = 0;
  std::uint64_t first_index = 0;
  int count = 16;
};

// out[i] = the FP32 value of encode(f, how, in[i]): rounded once, NaN is 0x7fc00000. A value beyond FP32 (formats with
// a wider range) is rounded to FP32 again, nearest even. `in` and `out` are equally long and the same memory or
// disjoint. Rounding mode, flush-to-zero and denormals-are-zero of the calling thread do not matter and are left as
// they were.
void round_batch(Format f, Conversion how, std::span<const float> in, std::span<float> out, RandomSource random = {});

// codes[i] = encode(f, how, in[i], ...), one code per word, its low `width` bits. The words must hold the format's
// width; spans are equally long and disjoint.
void encode_batch(Format f, Conversion how, std::span<const float> in, std::span<std::uint8_t> codes,
                  RandomSource random = {});
void encode_batch(Format f, Conversion how, std::span<const float> in, std::span<std::uint16_t> codes,
                  RandomSource random = {});
void encode_batch(Format f, Conversion how, std::span<const float> in, std::span<std::uint32_t> codes,
                  RandomSource random = {});

// out[i] = convert(f, fp32, {}, codes[i]): exact wherever FP32 has the value. Bits above the width are ignored, every
// code has an answer, NaN is 0x7fc00000, -0 stays.
void decode_batch(Format f, std::span<const std::uint8_t> codes, std::span<float> out);
void decode_batch(Format f, std::span<const std::uint16_t> codes, std::span<float> out);
void decode_batch(Format f, std::span<const std::uint32_t> codes, std::span<float> out);

// One instruction set this build has kernels for. `lanes` counts FP32 values per vector.
struct Implementation {
  std::string_view name;  // avx512, avx2, sse4, neon, scalar; core is the plain loop over lowp/core
  int lanes;
};
// Those that run on this machine, best first; core is always the last.
std::span<const Implementation> implementations();
// The one in use: the best, or the one the environment variable LOWP_FORCE_ISA names when first asked (a name that
// implementations() does not list changes nothing).
const Implementation& chosen_implementation();
// Another one from now on, for tests and benchmarks; false if implementations() has none of that name. Not for use
// while other threads convert.
bool choose_implementation(std::string_view name);

// How a conversion from FP32 is computed: by floating-point additions that round as the format does, by integers in
// vectors, or by the loop over core. A lesser path than the best one can be asked for, to compare them.
enum class Path : std::uint8_t { core, integer, magic_add };
Path best_path(Format f, Conversion how, int random_count = 16);
// What round_batch does, but on no better path than `limit`.
void round_batch_on(Path limit, Format f, Conversion how, std::span<const float> in, std::span<float> out,
                    RandomSource random = {});

}  // namespace lowp
