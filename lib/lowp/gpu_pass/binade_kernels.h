// SPDX-License-Identifier: Apache-2.0
// Starting the kernels of the pass. Results are added to what the sums hold. Every call returns CUDA's own error and
// does not wait.
#pragma once

#include <cuda_runtime_api.h>

#include "lowp/gpu_pass/binade_bins.h"
#include "lowp/gpu_pass/code_bins.h"
#include "lowp/gpu_pass/leaf_tiles.h"

namespace lowp::gpu {

enum class ElementKind : std::uint8_t { f32, f16, bf16 };

// More than this at a time could overflow a count in shared memory.
inline constexpr std::uint64_t most_launch_bytes = std::uint64_t{1} << 32;

// What of a device matters here.
struct PassChip {
  int processors = 0;
  std::uint32_t shared_bytes = 0;  // that a block may have
};
cudaError_t chip_of(int device, PassChip& chip);
std::uint32_t tiles_of_block(const PassChip& chip);

cudaError_t launch_bins(ElementKind kind, const ElementRun& run, BinSums* sums, const PassChip& chip,
                        cudaStream_t stream);
cudaError_t launch_codes(const ElementRun& run, CodeSums* sums, const PassChip& chip, cudaStream_t stream);  // 16 bits
cudaError_t launch_leaves(const ElementRun& run, const PagePlan& plan, Page* pages, PassFacts* facts,
                          const PassChip& chip,
                          cudaStream_t stream);  // FP32

}  // namespace lowp::gpu
