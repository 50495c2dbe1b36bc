// SPDX-License-Identifier: Apache-2.0
// Every LOWP_MMA row of mma_rows.inc as a kernel: one warp per tile.
#include "lowp/gpu/cuda_device.cuh"
#include "lowp/gpu/fragments.h"

namespace lowp::gpu {
namespace {

constexpr int m = 16, n = 8, warp = 32;

// What a thread holds. D is C, updated.
struct Fragments {
  std::uint32_t a[4], b[2], c[4];
};

__device__ float f32(std::uint32_t bits) {
  return __uint_as_float(bits);
}

// The shapes: words of A, of B, and of the accumulator (f: FP32, h: pairs of FP16). The text of an instruction must be
// a literal, hence macros.
#define LOWP_WORDS_a2_b1_f4 2, 1, 4
#define LOWP_WORDS_a4_b2_f4 4, 2, 4
#define LOWP_WORDS_a2_b1_h2 2, 1, 2
#define LOWP_WORDS_a4_b2_h2 4, 2, 2
#define LOWP_a2_b1_f4(ptx)                                                                                    \
  float d0, d1, d2, d3;                                                                                       \
  asm volatile("mma.sync.aligned." ptx " {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"                \
               : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)                                                       \
               : "r"(x.a[0]), "r"(x.a[1]), "r"(x.b[0]), "f"(f32(x.c[0])), "f"(f32(x.c[1])), "f"(f32(x.c[2])), \
                 "f"(f32(x.c[3])));                                                                           \
  LOWP_KEEP_f4
#define LOWP_a4_b2_f4(ptx)                                                                                       \
  float d0, d1, d2, d3;                                                                                          \
  asm volatile("mma.sync.aligned." ptx " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"    \
               : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)                                                          \
               : "r"(x.a[0]), "r"(x.a[1]), "r"(x.a[2]), "r"(x.a[3]), "r"(x.b[0]), "r"(x.b[1]), "f"(f32(x.c[0])), \
                 "f"(f32(x.c[1])), "f"(f32(x.c[2])), "f"(f32(x.c[3])));                                          \
  LOWP_KEEP_f4
#define LOWP_KEEP_f4            \
  x.c[0] = __float_as_uint(d0); \
  x.c[1] = __float_as_uint(d1); \
  x.c[2] = __float_as_uint(d2); \
  x.c[3] = __float_as_uint(d3);
#define LOWP_a2_b1_h2(ptx)                                                         \
  std::uint32_t d0, d1;                                                            \
  asm volatile("mma.sync.aligned." ptx " {%0, %1}, {%2, %3}, {%4}, {%5, %6};"      \
               : "=r"(d0), "=r"(d1)                                                \
               : "r"(x.a[0]), "r"(x.a[1]), "r"(x.b[0]), "r"(x.c[0]), "r"(x.c[1])); \
  LOWP_KEEP_h2
#define LOWP_a4_b2_h2(ptx)                                                                                  \
  std::uint32_t d0, d1;                                                                                     \
  asm volatile("mma.sync.aligned." ptx " {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, {%8, %9};"                   \
               : "=r"(d0), "=r"(d1)                                                                         \
               : "r"(x.a[0]), "r"(x.a[1]), "r"(x.a[2]), "r"(x.a[3]), "r"(x.b[0]), "r"(x.b[1]), "r"(x.c[0]), \
                 "r"(x.c[1]));                                                                              \
  LOWP_KEEP_h2
#define LOWP_KEEP_h2 \
  x.c[0] = d0;       \
  x.c[1] = d1;

struct Words {
  int a, b, c;
};

#define LOWP_WGMMA(shape, ptx, k, a, b, accumulator)
#define LOWP_JOIN(a, b) a##b
#define LOWP_NAME(line) LOWP_JOIN(Mma_line_, line)
#define LOWP_MMA(shape, ptx, k_, a, b, accumulator, architecture) \
  struct LOWP_NAME(__LINE__) {                                    \
    template <int wanted>                                         \
    static __device__ void run([[maybe_unused]] Fragments& x) {   \
      if constexpr (in_pass<wanted>) {                            \
        LOWP_##shape(ptx)                                         \
      }                                                           \
    }                                                             \
    static constexpr int wanted = architecture, k = k_;           \
    static constexpr Words words{LOWP_WORDS_##shape};             \
  };
#include "lowp/gpu/mma_rows.inc"
#undef LOWP_MMA

template <class Row>
__global__ void multiply_tiles(TileArrays arrays) {
  constexpr Words words = Row::words;
  constexpr int per_word = m * Row::k / (warp * words.a), c_per_word = m * n / (warp * words.c);
  const int lane = static_cast<int>(threadIdx.x), stride = arrays.steps * Row::k;
  const std::size_t tile = blockIdx.x;
  const std::uint32_t* a = arrays.a + tile * m * stride;
  const std::uint32_t* b = arrays.b + tile * n * stride;
  Fragments x{};
  for (int w = 0; w < words.c; ++w) x.c[w] = gather_c(arrays.c + tile * m * n, lane, w, c_per_word);
#pragma unroll 1  // one copy in the machine code, whose text is provenance
  for (int step = 0; step < arrays.steps; ++step) {
    for (int w = 0; w < words.a; ++w) x.a[w] = gather_a(a + step * Row::k, stride, lane, w, per_word);
    for (int w = 0; w < words.b; ++w) x.b[w] = gather_b(b + step * Row::k, stride, lane, w, per_word);
    Row::template run<Row::wanted>(x);
  }
  for (int w = 0; w < words.c; ++w) scatter_d(arrays.d + tile * m * n, lane, w, c_per_word, x.c[w]);
}

template <class Row>
void launch(const TileArrays& arrays) {
  multiply_tiles<Row><<<static_cast<unsigned>(arrays.tiles), warp>>>(arrays);
}

struct Kernel {
  void (*launch)(const TileArrays&);
  const void* symbol;
};
const Kernel kernels[] = {
#define LOWP_MMA(shape, ptx, k, a, b, accumulator, architecture) \
  {launch<LOWP_NAME(__LINE__)>, reinterpret_cast<const void*>(&multiply_tiles<LOWP_NAME(__LINE__)>)},
#include "lowp/gpu/mma_rows.inc"
#undef LOWP_MMA
};

}  // namespace

void run_mma(std::size_t row, const TileArrays& arrays) {
  kernels[row].launch(arrays);
  finish("mma");
}
const void* mma_kernel(std::size_t row) {
  return kernels[row].symbol;
}

}  // namespace lowp::gpu
