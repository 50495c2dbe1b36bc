// SPDX-License-Identifier: Apache-2.0
// What one number becomes in one format, and why: the logic of `precision-audit cast`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::tool {

// The classes of an audit, for one element.
enum class CastClass { zero_in, nan_in, inf_in, flushed, subnormal, normal, saturated, overflowed };
std::string_view class_name(CastClass c);

struct CastRules {
  std::string to;  // the name the user gave the format
  Format format;
  Conversion how;
  RandomBits random;
};

struct Cast {
  Exact source;  // after scaling
  std::uint64_t code;
  Exact result;
  CastClass outcome;
  bool exact;                      // result equals source
  std::optional<double> ulps;      // (result - source) in units of the last place at the source; none for specials
  std::optional<int> normal_at;    // smallest k >= 0 for which source * 2^k is a normal number without clipping
  std::optional<int> survives_at;  // the same for "not zero"
  std::optional<int> fits_at;      // largest k < 0 for which an overflowing or saturated source * 2^k is not clipped
};

Cast cast_number(const CastRules& rules, Exact source);
// "subnormal, 1 of 10 fraction bits left; zero only at or below 2^-25 (2.98e-08)"
std::string why(const CastRules& rules, const Cast& cast);

}  // namespace lowp::tool
