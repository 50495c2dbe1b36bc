// SPDX-License-Identifier: Apache-2.0
// Every LOWP_WGMMA row of mma_rows.inc as a kernel: one warpgroup per tile. sm_90a only.
#include "lowp/gpu/cuda_device.cuh"
#include "lowp/gpu/fragments.h"
#include "lowp/gpu/shared_matrix.h"

namespace lowp::gpu {
namespace {

constexpr int m = 64, n = 8, warp = 32, warpgroup = 128;

// What a thread holds, and where the matrices lie in shared memory. D is C, updated.
struct Fragments {
  std::uint32_t a[4], c[4];
  std::uint64_t a_descriptor, b_descriptor;
};

// The shapes: FP16 and BF16 operands may be transposed and say so in one or two more immediates; f4 are FP32
// accumulators, h2 pairs of FP16. `feed` picks the form at compile time, for signs are immediates too: scale-d is a
// predicate (0: the accumulator counts as zero), scale-a is 1 or -1. The text of an instruction must be a literal.
// Operands are numbered: accumulators, scale-d, scale-a, descriptor of B, A's registers, descriptor of A.
#define LOWP_ACCUMULATE(ptx, kind, a_operand, rest)                                                                   \
  asm volatile("{ .reg .pred p; setp.ne.s32 p, " LOWP_SCALE_D_##kind                                                  \
               ", 0; wgmma.mma_async.sync.aligned." ptx " " LOWP_D_##kind ", " a_operand ", " LOWP_B_##kind           \
               ", p, " LOWP_SCALE_A_##kind ", 1" rest "; }"                                                           \
               : LOWP_OUT_##kind                                                                                      \
               : "r"(feed == Feed::scale_d_zero ? 0 : 1), "n"(feed == Feed::negated_a ? -1 : 1), "l"(x.b_descriptor), \
                 "r"(x.a[0]), "r"(x.a[1]), "r"(x.a[2]), "r"(x.a[3]), "l"(x.a_descriptor));
#define LOWP_A_OR_DESCRIPTOR(ptx, kind, rest_shared, rest_registers)    \
  if constexpr (feed == Feed::a_from_registers) {                       \
    LOWP_ACCUMULATE(ptx, kind, LOWP_A_REGISTERS_##kind, rest_registers) \
  } else {                                                              \
    LOWP_ACCUMULATE(ptx, kind, LOWP_A_DESCRIPTOR_##kind, rest_shared)   \
  }
#define LOWP_D_f4 "{%0, %1, %2, %3}"
#define LOWP_SCALE_D_f4 "%4"
#define LOWP_SCALE_A_f4 "%5"
#define LOWP_B_f4 "%6"
#define LOWP_A_REGISTERS_f4 "{%7, %8, %9, %10}"
#define LOWP_A_DESCRIPTOR_f4 "%11"
#define LOWP_D_h2 "{%0, %1}"
#define LOWP_SCALE_D_h2 "%2"
#define LOWP_SCALE_A_h2 "%3"
#define LOWP_B_h2 "%4"
#define LOWP_A_REGISTERS_h2 "{%5, %6, %7, %8}"
#define LOWP_A_DESCRIPTOR_h2 "%9"
#define LOWP_OUT_f4 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define LOWP_OUT_h2 "+r"(x.c[0]), "+r"(x.c[1])
#define LOWP_f4(ptx, rest_shared, rest_registers)                             \
  float d[4];                                                                 \
  for (int i = 0; i < 4; ++i) d[i] = __uint_as_float(x.c[i]);                 \
  LOWP_FENCED(LOWP_A_OR_DESCRIPTOR(ptx, f4, rest_shared, rest_registers), f4) \
  for (int i = 0; i < 4; ++i) x.c[i] = __float_as_uint(d[i]);
#define LOWP_h2(ptx, rest_shared, rest_registers) \
  LOWP_FENCED(LOWP_A_OR_DESCRIPTOR(ptx, h2, rest_shared, rest_registers), h2)
// Before: registers are ready for the asynchronous unit. After: it is done with them, and the compiler knows that the
// accumulators changed in between, and that A's registers had to stay as they were.
#define LOWP_KEEP_A                                                                      \
  if constexpr (feed == Feed::a_from_registers) {                                        \
    asm volatile("" : "+r"(x.a[0]), "+r"(x.a[1]), "+r"(x.a[2]), "+r"(x.a[3])::"memory"); \
  }
#define LOWP_FENCED(body, constraint)                                                 \
  LOWP_KEEP_A                                                                         \
  asm volatile("wgmma.fence.sync.aligned;" : LOWP_OUT_##constraint::"memory");        \
  body;                                                                               \
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");                      \
  asm volatile("wgmma.wait_group.sync.aligned 0;" : LOWP_OUT_##constraint::"memory"); \
  LOWP_KEEP_A
#define LOWP_transposable_f4(ptx) LOWP_f4(ptx, ", 0, 0", ", 0")
#define LOWP_transposable_h2(ptx) LOWP_h2(ptx, ", 0, 0", ", 0")
#define LOWP_k_major_f4(ptx) LOWP_f4(ptx, "", "")
#define LOWP_k_major_h2(ptx) LOWP_h2(ptx, "", "")
#define LOWP_C_WORDS_transposable_f4 4
#define LOWP_C_WORDS_k_major_f4 4
#define LOWP_C_WORDS_transposable_h2 2
#define LOWP_C_WORDS_k_major_h2 2

#define LOWP_MMA(shape, ptx, k, a, b, accumulator, architecture)
#define LOWP_JOIN(a, b) a##b
#define LOWP_NAME(line) LOWP_JOIN(Wgmma_line_, line)
#define LOWP_WGMMA(shape, ptx, k_, a, b, accumulator)            \
  struct LOWP_NAME(__LINE__) {                                   \
    template <int wanted, Feed feed>                             \
    static __device__ void run([[maybe_unused]] Fragments& x) {  \
      if constexpr (in_pass<wanted>) {                           \
        LOWP_##shape(ptx)                                        \
      }                                                          \
    }                                                            \
    static constexpr int k = k_, c_words = LOWP_C_WORDS_##shape; \
  };
#include "lowp/gpu/mma_rows.inc"
#undef LOWP_WGMMA

// Packs `rows` rows of k codes into shared memory, word by word.
template <int rows, int k>
__device__ void store_matrix(char* shared, const std::uint32_t* codes, int stride) {
  constexpr int per_word = k / 8;  // a row is eight words: 32 bytes
  for (int i = static_cast<int>(threadIdx.x); i < rows * 8; i += warpgroup) {
    const int row = i / 8, word = i % 8;
    std::uint32_t bits = 0;
    for (int e = 0; e < per_word; ++e) bits |= packed(codes[row * stride + word * per_word + e], e, per_word);
    *reinterpret_cast<std::uint32_t*>(shared + shared_offset(row, 4 * word)) = bits;
  }
}

template <class Row, Feed feed>
__global__ void multiply_tiles_by_warpgroup(TileArrays arrays) {
  constexpr int k = Row::k, per_word = k / 8, c_per_word = 4 / Row::c_words;
  __shared__ alignas(128) char a_shared[m * instruction_k_bytes];
  __shared__ alignas(128) char b_shared[n * instruction_k_bytes];
  const int thread = static_cast<int>(threadIdx.x), lane = thread % warp, first_row = thread / warp * 16;
  const int stride = arrays.steps * k;
  const std::size_t tile = blockIdx.x;
  const std::uint32_t* a = arrays.a + tile * m * stride;
  const std::uint32_t* b = arrays.b + tile * n * stride;
  Fragments x{};
  x.a_descriptor = shared_descriptor(static_cast<std::uint32_t>(__cvta_generic_to_shared(a_shared)));
  x.b_descriptor = shared_descriptor(static_cast<std::uint32_t>(__cvta_generic_to_shared(b_shared)));
  for (int w = 0; w < Row::c_words; ++w) {
    x.c[w] = gather_c(arrays.c + (tile * m + first_row) * n, lane, w, c_per_word);
  }
#pragma unroll 1  // one copy in the machine code, whose text is provenance
  for (int step = 0; step < arrays.steps; ++step) {
    store_matrix<m, k>(a_shared, a + step * k, stride);
    store_matrix<n, k>(b_shared, b + step * k, stride);
    for (int w = 0; w < 4; ++w) x.a[w] = gather_a(a + first_row * stride + step * k, stride, lane, w, per_word);
    if constexpr (in_pass<wgmma_architecture>) asm volatile("fence.proxy.async;" ::: "memory");
    __syncthreads();
    Row::template run<wgmma_architecture, feed>(x);
    __syncthreads();
  }
  for (int w = 0; w < Row::c_words; ++w) {
    scatter_d(arrays.d + (tile * m + first_row) * n, lane, w, c_per_word, x.c[w]);
  }
}

template <class Row, Feed feed>
void launch_with(const TileArrays& arrays) {
  multiply_tiles_by_warpgroup<Row, feed><<<static_cast<unsigned>(arrays.tiles), warpgroup>>>(arrays);
}
template <class Row>
void launch(Feed feed, const TileArrays& arrays) {
  switch (feed) {
    case Feed::plain: return launch_with<Row, Feed::plain>(arrays);
    case Feed::a_from_registers: return launch_with<Row, Feed::a_from_registers>(arrays);
    case Feed::scale_d_zero: return launch_with<Row, Feed::scale_d_zero>(arrays);
    case Feed::negated_a: return launch_with<Row, Feed::negated_a>(arrays);
  }
}

struct Kernel {
  void (*launch)(Feed, const TileArrays&);
  const void* symbol;
};
const Kernel kernels[] = {
#define LOWP_WGMMA(shape, ptx, k, a, b, accumulator) \
  {launch<LOWP_NAME(__LINE__)>,                      \
   reinterpret_cast<const void*>(&multiply_tiles_by_warpgroup<LOWP_NAME(__LINE__), Feed::plain>)},
#include "lowp/gpu/mma_rows.inc"
#undef LOWP_WGMMA
#undef LOWP_MMA
};
// The rows of other kinds come first in the table.
constexpr std::size_t rows_before = 0
#define LOWP_MMA(shape, ptx, k, a, b, accumulator, architecture) +1
#define LOWP_WGMMA(shape, ptx, k, a, b, accumulator)
#include "lowp/gpu/mma_rows.inc"
    ;

}  // namespace

void run_wgmma(std::size_t row, Feed feed, const TileArrays& arrays) {
  kernels[row - rows_before].launch(feed, arrays);
  finish("wgmma");
}
const void* wgmma_kernel(std::size_t row) {
  return kernels[row - rows_before].symbol;
}

}  // namespace lowp::gpu
