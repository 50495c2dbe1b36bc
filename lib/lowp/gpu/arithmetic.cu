// SPDX-License-Identifier: Apache-2.0
// Every row of arithmetic_rows.inc as a kernel.
#include "lowp/gpu/cuda_device.cuh"

namespace lowp::gpu {
namespace {

// The shapes: how many operands, in which registers. The text of an instruction must be a literal, hence macros.
#define LOWP_two_b16(ptx)                                                                 \
  std::uint16_t d;                                                                        \
  asm(ptx " %0, %1, %2;" : "=h"(d) : "h"(std::uint16_t(in.a)), "h"(std::uint16_t(in.b))); \
  return d;
#define LOWP_three_b16(ptx)                                                            \
  std::uint16_t d;                                                                     \
  asm(ptx " %0, %1, %2, %3;"                                                           \
      : "=h"(d)                                                                        \
      : "h"(std::uint16_t(in.a)), "h"(std::uint16_t(in.b)), "h"(std::uint16_t(in.c))); \
  return d;
#define LOWP_two_f32(ptx)                                                                     \
  float d;                                                                                    \
  asm(ptx " %0, %1, %2;" : "=f"(d) : "f"(__uint_as_float(in.a)), "f"(__uint_as_float(in.b))); \
  return __float_as_uint(d);
#define LOWP_three_f32(ptx)                                                                  \
  float d;                                                                                   \
  asm(ptx " %0, %1, %2, %3;"                                                                 \
      : "=f"(d)                                                                              \
      : "f"(__uint_as_float(in.a)), "f"(__uint_as_float(in.b)), "f"(__uint_as_float(in.c))); \
  return __float_as_uint(d);

#define LOWP_JOIN(a, b) a##b
#define LOWP_NAME(line) LOWP_JOIN(Arithmetic_line_, line)
#define LOWP_ARITHMETIC(shape, ptx, format, operation, rounding, flags, architecture) \
  struct LOWP_NAME(__LINE__) {                                                        \
    template <int wanted>                                                             \
    static __device__ std::uint32_t run([[maybe_unused]] Inputs in) {                 \
      if constexpr (in_pass<wanted>) {                                                \
        LOWP_##shape(ptx)                                                             \
      } else {                                                                        \
        return 0;                                                                     \
      }                                                                               \
    }                                                                                 \
    static constexpr int wanted = architecture;                                       \
  };
#include "lowp/gpu/arithmetic_rows.inc"
#undef LOWP_ARITHMETIC

template <class Row>
__global__ void compute_codes(ScalarBatch batch) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < batch.count) batch.returned[i] = Row::template run<Row::wanted>({batch.a[i], batch.b[i], batch.c[i]});
}

template <class Row>
void launch(const ScalarBatch& batch) {
  compute_codes<Row><<<(batch.count + threads_per_block - 1) / threads_per_block, threads_per_block>>>(batch);
}

constexpr void (*launches[])(const ScalarBatch&) = {
#define LOWP_ARITHMETIC(shape, ptx, format, operation, rounding, flags, architecture) launch<LOWP_NAME(__LINE__)>,
#include "lowp/gpu/arithmetic_rows.inc"
#undef LOWP_ARITHMETIC
};

}  // namespace

void run_arithmetic(std::size_t row, const ScalarBatch& batch) {
  launches[row](batch);
  check(cudaGetLastError(), "arithmetic");
}

}  // namespace lowp::gpu
