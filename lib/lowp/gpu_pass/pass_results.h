// SPDX-License-Identifier: Apache-2.0
// From what the kernels leave in device memory to the audit's own tables. Host code, without CUDA.
#pragma once

#include <cstdint>
#include <span>

#include "lowp/gpu_pass/binade_bins.h"
#include "lowp/gpu_pass/code_bins.h"
#include "lowp/gpu_pass/leaf_tiles.h"
#include "lowp/summary/binade_counts.h"
#include "lowp/summary/binade_table.h"

namespace lowp::gpu {

// Whether the pass knows an element type: f32, f16 and bf16.
bool is_counted(const Dtype& dtype);

// Each element stands for `weight` elements, as in BinadeTable::count. The tables get what count() would have given.
TensorCounts counts_of(const BinSums& sums, const Dtype& dtype, std::uint64_t weight);
void add_codes(const CodeSums& sums, const Dtype& dtype, std::uint64_t weight, BinadeTable& table);
// `pages` holds the touched pages only, in order. FP32; for tables without widths of their own.
void add_pages(std::span<const Page> pages, const PassFacts& facts, std::uint64_t weight, BinadeTable& table);

}  // namespace lowp::gpu
