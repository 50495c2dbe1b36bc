// SPDX-License-Identifier: Apache-2.0
#include "verify_selection.h"

#include <algorithm>

namespace lowp::tool {

using namespace verify;
namespace {

// Unnamed formats, modes and rules: all of them, but from FP32 the ieee rule alone and without --full only what most
// people use.
ConversionChoice completed(ConversionChoice choice, bool all, bool every_rule) {
  if (choice.formats.empty()) {
    for (const SweepFormat& row : sweep_formats()) {
      static constexpr std::string_view usual[] = {"fp16", "bf16", "e4m3", "e5m2"};
      if (all || std::ranges::find(usual, row.name) != std::end(usual)) choice.formats.push_back(&row);
    }
  }
  if (choice.modes.empty()) choice.modes.assign(swept_modes.begin(), all ? swept_modes.end() : swept_modes.begin() + 1);
  if (choice.rules.empty()) {
    for (const OverflowName& row : overflow_names) {
      if (every_rule || choice.rules.empty()) choice.rules.push_back(row.rule);
    }
  }
  return choice;
}

}  // namespace

std::vector<SweepCase> cases_of(const ConversionChoice& named, bool full) {
  std::vector<SweepCase> cases;
  for (const std::string_view source : named.sources) {
    const ConversionChoice choice = completed(named, full || source != "fp32", source != "fp32");
    for (const SweepFormat* format : choice.formats) {
      for (const Rounding mode : choice.modes) {
        for (const Overflow rule : choice.rules) cases.push_back({source, format, mode, rule});
      }
    }
  }
  return cases;
}

}  // namespace lowp::tool
