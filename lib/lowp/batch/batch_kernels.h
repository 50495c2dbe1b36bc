// SPDX-License-Identifier: Apache-2.0
// The loops that exist once per instruction set, as a table of pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lowp/batch/batch.h"
#include "lowp/batch/batch_plan.h"

namespace lowp {

// The random bits of consecutive elements: those that count first, and the 16 after them (nullptr: not asked for).
struct Draws {
  const std::uint16_t* first = nullptr;
  const std::uint16_t* second = nullptr;
};

// `draws` are read in stochastic shapes only. `in` and `out` may be the same. `past_caches`: the results will not be
// read soon; `out` is then aligned to 64 bytes. Kernels expect the floating-point environment that the plan names.
using RoundKernel = void (*)(const RoundPlan& plan, const float* in, float* out, std::size_t count, Draws draws,
                             bool past_caches);
struct KernelTable {
  int lanes;
  RoundKernel (*round_kernel)(const RoundPlan& plan);
  // A code's words are of 1 << size_log2 bytes. `past_caches` as above. Fetches the `count` values at `soon` meanwhile.
  void (*to_codes)(const CodePlan& plan, const float* in, void* codes, int size_log2, std::size_t count,
                   bool past_caches, const float* soon);
  void (*from_codes)(const CodePlan& plan, const void* codes, int size_log2, float* out, std::size_t count,
                     bool past_caches);
  // draws[8 i + j] = draw j of random_block(seed, first_block + i, part) for i < blocks; room for 256 draws more. No
  // carry out of the lower 32 bits of a block number. Fetches values from `soon` on into the caches meanwhile: of
  // `blocks` times eight all but 14 must be there.
  void (*random_draws)(std::uint64_t seed, std::uint64_t first_block, std::uint32_t part, std::uint16_t* draws,
                       std::size_t blocks, const float* soon);
};

struct KernelRow {
  Implementation implementation;
  std::int64_t target;  // Highway's bit
  const KernelTable* (*table)();
};
// Best first; only those the processor has.
std::span<const KernelRow> kernel_rows();

}  // namespace lowp
