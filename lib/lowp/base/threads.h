// SPDX-License-Identifier: Apache-2.0
// Runs a function on a given number of threads. Include in .cpp files only.
#pragma once

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <cstddef>

#include "lowp/base/resources.h"

namespace lowp {

// `threads` 0: one per processor. More than there are processors are allowed; fewer run where no more can be had.
template <class Function>
auto on_threads(int threads, Function function) {
  const int count = threads_to_be_had(threads > 0 ? threads : tbb::this_task_arena::max_concurrency());
  const tbb::global_control width(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(count));
  tbb::task_arena arena(count);
  return arena.execute(function);
}

}  // namespace lowp
