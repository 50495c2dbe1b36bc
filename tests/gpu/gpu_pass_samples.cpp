// SPDX-License-Identifier: Apache-2.0
#include "gpu_pass_samples.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "lowp/core/convert.h"

namespace lowp::proof {
namespace {

using Codes = std::vector<std::uint64_t>;

PassSample sample_of(std::string name, const char* dtype, const Codes& codes) {
  PassSample sample{std::move(name), find_dtype(dtype), {}};
  const auto step = static_cast<std::size_t>(sample.dtype->bytes);
  sample.bytes.resize(codes.size() * step);
  for (std::size_t i = 0; i < codes.size(); ++i) std::memcpy(sample.bytes.data() + i * step, &codes[i], step);
  return sample;
}

Codes random_codes(Format format, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Codes codes(count);
  for (std::uint64_t& code : codes) code = random() & code_mask(format);
  return codes;
}

// In every binade of both signs: its power of two, the number after it, its last number, and some between.
Codes every_binade(Format format) {
  std::mt19937_64 random(3);
  Codes codes;
  for (int e = quantum_exponent(format); e <= max_exponent(format); ++e) {
    const std::uint64_t first = encode(format, Rounding::nearest_even, {}, exact_finite(false, 1, e));
    const std::uint64_t after = e == max_exponent(format)
                                    ? inf_code(format)
                                    : encode(format, Rounding::nearest_even, {}, exact_finite(false, 1, e + 1));
    const std::uint64_t size = after - first;
    for (const std::uint64_t magnitude : {first, first + 1 % size, after - 1, first + random() % size}) {
      codes.push_back(magnitude);
      codes.push_back(magnitude | sign_bit(format));
    }
  }
  return codes;
}

Codes specials(Format format) {
  const std::uint64_t inf = inf_code(format), top = magnitude_mask(format);
  Codes codes;
  for (const std::uint64_t magnitude : {std::uint64_t{0}, inf, inf + 1, top}) {
    for (int i = 0; i < 5; ++i) codes.push_back(magnitude | (i % 2 == 0 ? 0 : sign_bit(format)));
  }
  return codes;
}

Codes subnormals(Format format, std::size_t count) {
  Codes codes = random_codes(format, count, 5);
  for (std::uint64_t& code : codes) code &= sign_bit(format) | low_bits(fraction_bits(format));
  return codes;
}

}  // namespace

PassSample gradient_sample(const char* dtype, std::size_t count, double center, double deviation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> spread(center, deviation);
  const Format format = find_dtype(dtype)->format;
  Codes codes(count);
  for (std::uint64_t& code : codes) {
    const double value = std::exp2(spread(random)) * ((random() & 1) != 0 ? 1 : -1);
    if (random() % 6 == 0) continue;
    code = encode(format, Rounding::nearest_even, Overflow{},
                  decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(value)));
  }
  return sample_of("gradients of deviation " + std::to_string(static_cast<int>(deviation)), dtype, codes);
}

std::vector<PassSample> pass_samples(const char* dtype) {
  const Format format = find_dtype(dtype)->format;
  const std::uint64_t code_of_pi = encode(format, Rounding::nearest_even, {}, exact_finite(false, 0x1921fb, -19));
  std::vector<PassSample> samples;
  const auto take = [&](const char* name, const Codes& codes) { samples.push_back(sample_of(name, dtype, codes)); };
  for (const std::size_t size : {0, 1, 2, 3, 7, 31, 1000, 100003}) {
    samples.push_back(sample_of("random bits, " + std::to_string(size), dtype, random_codes(format, size, size)));
  }
  samples.push_back(gradient_sample(dtype, 200001, -10, 2, 1));
  samples.push_back(gradient_sample(dtype, 200001, -20, 9, 2));
  take("every binade", every_binade(format));
  take("specials", specials(format));
  take("only Inf and NaN", {inf_code(format), inf_code(format) + 1});
  take("zeros of both signs", {0, sign_bit(format), 0});
  take("subnormals", subnormals(format, 50001));
  take("one value", Codes(std::size_t{1} << 20, code_of_pi));
  take("the largest tail", Codes(std::size_t{1} << 20, magnitude_mask(format) >> 1 | sign_bit(format)));
  take("one power of two", Codes(std::size_t{1} << 20, std::uint64_t{1} << (magnitude_bits(format) - 1)));
  Codes narrow = random_codes(format, 150000, 8);
  for (std::uint64_t& code : narrow) code &= ~low_bits(fraction_bits(format) * 2 / 3);
  take("from a narrower format", narrow);
  return samples;
}

}  // namespace lowp::proof
