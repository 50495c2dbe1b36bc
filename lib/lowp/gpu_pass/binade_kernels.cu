// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu_pass/binade_kernels.h"

namespace lowp::gpu {
namespace {

constexpr std::uint32_t bin_threads = 1024, code_threads = most_code_threads, leaf_threads = most_leaf_threads;
static_assert(bin_threads >= fewest_threads);

template <class Thread>
__device__ void run_phases(Thread& thread) {
  for (int phase = 0; phase < Thread::phases; ++phase) {
    thread.phase(phase);
    __syncthreads();
  }
}

__device__ ThreadPlace this_place() {
  return {threadIdx.x, blockDim.x, blockIdx.x, gridDim.x};
}

extern __shared__ std::uint32_t shared_words[];

template <int width, int exponent_bits, std::uint32_t copies>
__global__ void __launch_bounds__(bin_threads, 1) bins_kernel(ElementRun run, BinSums* sums) {
  BinadeThread<Layout<width, exponent_bits>, copies> thread{{shared_words}, run, sums, this_place()};
  run_phases(thread);
}

__global__ void __launch_bounds__(code_threads, 1) codes_kernel(ElementRun run, bool in_shared, CodeSums* sums) {
  CodeThread thread{shared_words, in_shared ? shared_words + 1 : nullptr, run, sums, this_place(), 0};
  run_phases(thread);
}

// The plan stays where the parameters are: its rows are read once, by their number.
__global__ void __launch_bounds__(leaf_threads, 1)
    leaves_kernel(ElementRun run, const __grid_constant__ PagePlan plan, Page* pages, PassFacts* facts) {
  const ThreadPlace place{threadIdx.x, blockDim.x, blockIdx.x / plan.roles, gridDim.x / plan.roles};
  LeafThread thread{{shared_words}, run, pages, facts, place, &plan, blockIdx.x % plan.roles, {}, 0, 0, 0};
  run_phases(thread);
}

// As many blocks as the device holds at once, fewer if that is enough to give each thread one read.
std::uint32_t blocks_for(const ElementRun& run, std::uint32_t threads, std::uint32_t resident) {
  const std::uint64_t useful = (run.quad_count + threads - 1) / threads;
  const std::uint64_t blocks = useful < resident ? useful : resident;
  return blocks == 0 ? 1 : static_cast<std::uint32_t>(blocks);
}

template <class Kernel>
cudaError_t allow_shared(Kernel kernel, std::uint32_t bytes) {
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
}

template <int width, int exponent_bits, std::uint32_t copies>
cudaError_t launch_copied_bins(const ElementRun& run, BinSums* sums, const PassChip& chip, cudaStream_t stream) {
  constexpr std::uint32_t bytes = 4 * PrefixBins<copies>::size_in_words;
  const auto kernel = bins_kernel<width, exponent_bits, copies>;
  if (const cudaError_t error = allow_shared(kernel, bytes); error != cudaSuccess) return error;
  const auto blocks = blocks_for(run, bin_threads, static_cast<std::uint32_t>(chip.processors));
  kernel<<<blocks, bin_threads, bytes, stream>>>(run, sums);
  return cudaGetLastError();
}

template <int width, int exponent_bits>
cudaError_t launch_bins_of(const ElementRun& run, BinSums* sums, const PassChip& chip, cudaStream_t stream) {
  if (4 * PrefixBins<32>::size_in_words <= chip.shared_bytes) {
    return launch_copied_bins<width, exponent_bits, 32>(run, sums, chip, stream);
  }
  return launch_copied_bins<width, exponent_bits, 8>(run, sums, chip, stream);
}

}  // namespace

cudaError_t chip_of(int device, PassChip& chip) {
  int shared = 0;
  if (const cudaError_t error = cudaDeviceGetAttribute(&chip.processors, cudaDevAttrMultiProcessorCount, device);
      error != cudaSuccess) {
    return error;
  }
  const cudaError_t error = cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  chip.shared_bytes = static_cast<std::uint32_t>(shared);
  return error;
}

std::uint32_t tiles_of_block(const PassChip& chip) {
  const std::uint32_t tiles = (chip.shared_bytes - 4 * LeafBlock::size_in_words(0)) / tile_bytes;
  return tiles < most_tiles ? tiles : most_tiles;
}

cudaError_t launch_bins(ElementKind kind, const ElementRun& run, BinSums* sums, const PassChip& chip,
                        cudaStream_t stream) {
  switch (kind) {
    case ElementKind::f32: return launch_bins_of<32, 8>(run, sums, chip, stream);
    case ElementKind::f16: return launch_bins_of<16, 5>(run, sums, chip, stream);
    case ElementKind::bf16: return launch_bins_of<16, 8>(run, sums, chip, stream);
  }
  return cudaErrorInvalidValue;
}

cudaError_t launch_codes(const ElementRun& run, CodeSums* sums, const PassChip& chip, cudaStream_t stream) {
  const bool in_shared = chip.shared_bytes >= 4 * (1 + code_words);
  const std::uint32_t bytes = in_shared ? 4 * (1 + code_words) : 4;
  if (const cudaError_t error = allow_shared(codes_kernel, bytes); error != cudaSuccess) return error;
  const auto blocks = blocks_for(run, code_threads, static_cast<std::uint32_t>(chip.processors));
  codes_kernel<<<blocks, code_threads, bytes, stream>>>(run, in_shared, sums);
  return cudaGetLastError();
}

// Every role has the same number of blocks.
cudaError_t launch_leaves(const ElementRun& run, const PagePlan& plan, Page* pages, PassFacts* facts,
                          const PassChip& chip, cudaStream_t stream) {
  const std::uint32_t bytes = 4 * LeafBlock::size_in_words(plan.tiles);
  if (const cudaError_t error = allow_shared(leaves_kernel, bytes); error != cudaSuccess) return error;
  const auto processors = static_cast<std::uint32_t>(chip.processors);
  const std::uint32_t of_role = processors > plan.roles ? processors / plan.roles : 1;
  leaves_kernel<<<plan.roles * blocks_for(run, leaf_threads, of_role), leaf_threads, bytes, stream>>>(run, plan, pages,
                                                                                                      facts);
  return cudaGetLastError();
}

}  // namespace lowp::gpu
