// SPDX-License-Identifier: Apache-2.0
// THE TABLE of tensor cores: how each instruction adds, how well that is known, and from where.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "lowp/core/format.h"

namespace lowp {

// What one step of an instruction does with its products and the accumulator.
enum class StepKind : std::uint8_t {
  fused,         // terms cut to a common exponent, added as integers, rounded once
  scaled_fused,  // as fused; every block of `scale_block` elements has a scale, whose exponent joins its products'
  scaled_group,  // exact dot products of 16, times their scales, are the terms of a fused sum
  exact,         // exact sum, rounded once to nearest even
  paired_flush,  // FP32 adds to nearest even in pairs, then the accumulator; subnormals read and written as zeros
  fma_chain,     // one IEEE fused multiply-add per product
  unstable,      // published descriptions disagree or were withdrawn: not emulated
};

// The rounding at the end of a step. "Truncated" overflows to Inf all the same, from 2^128 on.
enum class StepRounding : std::uint8_t {
  truncated_fp32,   // 24 significant bits
  truncated_e8m13,  // 14 significant bits, in an FP32 register
  nearest_fp16,
  nearest_fp32,
  nearest_fp64,
};

// How one instruction is made of steps.
enum class Composition : std::uint8_t {
  chain,       // steps of `products` elements, k ascending, the accumulator goes through all of them
  fp16_quads,  // FP8 converted to FP16; k mod 4 in {0,1}, then {2,3}, from 0; then added to the accumulator
};

// How well a row is known.
enum class Grade : std::uint8_t {
  recorded,      // A: published hardware results, none differs
  agreed,        // B: independent sources agree
  single,        // C: one source, itself checked on hardware
  inferred,      // D: general knowledge
  disagreement,  // sources contradict each other
};

struct TensorCore {
  std::string_view architecture;  // a name in architecture_table
  std::string_view path;          // mma (mma.sync, wmma), wgmma, tcgen05, mfma
  std::string_view inputs;  // names of format_table, space-separated; a and b may differ where they are all FP8 or less
  std::string_view accumulator;  // f32, f16 or f64
  StepKind kind;
  int products;       // L: of one step
  int instruction_k;  // of the widest instruction: what promotion intervals count
  int fraction_bits;  // F: kept below the largest exponent of a step
  StepRounding finish;
  int zero_exponent;  // e0: the exponent of a zero accumulator
  Grade grade;
  std::string_view source;
  std::string_view note = {};
  Composition composition = Composition::chain;
  std::string_view scale = {};  // format of the block scales
  int scale_block = 0;
};

struct Architecture {
  std::string_view name;
  std::string_view gpus;  // as recorded files may call them, lower case
  std::string_view capabilities;
};

inline constexpr std::array architecture_table{
    Architecture{"v100", "v100 v100s volta titanv", "sm_70"},
    Architecture{"t4", "t4 turing titanrtx rtx2060 rtx2070 rtx2080 rtx6000 rtx8000", "sm_75"},
    Architecture{"a100",
                 "a100 a100x a800 a30 a2 a10 a10g a16 a40 ampere rtx3050 rtx3060 rtx3070 rtx3080 rtx3090 rtxa2000 "
                 "rtxa4000 rtxa4500 rtxa5000 rtxa6000",
                 "sm_80 sm_86 sm_87"},
    Architecture{"ada",
                 "ada rtx1000 rtx2000ada rtx4000ada rtx5000ada rtx6000ada l4 l20 l40 l40s rtx4050 rtx4060 rtx4070 "
                 "rtx4080 rtx4090",
                 "sm_89"},
    Architecture{"h100", "h100 h200 h800 h20 gh200 hopper", "sm_90"},
    Architecture{"b200", "b200 b100 b300 gb200 gb300 blackwell", "sm_100 sm_103"},
    Architecture{"rtxblackwell",
                 "rtxpro4000blackwell rtxpro5000blackwell rtxpro6000blackwell rtxpro6000 rtx5050 rtx5060 "
                 "rtx5070 rtx5080 rtx5090",
                 "sm_120"},
    Architecture{"mi100", "mi100 cdna1", "gfx908"},
    Architecture{"mi200", "mi200 mi210 mi250 mi250x cdna2", "gfx90a"},
    Architecture{"mi300", "mi300 mi300x mi300a mi325x cdna3", "gfx940 gfx942"},
};

// Sources, as cited in the rows.
namespace source {
inline constexpr std::string_view vectors = "hardware results of Khattak and Mikaitis, ACM TACO 10.1145/3830409";
inline constexpr std::string_view mma_sim = "MMA-Sim, arXiv 2511.10909";
inline constexpr std::string_view deepseek = "DeepSeek-V3 arXiv 2412.19437; vectors for C = 0; GH200 record for C != 0";
inline constexpr std::string_view cutlass_1986 = "hardware results of Khattak and Mikaitis; NVIDIA/cutlass issue 1986";
inline constexpr std::string_view amd = "MMA-Sim; Khattak and Mikaitis";
inline constexpr std::string_view ada_fp8 =
    "hardware results of Khattak and Mikaitis; 616,077 of an RTX 4060 with C of any size, NaN and Inf (mmaemu 0.1.0)";
inline constexpr std::string_view sm_120 =
    "MMA-Sim; probes of an RTX 5070 Ti agree (mmaemu 0.1.0); Khattak and Mikaitis for RTX PRO 6000";
inline constexpr std::string_view deepgemm_176 = "MMA-Sim; DeepGEMM issue 176 measured F = 25";
}  // namespace source

// Open points, shown wherever a row is. D1: the exponent of a zero FP16 accumulator.
inline constexpr std::string_view d1 =
    "hardware to confirm (D1): e0 may be one higher; it matters only when C = 0 near 2^-24";
// Z1, Z2: zero signs. Recorded for FP8 on Ada, where all terms -0 give +0 and a negative accumulator cut away gives +0;
// E8M13's smallest step lies far above the smallest subnormal of FP32, so Z2 cannot arise there.
inline constexpr std::string_view open_zero_signs =
    "hardware to confirm: all terms -0 give +0 (Z1), a negative sum below the smallest subnormal gives -0 (Z2)";
bool has_open_zero_signs(const TensorCore& row);

inline constexpr int inert = -1000;  // e0 where no result can depend on it

// Rows that several architectures share but for a name.
constexpr TensorCore decomposed_fp8(std::string_view architecture, std::string_view accumulator, StepRounding finish,
                                    int zero_exponent) {
  return {architecture,
          "mma",
          "e4m3 e5m2",
          accumulator,
          StepKind::fused,
          16,
          32,
          25,
          finish,
          zero_exponent,
          accumulator == "f32" ? Grade::agreed : Grade::recorded,
          source::cutlass_1986,
          accumulator == "f32"
              ? "the compiler's FP16 decomposition: may change with the CUDA version; F is carried over "
                "from the FP16 rows, the recordings fit F = 25 and 30 alike"
              : "the compiler's FP16 decomposition: may change with the CUDA version",
          Composition::fp16_quads};
}
constexpr TensorCore scaled_products(std::string_view architecture, std::string_view path) {
  return {architecture,
          path,
          "e4m3 e5m2 e3m2 e2m3 e2m1",
          "f32",
          StepKind::scaled_fused,
          32,
          32,
          25,
          StepRounding::truncated_fp32,
          -133,
          Grade::single,
          source::mma_sim,
          {},
          Composition::chain,
          "e8m0",
          32};
}
constexpr TensorCore scaled_groups(std::string_view architecture, std::string_view path, std::string_view scale,
                                   int scale_block) {
  return {architecture,
          path,
          "e2m1",
          "f32",
          StepKind::scaled_group,
          64,
          64,
          35,
          StepRounding::truncated_fp32,
          -139,
          Grade::single,
          source::mma_sim,
          "users saw F between 34 and 37",
          Composition::chain,
          scale,
          scale_block};
}
constexpr TensorCore amd_chain(std::string_view architecture, std::string_view input, std::string_view accumulator,
                               StepRounding finish) {
  return {architecture, "mfma", input,         accumulator, StepKind::fma_chain, 1, 4, 0,
          finish,       inert,  Grade::agreed, source::amd};
}

inline constexpr std::array tensor_core_table{
    TensorCore{"v100", "mma", "fp16", "f32", StepKind::fused, 4, 4, 23, StepRounding::truncated_fp32, inert,
               Grade::recorded, source::vectors},
    TensorCore{"v100", "mma", "fp16", "f16", StepKind::fused, 4, 4, 23, StepRounding::nearest_fp16, -20,
               Grade::recorded, source::vectors, d1},
    TensorCore{"t4", "mma", "fp16", "f32", StepKind::fused, 8, 8, 24, StepRounding::truncated_fp32, inert,
               Grade::single, source::mma_sim},
    TensorCore{"t4", "mma", "fp16", "f16", StepKind::fused, 8, 8, 24, StepRounding::nearest_fp16, -21, Grade::single,
               source::mma_sim, d1},
    TensorCore{"a100", "mma", "fp16 bf16", "f32", StepKind::fused, 8, 16, 24, StepRounding::truncated_fp32, -132,
               Grade::recorded, source::vectors, "the order of the two steps of k16 is grade C"},
    TensorCore{"a100", "mma", "tf32", "f32", StepKind::fused, 4, 8, 24, StepRounding::truncated_fp32, -132,
               Grade::recorded, source::vectors},
    TensorCore{"a100", "mma", "fp16", "f16", StepKind::fused, 8, 16, 24, StepRounding::nearest_fp16, -21,
               Grade::recorded, source::vectors, d1},
    TensorCore{"a100", "mma", "fp64", "f64", StepKind::fma_chain, 1, 16, 0, StepRounding::nearest_fp64, inert,
               Grade::single, source::mma_sim},
    TensorCore{"ada", "mma", "fp16 bf16", "f32", StepKind::fused, 8, 16, 24, StepRounding::truncated_fp32, -132,
               Grade::recorded, source::vectors},
    TensorCore{"ada", "mma", "tf32", "f32", StepKind::fused, 4, 8, 24, StepRounding::truncated_fp32, -132,
               Grade::recorded, source::vectors},
    TensorCore{"ada", "mma", "fp16", "f16", StepKind::fused, 8, 16, 24, StepRounding::nearest_fp16, -21,
               Grade::recorded, source::vectors, d1},
    TensorCore{"ada", "mma", "e4m3 e5m2", "f32", StepKind::fused, 16, 32, 13, StepRounding::truncated_e8m13, inert,
               Grade::recorded, source::ada_fp8},
    TensorCore{"ada", "mma", "e4m3 e5m2", "f16", StepKind::fused, 16, 32, 13, StepRounding::nearest_fp16, -21,
               Grade::recorded, source::vectors, d1},
    TensorCore{"h100", "mma", "fp16 bf16", "f32", StepKind::fused, 16, 16, 25, StepRounding::truncated_fp32, -133,
               Grade::recorded, source::vectors},
    TensorCore{"h100", "mma", "tf32", "f32", StepKind::fused, 8, 8, 25, StepRounding::truncated_fp32, -133,
               Grade::recorded, source::vectors},
    TensorCore{"h100", "mma", "fp16", "f16", StepKind::fused, 16, 16, 25, StepRounding::nearest_fp16, -22,
               Grade::recorded, source::vectors, d1},
    decomposed_fp8("h100", "f32", StepRounding::truncated_fp32, -133),
    decomposed_fp8("h100", "f16", StepRounding::nearest_fp16, -22),
    TensorCore{"h100", "mma", "fp64", "f64", StepKind::fma_chain, 1, 16, 0, StepRounding::nearest_fp64, inert,
               Grade::single, source::mma_sim},
    TensorCore{"h100", "wgmma", "fp16 bf16", "f32", StepKind::fused, 16, 16, 25, StepRounding::truncated_fp32, -133,
               Grade::agreed, source::mma_sim},
    TensorCore{"h100", "wgmma", "tf32", "f32", StepKind::fused, 8, 8, 25, StepRounding::truncated_fp32, -133,
               Grade::agreed, source::mma_sim},
    TensorCore{"h100", "wgmma", "fp16", "f16", StepKind::fused, 16, 16, 25, StepRounding::nearest_fp16, -133,
               Grade::single, source::mma_sim, d1},
    TensorCore{"h100", "wgmma", "e4m3 e5m2", "f32", StepKind::fused, 32, 32, 13, StepRounding::truncated_e8m13, inert,
               Grade::recorded, source::deepseek,
               "recorded for C = 0; C != 0 from a log of an H100 PCIe (mmaemu 0.1.0)"},
    TensorCore{"h100", "wgmma", "e4m3 e5m2", "f16", StepKind::fused, 32, 32, 13, StepRounding::nearest_fp16, inert,
               Grade::single, source::mma_sim},
    TensorCore{"b200", "mma", "fp16 bf16", "f32", StepKind::fused, 16, 16, 25, StepRounding::truncated_fp32, -133,
               Grade::recorded, source::vectors},
    TensorCore{"b200", "mma", "tf32", "f32", StepKind::fused, 8, 8, 25, StepRounding::truncated_fp32, -133,
               Grade::recorded, source::vectors},
    TensorCore{"b200", "mma", "fp16", "f16", StepKind::fused, 16, 16, 25, StepRounding::nearest_fp16, -22,
               Grade::recorded, source::vectors, d1},
    decomposed_fp8("b200", "f32", StepRounding::truncated_fp32, -133),
    decomposed_fp8("b200", "f16", StepRounding::nearest_fp16, -22),
    TensorCore{"b200", "tcgen05", "fp16 bf16", "f32", StepKind::fused, 16, 16, 25, StepRounding::truncated_fp32, -133,
               Grade::single, source::mma_sim},
    TensorCore{"b200", "tcgen05", "tf32", "f32", StepKind::fused, 8, 8, 25, StepRounding::truncated_fp32, -133,
               Grade::single, source::mma_sim},
    TensorCore{"b200", "tcgen05", "fp16", "f16", StepKind::fused, 16, 16, 25, StepRounding::nearest_fp16, -133,
               Grade::single, source::mma_sim, d1},
    TensorCore{"b200", "tcgen05", "e4m3 e5m2 e3m2 e2m3 e2m1", "f32", StepKind::fused, 32, 32, 25,
               StepRounding::truncated_fp32, -133, Grade::agreed, source::deepgemm_176},
    TensorCore{"b200", "tcgen05", "e4m3 e5m2 e3m2 e2m3 e2m1", "f16", StepKind::fused, 32, 32, 25,
               StepRounding::nearest_fp16, -133, Grade::agreed, source::deepgemm_176},
    scaled_products("b200", "tcgen05.mxf8f6f4"),
    scaled_groups("b200", "tcgen05.mxf4", "e8m0", 32),
    scaled_groups("b200", "tcgen05.mxf4nvf4", "ue4m3", 16),
    TensorCore{"rtxblackwell", "mma", "e4m3 e5m2 e3m2 e2m3 e2m1", "f32", StepKind::fused, 32, 32, 25,
               StepRounding::truncated_fp32, -133, Grade::single, source::sm_120},
    TensorCore{"rtxblackwell", "mma", "e4m3 e5m2 e3m2 e2m3 e2m1", "f16", StepKind::fused, 32, 32, 25,
               StepRounding::nearest_fp16, -22, Grade::single, source::mma_sim, d1},
    scaled_products("rtxblackwell", "mma.mxf8f6f4"),
    scaled_groups("rtxblackwell", "mma.mxf4", "e8m0", 32),
    scaled_groups("rtxblackwell", "mma.mxf4nvf4", "ue4m3", 16),
    TensorCore{"mi100", "mfma", "fp16", "f32", StepKind::exact, 4, 16, 0, StepRounding::nearest_fp32, inert,
               Grade::agreed, source::amd},
    TensorCore{"mi100", "mfma", "bf16", "f32", StepKind::exact, 2, 8, 0, StepRounding::nearest_fp32, inert,
               Grade::agreed, source::amd},
    amd_chain("mi100", "fp32", "f32", StepRounding::nearest_fp32),
    TensorCore{"mi200", "mfma", "fp16 bf16", "f32", StepKind::paired_flush, 4, 16, 0, StepRounding::nearest_fp32, inert,
               Grade::agreed, "MMA-Sim; Khattak and Mikaitis; PyTorch numerical accuracy notes",
               "bf16 is the _1k instruction"},
    TensorCore{"mi200", "mfma.bf16", "bf16", "f32", StepKind::paired_flush, 2, 8, 0, StepRounding::nearest_fp32, inert,
               Grade::agreed, source::amd},
    amd_chain("mi200", "fp32", "f32", StepRounding::nearest_fp32),
    amd_chain("mi200", "fp64", "f64", StepRounding::nearest_fp64),
    amd_chain("mi300", "fp32", "f32", StepRounding::nearest_fp32),
    amd_chain("mi300", "fp64", "f64", StepRounding::nearest_fp64),
    TensorCore{"mi300", "mfma", "fp16 bf16 tf32 e4m3fnuz e5m2fnuz", "f32", StepKind::unstable, 8, 16, 24,
               StepRounding::nearest_fp32, inert, Grade::disagreement,
               "MMA-Sim, revised in 2026; Khattak and Mikaitis withdrew theirs", "unstable: not emulated"},
};

std::string_view grade_word(Grade grade);  // "recorded"
std::string_view grade_text(Grade grade);  // "A: recorded on hardware, none differs"
Format accumulator_format(const TensorCore& row);
bool is_narrow(std::string_view format);  // at most 8 bits: a and b may differ

// The row of an instruction; nullptr if there is none. `gpu` is an architecture, a GPU of it or a compute capability,
// in any case; `a` and `b` are names of format_table.
const TensorCore* find_tensor_core(std::string_view gpu, std::string_view path, std::string_view a, std::string_view b,
                                   std::string_view accumulator);
const Architecture* find_architecture(std::string_view gpu);

}  // namespace lowp
