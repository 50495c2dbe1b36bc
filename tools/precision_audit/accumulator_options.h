// SPDX-License-Identifier: Apache-2.0
// In which formats sums are kept: options that several rows of `accumulate` share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format_words.h"
#include "lowp/accumulate/adder.h"
#include "options.h"

namespace lowp::tool {

// A signed format within FP64.
Result<ChosenFormat> sum_format(std::string_view word);

struct AccumulatorOptions {
  std::vector<ChosenFormat> formats;
  Rounding rounding = Rounding::nearest_even;
  Overflow overflow{};
  std::uint64_t seed = 1;

  // `initial`: --formats unless told otherwise. `rules`: whether --rounding, --overflow and --seed are asked for too.
  void declare(Options& o, std::string_view initial, bool rules);
  Accumulator accumulator(const ChosenFormat& format) const;
  std::vector<Accumulator> accumulators() const;
};

}  // namespace lowp::tool
