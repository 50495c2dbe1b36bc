// SPDX-License-Identifier: Apache-2.0
// Every row of conversion_rows.inc as a kernel. An instruction takes one, two or four values; here each thread has two,
// so that both halves of packed operands are used.
#include "lowp/gpu/cuda_device.cuh"

namespace lowp::gpu {
namespace {

struct Pair {
  std::uint32_t first, second;
};

__device__ float f32(std::uint32_t code) {
  return __uint_as_float(code);
}
__device__ std::uint16_t low(std::uint32_t word) {
  return static_cast<std::uint16_t>(word);
}
__device__ Pair halves(std::uint32_t word, int bits) {
  return {word & ((1u << bits) - 1), word >> bits};
}

// The shapes. PTX packs its first operand into the upper half. `x` are the values, `random` bits for .rs; each is an
// expression of a Pair. The text of an instruction must be a literal, hence macros.
#define LOWP_f32_b16(ptx)                             \
  std::uint16_t d, e;                                 \
  asm(ptx " %0, %1;" : "=h"(d) : "f"(f32(x.first)));  \
  asm(ptx " %0, %1;" : "=h"(e) : "f"(f32(x.second))); \
  return {d, e};
#define LOWP_f32_tf32(ptx) /* the result is the upper 19 bits */ \
  std::uint32_t d, e;                                            \
  asm(ptx " %0, %1;" : "=r"(d) : "f"(f32(x.first)));             \
  asm(ptx " %0, %1;" : "=r"(e) : "f"(f32(x.second)));            \
  return {d >> 13, e >> 13};
#define LOWP_two_f32_b32(ptx)                                                \
  std::uint32_t d;                                                           \
  asm(ptx " %0, %1, %2;" : "=r"(d) : "f"(f32(x.second)), "f"(f32(x.first))); \
  return halves(d, 16);
#define LOWP_two_f32_b16(ptx)                                                \
  std::uint16_t d;                                                           \
  asm(ptx " %0, %1, %2;" : "=h"(d) : "f"(f32(x.second)), "f"(f32(x.first))); \
  return halves(d, 8);
#define LOWP_two_f32_b8(ptx)                                                                                     \
  std::uint32_t d;                                                                                               \
  asm("{ .reg .b8 t; " ptx " t, %1, %2; cvt.u32.u8 %0, t; }" : "=r"(d) : "f"(f32(x.second)), "f"(f32(x.first))); \
  return halves(d, 4);
#define LOWP_two_f32_random_b32(ptx)                                                                \
  std::uint32_t d;                                                                                  \
  asm(ptx " %0, %1, %2, %3;" : "=r"(d) : "f"(f32(x.second)), "f"(f32(x.first)), "r"(random.first)); \
  return halves(d, 16);
/* Of four values the pair takes the upper or the lower two places, by a random bit that the upper ones do not use. */
#define LOWP_four_f32_random(ptx, register, type, bits)                                             \
  type d;                                                                                           \
  const bool upper = (random.second & 1) != 0;                                                      \
  const Pair high = upper ? x : Pair{0, 0}, lower = upper ? Pair{0, 0} : x;                         \
  asm(ptx " %0, {%1, %2, %3, %4}, %5;"                                                              \
      : register(d)                                                                                 \
      : "f"(f32(high.second)), "f"(f32(high.first)), "f"(f32(lower.second)), "f"(f32(lower.first)), \
        "r"(random.first));                                                                         \
  return halves((upper ? d >> (2 * bits) : d) & ((1u << (2 * bits)) - 1), bits);
#define LOWP_four_f32_random_b32(ptx) LOWP_four_f32_random(ptx, "=r", std::uint32_t, 8)
#define LOWP_four_f32_random_b16(ptx) LOWP_four_f32_random(ptx, "=h", std::uint16_t, 4)
#define LOWP_b16_f32(ptx)                             \
  float d, e;                                         \
  asm(ptx " %0, %1;" : "=f"(d) : "h"(low(x.first)));  \
  asm(ptx " %0, %1;" : "=f"(e) : "h"(low(x.second))); \
  return {__float_as_uint(d), __float_as_uint(e)};
#define LOWP_b16_b16(ptx)                             \
  std::uint16_t d, e;                                 \
  asm(ptx " %0, %1;" : "=h"(d) : "h"(low(x.first)));  \
  asm(ptx " %0, %1;" : "=h"(e) : "h"(low(x.second))); \
  return {d, e};
#define LOWP_b32_b16(ptx)                                        \
  std::uint16_t d;                                               \
  asm(ptx " %0, %1;" : "=h"(d) : "r"(x.first | x.second << 16)); \
  return halves(d, 8);
#define LOWP_b32_b8(ptx)                                                                             \
  std::uint32_t d;                                                                                   \
  asm("{ .reg .b8 t; " ptx " t, %1; cvt.u32.u8 %0, t; }" : "=r"(d) : "r"(x.first | x.second << 16)); \
  return halves(d, 4);
#define LOWP_b16_b32(ptx)                                            \
  std::uint32_t d;                                                   \
  asm(ptx " %0, %1;" : "=r"(d) : "h"(low(x.first | x.second << 8))); \
  return halves(d, 16);
#define LOWP_b8_b32(ptx)                                                                            \
  std::uint32_t d;                                                                                  \
  asm("{ .reg .b8 t; cvt.u8.u32 t, %1; " ptx " %0, t; }" : "=r"(d) : "r"(x.first | x.second << 4)); \
  return halves(d, 16);

#define LOWP_JOIN(a, b) a##b
#define LOWP_NAME(line) LOWP_JOIN(Conversion_line_, line)
#define LOWP_CONVERSION(shape, ptx, source, target, rounding, overflow, relu, architecture) \
  struct LOWP_NAME(__LINE__) {                                                              \
    template <int wanted>                                                                   \
    static __device__ Pair run([[maybe_unused]] Pair x, [[maybe_unused]] Pair random) {     \
      if constexpr (in_pass<wanted>) {                                                      \
        LOWP_##shape(ptx)                                                                   \
      } else {                                                                              \
        return {};                                                                          \
      }                                                                                     \
    }                                                                                       \
    static constexpr int wanted = architecture;                                             \
  };
#include "lowp/gpu/conversion_rows.inc"
#undef LOWP_CONVERSION

template <class Row>
__global__ void convert_codes(ScalarBatch batch) {
  const std::uint32_t i = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= batch.count) return;
  const Pair result = Row::template run<Row::wanted>({batch.a[i], batch.a[i + 1]}, {batch.b[i], batch.b[i + 1]});
  batch.returned[i] = result.first;
  batch.returned[i + 1] = result.second;
}

template <class Row>
void launch(const ScalarBatch& batch) {
  convert_codes<Row><<<(batch.count / 2 + threads_per_block - 1) / threads_per_block, threads_per_block>>>(batch);
}

constexpr void (*launches[])(const ScalarBatch&) = {
#define LOWP_CONVERSION(shape, ptx, source, target, rounding, overflow, relu, architecture) launch<LOWP_NAME(__LINE__)>,
#include "lowp/gpu/conversion_rows.inc"
#undef LOWP_CONVERSION
};

}  // namespace

void run_conversion(std::size_t row, const ScalarBatch& batch) {
  launches[row](batch);
  check(cudaGetLastError(), "conversion");
}

}  // namespace lowp::gpu
