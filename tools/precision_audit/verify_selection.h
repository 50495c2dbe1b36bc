// SPDX-License-Identifier: Apache-2.0
// Which conversions to verify: words of the command line become a list of cases.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/verify/conversion_sweep.h"

namespace lowp::tool {

// Lists separated by commas. What is empty is chosen by the source: from 16-bit sources everything; from fp32 the ieee
// rule, and without `full` nearest_even into fp16, bf16, e4m3 and e5m2.
struct SelectionWords {
  std::string sources = "fp32,fp16,bf16", formats, modes, overflow;
  bool full = false;
};

// Cases in order of sources, formats, modes, overflow rules; or which word is wrong, in one line.
std::optional<std::string> select_cases(const SelectionWords& words, std::vector<SweepCase>& cases);

}  // namespace lowp::tool
