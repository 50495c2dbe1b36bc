// SPDX-License-Identifier: Apache-2.0
// VCVTPS2PH of 512 bits and VCVTNEPS2BF16 of this processor. Every 61st FP32 code; with LOWP_PROOF=all every one.
#include <doctest/doctest.h>

#include <cstdlib>

#include "lowp/core/profiles.h"
#include "subjects.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

namespace lowp::proof {
namespace {

constexpr Format fp32 = find_format("fp32").format;
constexpr Format fp16 = find_format("fp16").format;
constexpr Format bf16 = find_format("bf16").format;

using Codes = std::uint16_t[16];
using Convert16 = void (*)(const float*, Codes&);

template <int immediate>
__attribute__((target("avx512f"))) void to_fp16(const float* x, Codes& codes) {
  const __m256i halves = _mm512_cvtps_ph(_mm512_loadu_ps(x), immediate | _MM_FROUND_NO_EXC);
  std::memcpy(codes, &halves, sizeof codes);
}
__attribute__((target("avx512f,avx512bf16"))) void to_bf16(const float* x, Codes& codes) {
  const __m256bh brains = _mm512_cvtneps_pbh(_mm512_loadu_ps(x));
  std::memcpy(codes, &brains, sizeof codes);
}

struct Count {
  Tally against_ours;
  std::uint64_t differs_from_ieee = 0;
};

Count compare(Format target, Conversion how, Convert16 theirs) {
  const char* wish = std::getenv("LOWP_PROOF");
  const std::uint64_t step = wish != nullptr && std::string_view(wish) == "all" ? 1 : 61;
  const Conversion ieee{.rounding = how.rounding};
  Count count;
  for (std::uint64_t first = 0; first + 15 * step < std::uint64_t{1} << 32; first += 16 * step) {
    std::uint32_t bits[16];
    for (std::uint32_t lane = 0; lane < 16; ++lane) bits[lane] = static_cast<std::uint32_t>(first + lane * step);
    float values[16];
    std::memcpy(values, bits, sizeof bits);
    Codes codes;
    theirs(values, codes);
    for (int lane = 0; lane < 16; ++lane) {
      const std::uint64_t ours = convert(fp32, target, how, bits[lane]);
      const bool both_nan = decode(target, ours).kind == Kind::nan && decode(target, codes[lane]).kind == Kind::nan;
      count.against_ours.count(both_nan ? codes[lane] : ours, codes[lane], bits[lane], "AVX-512");
      count.differs_from_ieee += !both_nan && convert(fp32, target, ieee, bits[lane]) != codes[lane];
    }
  }
  return count;
}

void expect_agreement(Format target, Conversion how, Convert16 theirs) {
  const Count count = compare(target, how, theirs);
  CAPTURE(count.against_ours.first);
  CHECK(count.against_ours.wrong == 0);
}

TEST_CASE("FP16 by AVX-512") {
  if (!__builtin_cpu_supports("avx512f")) {
    MESSAGE("skipped: this processor has no AVX-512");
    return;
  }
  expect_agreement(fp16, {.rounding = Rounding::nearest_even}, to_fp16<_MM_FROUND_TO_NEAREST_INT>);
  expect_agreement(fp16, {.rounding = Rounding::toward_zero}, to_fp16<_MM_FROUND_TO_ZERO>);
  expect_agreement(fp16, {.rounding = Rounding::toward_positive}, to_fp16<_MM_FROUND_TO_POS_INF>);
  expect_agreement(fp16, {.rounding = Rounding::toward_negative}, to_fp16<_MM_FROUND_TO_NEG_INF>);
}

TEST_CASE("BF16 by AVX512_BF16 follows its profile, not IEEE 754") {
  if (!__builtin_cpu_supports("avx512bf16")) {
    MESSAGE("skipped: this processor has no AVX512_BF16");
    return;
  }
  const Count count = compare(bf16, find_profile("avx512_bf16")->conversion(bf16), to_bf16);
  CAPTURE(count.against_ours.first);
  CHECK(count.against_ours.wrong == 0);
  MESSAGE(count.differs_from_ieee, " of ", count.against_ours.checked, " differ from IEEE 754");
  CHECK(count.differs_from_ieee > 0);  // subnormal sources become zero
}

}  // namespace
}  // namespace lowp::proof
#else
TEST_CASE("AVX-512") {
  MESSAGE("skipped: not an x86-64 processor");
}
#endif
