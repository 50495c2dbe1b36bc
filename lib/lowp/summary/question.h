// SPDX-License-Identifier: Apache-2.0
// What can be asked of a summary: formats, one rounding mode, one overflow rule, loss scales.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp {

inline constexpr int scale_log2_limit = 160;  // of each loss scale, asked or of a dump, in absolute value

// Scales 2^low .. 2^high by steps of one.
struct ScaleRange {
  int low = -8;
  int high = 32;

  std::size_t size() const { return static_cast<std::size_t>(high - low + 1); }
  bool contains(int scale_log2) const { return low <= scale_log2 && scale_log2 <= high; }
  std::size_t index(int scale_log2) const { return static_cast<std::size_t>(scale_log2 - low); }
  friend bool operator==(const ScaleRange&, const ScaleRange&) = default;
};

// What every element is converted to, deterministically. Formats of signed numbers only: see is_auditable().
struct Target {
  std::string name;
  Format format;
  Rounding rounding = Rounding::nearest_even;
  Overflow overflow;
};
bool is_auditable(Format format);  // sign and magnitude, a zero, a fraction, the largest number near a binade's end

struct NamedTarget {
  std::string name;
  Format format;

  friend bool operator==(const NamedTarget&, const NamedTarget&) = default;
};

struct Question {
  std::vector<NamedTarget> formats;
  Rounding rounding = Rounding::nearest_even;
  Overflow overflow;
  ScaleRange scales;
  bool counts_only = false;  // no errors and no number of exact results, for a cheaper pass

  Target target(std::size_t format) const { return {formats[format].name, formats[format].format, rounding, overflow}; }
  // Why it cannot be answered by any evidence: no format, a format that is not auditable, a stochastic mode, scales
  // out of order or beyond scale_log2_limit.
  std::optional<Error> fault() const;
};

}  // namespace lowp
