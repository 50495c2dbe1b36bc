// SPDX-License-Identifier: Apache-2.0
// The kernels of the pass on the host: blocks one after another, the threads of a block one after another in each phase
// between two barriers. What they call is the code that the GPU runs.
#pragma once

#include <memory>
#include <vector>

#include "lowp/gpu/binade_bins.h"
#include "lowp/gpu/code_bins.h"
#include "lowp/gpu/leaf_tiles.h"

namespace lowp::proof {

// Shared memory begins as garbage on a GPU, so here too.
inline std::vector<std::uint32_t> shared_memory(std::size_t words) {
  return std::vector<std::uint32_t>(words, 0xa5a5a5a5u);
}

template <class Thread>
void run_block(std::vector<Thread>& threads) {
  for (int phase = 0; phase < Thread::phases; ++phase) {
    for (Thread& thread : threads) thread.phase(phase);
  }
}

template <class L, std::uint32_t copies>
void emulate_counts(const gpu::ElementRun& run, std::uint32_t blocks, std::uint32_t threads, gpu::BinSums& sums) {
  for (std::uint32_t b = 0; b < blocks; ++b) {
    std::vector<std::uint32_t> shared = shared_memory(gpu::PrefixBins<copies>::size_in_words);
    std::vector<gpu::BinadeThread<L, copies>> block;
    for (std::uint32_t t = 0; t < threads; ++t) block.push_back({{shared.data()}, run, &sums, {t, threads, b, blocks}});
    run_block(block);
  }
}

inline void emulate_codes(const gpu::ElementRun& run, std::uint32_t blocks, std::uint32_t threads, bool in_shared,
                          gpu::CodeSums& sums) {
  for (std::uint32_t b = 0; b < blocks; ++b) {
    std::vector<std::uint32_t> shared = shared_memory(1 + gpu::code_words);
    std::vector<gpu::CodeThread> block;
    for (std::uint32_t t = 0; t < threads; ++t) {
      block.push_back({shared.data(), in_shared ? shared.data() + 1 : nullptr, run, &sums, {t, threads, b, blocks}, 0});
    }
    run_block(block);
  }
}

inline void emulate_leaves(const gpu::ElementRun& run, std::uint32_t blocks_of_role, std::uint32_t threads,
                           const gpu::PagePlan& plan, gpu::Page* pages, gpu::PassFacts& facts) {
  for (std::uint32_t b = 0; b < blocks_of_role * plan.roles; ++b) {
    std::vector<std::uint32_t> shared = shared_memory(gpu::LeafBlock::size_in_words(plan.tiles));
    std::vector<gpu::LeafThread> block;
    for (std::uint32_t t = 0; t < threads; ++t) {
      block.push_back(
          {{shared.data()}, run, pages, &facts, {t, threads, b / plan.roles, blocks_of_role}, &plan, b % plan.roles});
    }
    run_block(block);
  }
}

}  // namespace lowp::proof
