// SPDX-License-Identifier: Apache-2.0
// A loop over threads with nothing but the standard library, so that small programs need nothing else.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace lowp {

// work(task) for every task below `tasks`, in any order, on at most `threads` threads; 0: one per processor. Where the
// system makes no more threads, those there are do the work.
template <class Work>
void in_parallel(unsigned threads, std::size_t tasks, Work work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t task = next++; task < tasks; task = next++) work(task);
  };
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::jthread> helpers;
  try {
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, tasks); ++i) helpers.emplace_back(loop);
  } catch (const std::system_error&) {
  }
  loop();
}

}  // namespace lowp
