// SPDX-License-Identifier: Apache-2.0
// The global gradient norm and the clip coefficient as frameworks compute them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/report/report.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

struct NormOptions {
  std::vector<Accumulator> formats;  // that gradients are stored in
  double max_norm = 1;
  int scale_log2 = 16;  // for what clipping scaled gradients would have done
  int threads = 0;
};

// Gradients rounded to one format; squares and sums in FP32 or in the format itself; tensor norms rounded to the
// format.
struct NormOutcome {
  std::size_t format = 0;
  bool fp32_inside = true;
  int scale_log2 = 0;      // gradients are multiplied by this power of two before they are rounded
  double norm = 0;         // Inf where it overflows; of scaled gradients the scaled one
  double coefficient = 0;  // min(1, max_norm / (norm + 1e-6)), rounded to the format as clip_grad_norm_ does
};
struct NormResult {
  std::uint64_t tensors = 0, values = 0, nonfinite = 0;
  double exact_norm = 0, exact_coefficient = 0;  // of the finite values of the dump as it is
  std::vector<NormOutcome> outcomes;
};

// Of tensors grad/NAME, or of all where there is none; at 1, 2^4, ... 2^32 and at the scale of the options. Order of
// sums: as clip_grad_norm_ of PyTorch on a GPU.
Result<NormResult> replay_norm(const Input& input, const NormOptions& options);

Report norm_report(const StepSeries& series, const NormOptions& options, const std::vector<NormResult>& results);

}  // namespace lowp::training
