// SPDX-License-Identifier: Apache-2.0
// Where two profiles turn the same input into different codes, and what kind of input that is.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lowp/core/formats.h"
#include "lowp/core/profiles.h"

namespace lowp::tool {

// The first kind that fits: of the source itself, then of where it lies in the target.
enum class InputKind : std::uint8_t { nan, inf, zero, negative, overflow, subnormal, tie, other };
inline constexpr std::array<std::string_view, 8> input_kind_names{
    "NaN", "Inf", "zero", "negative in an unsigned format", "overflow", "subnormal", "tie", "rounding"};

struct ProfileDifference {
  Format source;
  std::uint64_t code, by_a, by_b;
};
struct KindOfDifference {
  std::uint64_t inputs = 0;
  std::uint64_t differ = 0;
  std::vector<ProfileDifference> first;  // at most three
};
struct ProfileDiff {
  std::uint64_t inputs = 0;
  std::uint64_t differ = 0;
  std::array<KindOfDifference, input_kind_names.size()> kinds;
};

// Over all codes of FP16 and BF16 and FP32 codes at the edges of every binade; `full`: all codes of FP32 too.
ProfileDiff diff_profiles(const Profile& a, const Profile& b, Format target, bool full);

}  // namespace lowp::tool
