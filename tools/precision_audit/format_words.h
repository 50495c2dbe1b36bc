// SPDX-License-Identifier: Apache-2.0
// Names of formats on the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lowp/base/result.h"
#include "lowp/core/formats.h"
#include "lowp/core/rounding.h"
#include "lowp/summary/question.h"
#include "options.h"

namespace lowp::tool {

// A format and what it was called. Two names of one format are equal.
struct ChosenFormat {
  std::string name;  // in small letters
  Format format;
  friend bool operator==(const ChosenFormat& a, const ChosenFormat& b) { return a.format == b.format; }
};
struct FormatOrBlock {
  ChosenFormat scalar;
  const BlockFormat* block = nullptr;  // in place of `scalar`
};

// Any row of the table, an alias ("float16"), eXmY or a P3109 name. Else an Error that suggests one.
Result<ChosenFormat> any_format(std::string_view word);
// One that gradients can be converted to.
Result<ChosenFormat> auditable_format(std::string_view word);
Result<NamedTarget> target_format(std::string_view word);  // the same, to be asked about
Result<FormatOrBlock> format_or_block(std::string_view word);

std::string all_format_names();  // of the table: "fp64, fp32, ..."
std::string auditable_names();

// Rounding modes that need no random bits.
OneOf<Rounding> deterministic_modes();

}  // namespace lowp::tool
