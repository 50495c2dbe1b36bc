// SPDX-License-Identifier: Apache-2.0
// A loop over all processors with nothing but the standard library, so that lowp-gpu-check needs nothing else. Where the
// system gives no more threads it goes on with those it has.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace lowp::gpu {

template <class Work>
void in_parallel(std::size_t tasks, Work work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t task = next++; task < tasks; task = next++) work(task);
  };
  std::vector<std::thread> helpers;
  const std::size_t threads = std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), tasks);
  try {
    for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(loop);
  } catch (const std::system_error&) {
  }
  loop();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace lowp::gpu
