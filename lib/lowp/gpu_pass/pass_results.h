// SPDX-License-Identifier: Apache-2.0
// From what the kernels leave in device memory to the audit's own tables. Host code, without CUDA.
#pragma once

#include <cstdint>
#include <span>

#include "lowp/gpu_pass/binade_bins.h"
#include "lowp/gpu_pass/code_bins.h"
#include "lowp/gpu_pass/leaf_tiles.h"
#include "lowp/summary/tensor_counts.h"
#include "lowp/summary/binade_counter.h"

namespace lowp::gpu {

// Whether the pass knows an element type: f32, f16 and bf16.
bool is_counted(const Dtype& dtype);

// Each element stands for `weight` elements, as in BinadeCounter::count. The counters get what count() would have given.
TensorCounts counts_of(const BinSums& sums, const Dtype& dtype, std::uint64_t weight);
Result<Done> add_codes(const CodeSums& sums, const Dtype& dtype, std::uint64_t weight, BinadeCounter& counter);
// `pages` holds the touched pages only, in order. FP32; for tables without widths of their own.
Result<Done> add_pages(std::span<const Page> pages, const PassFacts& facts, std::uint64_t weight,
                       BinadeCounter& counter);

}  // namespace lowp::gpu
