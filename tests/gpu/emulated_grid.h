// SPDX-License-Identifier: Apache-2.0
// The kernels of the pass on the host: blocks one after another, the threads of a block one after another in each phase
// between two barriers, or all at once. What they call is the code that the GPU runs.
#pragma once

#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "lowp/gpu_pass/binade_bins.h"
#include "lowp/gpu_pass/code_bins.h"
#include "lowp/gpu_pass/leaf_tiles.h"

namespace lowp::proof {

// Shared memory begins as garbage on a GPU, so here too.
inline std::vector<std::uint32_t> shared_memory(std::size_t words) {
  return std::vector<std::uint32_t>(words, 0xa5a5a5a5u);
}

enum class Order { one_by_one, at_once };

template <class Thread>
void run_at_once(std::vector<Thread>& threads) {
  std::barrier barrier(static_cast<std::ptrdiff_t>(threads.size()));
  std::vector<std::jthread> running;
  for (Thread& thread : threads) {
    running.emplace_back([&barrier, &thread] {
      for (int phase = 0; phase < Thread::phases; ++phase) {
        thread.phase(phase);
        barrier.arrive_and_wait();
      }
    });
  }
}

template <class Thread>
void run_block(std::vector<Thread>& threads, Order order) {
  if (order == Order::at_once) return run_at_once(threads);
  for (int phase = 0; phase < Thread::phases; ++phase) {
    for (Thread& thread : threads) thread.phase(phase);
  }
}

template <class L, std::uint32_t copies>
void emulate_counts(const gpu::ElementRun& run, std::uint32_t blocks, std::uint32_t threads, gpu::BinSums& sums,
                    Order order = Order::one_by_one) {
  for (std::uint32_t b = 0; b < blocks; ++b) {
    std::vector<std::uint32_t> shared = shared_memory(gpu::PrefixBins<copies>::size_in_words);
    std::vector<gpu::BinadeThread<L, copies>> block;
    for (std::uint32_t t = 0; t < threads; ++t) block.push_back({{shared.data()}, run, &sums, {t, threads, b, blocks}});
    run_block(block, order);
  }
}

inline void emulate_codes(const gpu::ElementRun& run, std::uint32_t blocks, std::uint32_t threads, bool in_shared,
                          gpu::CodeSums& sums, Order order = Order::one_by_one) {
  for (std::uint32_t b = 0; b < blocks; ++b) {
    std::vector<std::uint32_t> shared = shared_memory(1 + gpu::code_words);
    std::vector<gpu::CodeThread> block;
    for (std::uint32_t t = 0; t < threads; ++t) {
      block.push_back({shared.data(), in_shared ? shared.data() + 1 : nullptr, run, &sums, {t, threads, b, blocks}, 0});
    }
    run_block(block, order);
  }
}

inline void emulate_leaves(const gpu::ElementRun& run, std::uint32_t blocks_of_role, std::uint32_t threads,
                           const gpu::PagePlan& plan, gpu::Page* pages, gpu::PassFacts& facts,
                           Order order = Order::one_by_one) {
  for (std::uint32_t b = 0; b < blocks_of_role * plan.roles; ++b) {
    std::vector<std::uint32_t> shared = shared_memory(gpu::LeafBlock::size_in_words(plan.tiles));
    std::vector<gpu::LeafThread> block;
    for (std::uint32_t t = 0; t < threads; ++t) {
      block.push_back(
          {{shared.data()}, run, pages, &facts, {t, threads, b / plan.roles, blocks_of_role}, &plan, b % plan.roles});
    }
    run_block(block, order);
  }
}

}  // namespace lowp::proof
