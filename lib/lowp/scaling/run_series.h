// SPDX-License-Identifier: Apache-2.0
// What a replay asks of a training run: a few facts per step, and one function.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/peaks_file.h"

namespace lowp::scaling {

using Kind = MagnitudeKind;
// By the first folder of a tensor's name: "act_grad/d1.0" is an act_grad; names without a kind are of `grad`.
Kind kind_of_tensor(std::string_view name);

// Least and most that a share can be: equal where the evidence decides.
struct ShareInterval {
  double least = 0, most = 0;
  friend bool operator==(const ShareInterval&, const ShareInterval&) = default;
};

inline constexpr double not_seen = -1;  // no value of this kind

struct StepFacts {
  std::int64_t step = 0;
  std::array<double, 5> largest{not_seen, not_seen, not_seen, not_seen,
                                not_seen};  // of finite values, by Kind, unscaled
  bool nan = false, inf = false;            // among the gradients
  bool forward_overflow = false;            // an activation is NaN, Inf or at least 65520: no scale helps

  // Of all gradients: NaN or Inf if one of them is. 0 where there is none.
  double largest_gradient() const;
  void see(Kind kind, double magnitude);  // any magnitude; NaN and Inf become flags
};

// Share of the step's non-zero finite weight gradients (of all gradients where none is of weights) whose magnitude is
// below `threshold`, or at most it. Nothing where the step has no such value.
using ShareBelow = std::function<std::optional<ShareInterval>(std::size_t index, double threshold, bool inclusive)>;

struct RunSeries {
  std::string source;                          // paths
  std::vector<StepFacts> steps;                // ascending
  bool kinds_known = false;                    // false: nobody says what the magnitudes are of
  ShareBelow share_below = {};                 // empty: only the largest magnitudes are known
  std::optional<std::string> loss_dtype = {};  // where the dump says so
  std::vector<std::string> notes = {};

  bool has(Kind kind) const;
};

// Which FP16 flushes at this scale, nearest-even: scaled magnitudes of at most 2^-25.
std::optional<ShareInterval> flushed_share(const RunSeries& run, std::size_t index, double scale);

}  // namespace lowp::scaling
