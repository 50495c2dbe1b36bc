// SPDX-License-Identifier: Apache-2.0
// All 2^32 FP32 inputs through encode into FP16, against the processor's own conversion.
#include <doctest/doctest.h>

#include "subjects.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

namespace lowp::proof {
namespace {

constexpr Format fp32 = find_format("fp32").format;
constexpr Format fp16 = find_format("fp16").format;
constexpr std::uint32_t block = 1U << 22;

bool is_nan(std::uint32_t code) {
  return (code & 0x7fff) > 0x7c00;
}

// Wrong codes among inputs first, ..., first + block - 1. Two NaNs agree: hardware keeps payloads, encode does not.
template <Rounding mode, int immediate>
__attribute__((target("avx,f16c"))) std::uint64_t count_wrong(std::uint32_t first) {
  std::uint64_t wrong = 0;
  for (std::uint32_t offset = 0; offset < block; offset += 8) {
    std::uint32_t bits[8];
    for (std::uint32_t lane = 0; lane < 8; ++lane) bits[lane] = first + offset + lane;
    float values[8];
    std::memcpy(values, bits, sizeof bits);
    std::uint16_t hardware[8];
    const __m128i codes = _mm256_cvtps_ph(_mm256_loadu_ps(values), immediate);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(hardware), codes);
    for (std::uint32_t lane = 0; lane < 8; ++lane) {
      const auto ours = static_cast<std::uint32_t>(encode(fp16, mode, {}, decode(fp32, bits[lane])));
      wrong += ours != hardware[lane] && !(is_nan(ours) && is_nan(hardware[lane]));
    }
  }
  return wrong;
}

template <Rounding mode, int immediate>
std::uint64_t count_all_wrong() {
  std::atomic<std::uint64_t> wrong{0};
  on_two_threads((std::uint64_t{1} << 32) / block,
                 [&](std::size_t i) { wrong += count_wrong<mode, immediate>(static_cast<std::uint32_t>(i * block)); });
  return wrong;
}

TEST_CASE("FP16 by F16C hardware") {
  if (!__builtin_cpu_supports("f16c") || !__builtin_cpu_supports("avx")) {
    MESSAGE("skipped: this processor has no F16C");
    return;
  }
  CHECK(count_all_wrong<Rounding::nearest_even, _MM_FROUND_TO_NEAREST_INT>() == 0);
  CHECK(count_all_wrong<Rounding::toward_zero, _MM_FROUND_TO_ZERO>() == 0);
  CHECK(count_all_wrong<Rounding::toward_positive, _MM_FROUND_TO_POS_INF>() == 0);
  CHECK(count_all_wrong<Rounding::toward_negative, _MM_FROUND_TO_NEG_INF>() == 0);
}

}  // namespace
}  // namespace lowp::proof
#else
TEST_CASE("FP16 by F16C hardware") {
  MESSAGE("skipped: not an x86-64 processor");
}
#endif
