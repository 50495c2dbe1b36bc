// SPDX-License-Identifier: Apache-2.0
// THE TABLE of profiles: what named libraries and standards decide where a format alone does not say.
#pragma once

#include <array>
#include <string_view>

#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp {

// `conversion` gives the rules for a target format; the caller may override the rounding. Profiles named after the OFP8
// and FP8 casts apply their overflow rule to formats of at most 8 bits, wider ones follow IEEE 754. Rules a source
// leaves open are our choice and say so in `meaning`. Host only: names become values at the edge.
struct Profile {
  std::string_view name;
  Conversion (*conversion)(Format target);
  std::string_view meaning;
  std::string_view source;
};

inline constexpr Overflow ieee_overflow{false, false};
inline constexpr Overflow saturating{true, true};
inline constexpr Overflow saturating_finite{true, false};

constexpr Overflow if_narrow(Format target, Overflow rule) {
  return target.width <= 8 ? rule : ieee_overflow;
}
// E8M0 scales must not round a block's largest value out of range: up, where the library does so by default.
constexpr Rounding scale_up(Format target) {
  return target.has_zero ? Rounding::nearest_even : Rounding::toward_positive;
}
constexpr Conversion cuda(Format target, Overflow overflow) {
  return {.rounding = scale_up(target), .overflow = overflow, .negative = NegativeResult::magnitude};
}
// To E8M0 PyTorch and ml_dtypes round ties up, not to the even code.
constexpr Rounding ties_up_in_scales(Format target) {
  return target.has_zero ? Rounding::nearest_even : Rounding::nearest_away;
}
// FP32 subnormals as E8M0 sources are not modelled: there PyTorch can round up by a whole binade.
constexpr Conversion torch(Format target, Overflow overflow) {
  return {.rounding = ties_up_in_scales(target), .overflow = overflow, .negative = NegativeResult::magnitude};
}
constexpr bool is_e4m3fn(Format f) {
  return f == Format{8, 4, 7, false, NanRule::top_code};
}

inline constexpr std::array profile_table{
    Profile{"ocp_sat", [](Format f) { return Conversion{.overflow = if_narrow(f, saturating)}; },
            "overflow and Inf give the largest number; NaN in FP6 and FP4 is left open: here the largest number",
            "OCP OFP8 rev 1.0, SAT mode"},
    Profile{"ocp_nonsat", [](Format) { return Conversion{}; },
            "overflow and Inf give Inf in E5M2 and NaN in E4M3; FP6 and FP4 clamp", "OCP OFP8 rev 1.0, NONSAT mode"},
    Profile{"cuda_satfinite", [](Format f) { return cuda(f, if_narrow(f, saturating)); },
            "__NV_SATFINITE: overflow and Inf give the largest number; E8M0 takes the magnitude and rounds up",
            "CUDA 13.0 cuda_fp8.hpp, cuda_fp6.hpp, cuda_fp4.hpp"},
    Profile{"cuda_nosat", [](Format f) { return cuda(f, ieee_overflow); },
            "__NV_NOSAT: overflow gives Inf or NaN; E8M0 takes the magnitude and rounds up", "CUDA 13.0 cuda_fp8.hpp"},
    Profile{"ml_dtypes",
            [](Format f) {
              return Conversion{
                  .rounding = ties_up_in_scales(f), .nan = NanResult::negative_zero, .zero = ZeroResult::nan};
            },
            "never saturates; NaN becomes -0 in FP6 and FP4; in E8M0 ties go up, zero and below give NaN",
            "ml_dtypes 0.6.0 astype"},
    Profile{"torch_before_2_13", [](Format f) { return torch(f, ieee_overflow); },
            "never saturates: E4M3 overflows to NaN; E8M0 takes the magnitude, ties go up",
            "PyTorch Float8_e4m3fn.h, Float8_e8m0fnu.h before pull request 178817"},
    Profile{"torch_2_13", [](Format f) { return torch(f, is_e4m3fn(f) ? saturating : ieee_overflow); },
            "as before 2.13, but values beyond E4M3 give 448, Inf too; 2.15 does the same",
            "Float8_e4m3fn.h of PyTorch 2.13.0 and 2.15.0, pull request 178817"},
    Profile{"onnx_before_24",
            [](Format f) {
              const Overflow rule = f.nan == NanRule::negative_zero ? saturating_finite : saturating;
              return Conversion{.rounding = scale_up(f), .overflow = if_narrow(f, rule)};
            },
            "saturate = 1: overflow and Inf give the largest number, but Inf gives NaN in FNUZ formats; E8M0 rounds up",
            "ONNX Cast 19 to 23"},
    Profile{"onnx", [](Format f) { return Conversion{.rounding = scale_up(f), .overflow = if_narrow(f, saturating)}; },
            "saturate = 1: overflow and Inf give the largest number, in FNUZ formats too; E8M0 rounds up",
            "ONNX Cast 24 and 25, technical/float8.md"},
    Profile{"p3109_sat_finite",
            [](Format) { return Conversion{.overflow = saturating, .negative = NegativeResult::smallest}; },
            "everything beyond the range clamps to its end, Inf too; below zero gives 0 in unsigned formats",
            "P3109 v4.0 4.7.5, SatFinite"},
    Profile{"p3109_sat_propagate",
            [](Format) { return Conversion{.overflow = saturating_finite, .negative = NegativeResult::smallest}; },
            "finite values clamp, Inf stays Inf (NaN in finite formats)", "P3109 v4.0 4.7.5, SatPropagate"},
    Profile{"p3109_sat_none", [](Format) { return Conversion{}; },
            "overflow gives Inf, or the largest number where the rounding points that way; below zero NaN (our choice)",
            "P3109 v4.0 4.7.5, SatNone"},
    Profile{
        "te_nvfp4", [](Format) { return Conversion{.overflow = saturating}; },
        "elements clamp to 6, NaN gives 6; differs from torchao in the scale recipe, which is not part of a profile",
        "TransformerEngine NVFP4 quantization"},
    Profile{"torchao_nvfp4", [](Format) { return Conversion{.overflow = saturating}; },
            "elements clamp to 6 (NaN is left open: here 6); its scale recipe also floors scales at 2^-6",
            "torchao nvfp4_quantize"},
    Profile{"avx512_bf16", [](Format) { return Conversion{.subnormals = {true, true}}; },
            "VCVTNEPS2BF16: nearest even with flush-to-zero and denormals-are-zero, whatever MXCSR says",
            "Intel SDM, AVX512_BF16"},
};

// nullptr if there is none of that name.
constexpr const Profile* find_profile(std::string_view name) {
  for (const Profile& row : profile_table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace lowp
