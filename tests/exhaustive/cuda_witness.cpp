// SPDX-License-Identifier: Apache-2.0
// The host paths of CUDA's conversion headers against the cuda_* profiles. No GPU is needed. Every 257th FP32 code and
// all FP16 and BF16 values; with LOWP_PROOF=all every FP32 code.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp4.h>
#include <cuda_fp6.h>
#include <cuda_fp8.h>
#include <doctest/doctest.h>

#include <bit>
#include <cstdlib>

#include "lowp/core/profiles.h"
#include "subjects.h"

namespace lowp::proof {
namespace {

constexpr Format fp32 = find_format("fp32").format;

struct Witness {
  const char* what;
  const char* format;
  const char* profile;  // empty: IEEE 754 rules
  Rounding rounding;
  std::uint32_t (*theirs)(float);
};

template <__nv_saturation_t saturation, __nv_fp8_interpretation_t kind>
std::uint32_t fp8(float x) {
  return __nv_cvt_float_to_fp8(x, saturation, kind);
}
template <__nv_fp6_interpretation_t kind, cudaRoundMode mode>
std::uint32_t fp6(float x) {
  return __nv_cvt_float_to_fp6(x, kind, mode);
}
template <cudaRoundMode mode>
std::uint32_t fp4(float x) {
  return __nv_cvt_float_to_fp4(x, __NV_E2M1, mode);
}
template <__nv_saturation_t saturation, cudaRoundMode mode>
std::uint32_t e8m0(float x) {
  return __nv_cvt_float_to_e8m0(x, saturation, mode);
}

constexpr Rounding near = Rounding::nearest_even;
constexpr Rounding zero = Rounding::toward_zero;
constexpr Rounding up = Rounding::toward_positive;
constexpr Rounding down = Rounding::toward_negative;

const Witness witnesses[] = {
    {"__float2half_rn", "fp16", "", near, [](float x) { return std::uint32_t{__half_raw(__float2half_rn(x)).x}; }},
    {"__float2half_rz", "fp16", "", zero, [](float x) { return std::uint32_t{__half_raw(__float2half_rz(x)).x}; }},
    {"__float2half_ru", "fp16", "", up, [](float x) { return std::uint32_t{__half_raw(__float2half_ru(x)).x}; }},
    {"__float2half_rd", "fp16", "", down, [](float x) { return std::uint32_t{__half_raw(__float2half_rd(x)).x}; }},
    {"__float2bfloat16_rn", "bf16", "", near,
     [](float x) { return std::uint32_t{__nv_bfloat16_raw(__float2bfloat16_rn(x)).x}; }},
    {"__float2bfloat16_rz", "bf16", "", zero,
     [](float x) { return std::uint32_t{__nv_bfloat16_raw(__float2bfloat16_rz(x)).x}; }},
    {"__float2bfloat16_ru", "bf16", "", up,
     [](float x) { return std::uint32_t{__nv_bfloat16_raw(__float2bfloat16_ru(x)).x}; }},
    {"__float2bfloat16_rd", "bf16", "", down,
     [](float x) { return std::uint32_t{__nv_bfloat16_raw(__float2bfloat16_rd(x)).x}; }},
    {"fp8 e4m3 NOSAT", "e4m3", "cuda_nosat", near, fp8<__NV_NOSAT, __NV_E4M3>},
    {"fp8 e4m3 SATFINITE", "e4m3", "cuda_satfinite", near, fp8<__NV_SATFINITE, __NV_E4M3>},
    {"fp8 e5m2 NOSAT", "e5m2", "cuda_nosat", near, fp8<__NV_NOSAT, __NV_E5M2>},
    {"fp8 e5m2 SATFINITE", "e5m2", "cuda_satfinite", near, fp8<__NV_SATFINITE, __NV_E5M2>},
    {"fp6 e2m3", "e2m3", "cuda_satfinite", near, fp6<__NV_E2M3, cudaRoundNearest>},
    {"fp6 e2m3 rz", "e2m3", "cuda_satfinite", zero, fp6<__NV_E2M3, cudaRoundZero>},
    {"fp6 e3m2", "e3m2", "cuda_satfinite", near, fp6<__NV_E3M2, cudaRoundNearest>},
    {"fp6 e3m2 rz", "e3m2", "cuda_satfinite", zero, fp6<__NV_E3M2, cudaRoundZero>},
    {"fp4 e2m1", "e2m1", "cuda_satfinite", near, fp4<cudaRoundNearest>},
    {"fp4 e2m1 rz", "e2m1", "cuda_satfinite", zero, fp4<cudaRoundZero>},
    {"e8m0 SATFINITE rp", "e8m0", "cuda_satfinite", up, e8m0<__NV_SATFINITE, cudaRoundPosInf>},
    {"e8m0 SATFINITE rz", "e8m0", "cuda_satfinite", zero, e8m0<__NV_SATFINITE, cudaRoundZero>},
    {"e8m0 NOSAT rp", "e8m0", "cuda_nosat", up, e8m0<__NV_NOSAT, cudaRoundPosInf>},
    {"e8m0 NOSAT rz", "e8m0", "cuda_nosat", zero, e8m0<__NV_NOSAT, cudaRoundZero>},
};

Tally compare(const Witness& w) {
  const Format format = find_format(w.format).format;
  Conversion how = *w.profile == '\0' ? Conversion{} : find_profile(w.profile)->conversion(format);
  how.rounding = w.rounding;
  Tally tally;
  const auto look = [&](std::uint32_t code) {
    const auto ours = static_cast<std::uint32_t>(convert(fp32, format, how, code));
    const std::uint32_t theirs = w.theirs(std::bit_cast<float>(code));
    const bool both_nan = decode(format, ours).kind == Kind::nan && decode(format, theirs).kind == Kind::nan;
    tally.count(both_nan ? theirs : ours, theirs, code, w.what);  // NaN payloads are not compared
  };
  const char* wish = std::getenv("LOWP_PROOF");
  const std::uint64_t step = wish != nullptr && std::string_view(wish) == "all" ? 1 : 257;
  for (std::uint64_t code = 0; code < std::uint64_t{1} << 32; code += step) look(static_cast<std::uint32_t>(code));
  for (const char* name : {"fp16", "bf16"}) {
    const Format source = find_format(name).format;
    for (std::uint64_t code = 0; code <= code_mask(source); ++code) {
      look(static_cast<std::uint32_t>(convert(source, fp32, {}, code)));
    }
  }
  return tally;
}

TEST_CASE("CUDA's host conversions") {
  std::vector<Tally> tallies(std::size(witnesses));
  on_two_threads(tallies.size(), [&](std::size_t i) { tallies[i] = compare(witnesses[i]); });
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    CAPTURE(std::string(witnesses[i].what));
    CAPTURE(tallies[i].first);
    CHECK(tallies[i].wrong == 0);
  }
}

}  // namespace
}  // namespace lowp::proof
