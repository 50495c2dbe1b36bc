// SPDX-License-Identifier: Apache-2.0
// Which conversions to verify.
#pragma once

#include <string_view>
#include <vector>

#include "lowp/verify/conversion_sweep.h"

namespace lowp::tool {

// What is empty is chosen by the source: from 16-bit sources everything; from fp32 the ieee rule, and without `full`
// nearest_even into fp16, bf16, e4m3 and e5m2.
struct ConversionChoice {
  std::vector<std::string_view> sources;
  std::vector<const verify::SweepFormat*> formats;
  std::vector<Rounding> modes;
  std::vector<Overflow> rules;
};

// Cases in order of sources, formats, modes, overflow rules.
std::vector<verify::SweepCase> cases_of(const ConversionChoice& named, bool full);

}  // namespace lowp::tool
