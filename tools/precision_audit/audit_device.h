// SPDX-License-Identifier: Apache-2.0
// What reads the elements of an audit: the processor, or a GPU where the program was built with CUDA.
#pragma once

#include <memory>
#include <optional>

#include "lowp/audit/summarize.h"
#include "lowp/gpu_pass/binade_pass.h"
#include "options.h"

namespace lowp::tool {

struct AuditDevice {
  bool is_gpu = false;
  std::unique_ptr<gpu::BinadePass> pass;

  void declare(Options& o);
  std::optional<Error> check(const Question& question) const;
  // Sets `effort` up, which must not outlive this.
  Result<Done> prepare(const StepSeries& series, Effort& effort);
};

}  // namespace lowp::tool
