// SPDX-License-Identifier: Apache-2.0
// The loops that exist once per instruction set, as a table of pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lowp/batch/batch.h"
#include "lowp/batch/batch_plan.h"

namespace lowp {

// `words` holds one random word per element in stochastic shapes. `in` and `out` may be the same. A code's words are of
// 1 << size_log2 bytes. Kernels expect the floating-point environment of a new thread (see DefaultFpu).
using RoundKernel = void (*)(const RoundPlan& plan, const float* in, float* out, std::size_t count,
                             const std::uint32_t* words);
struct KernelTable {
  int lanes;
  RoundKernel (*round_kernel)(const RoundPlan& plan);
  void (*to_codes)(const CodePlan& plan, const float* in, void* codes, int size_log2, std::size_t count);
  void (*from_codes)(const CodePlan& plan, const void* codes, int size_log2, float* out, std::size_t count);
  // words[i] = word i % 4 of Philox block first_block + i / 4; count is a multiple of 4, room for 64 words more.
  // Fetches the values at `soon` (count - 3 of them at least) into the caches meanwhile.
  void (*random_words)(std::uint64_t seed, std::uint64_t first_block, std::uint32_t* words, std::size_t count,
                       const float* soon);
  // Copies past the caches; `out` is aligned to 64 bytes.
  void (*stream)(const float* in, float* out, std::size_t count);
};

struct KernelRow {
  Implementation implementation;
  std::int64_t target;  // Highway's bit
  const KernelTable* (*table)();
};
// Best first; only those the processor has.
std::span<const KernelRow> kernel_rows();

}  // namespace lowp
