// SPDX-License-Identifier: Apache-2.0
// Small words of this room's reports.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "lowp/recipes/recipe_counts.h"
#include "lowp/report/humanize.h"
#include "lowp/report/cells.h"

namespace lowp::recipes {

inline std::string decibels(std::optional<double> snr_db) {
  return snr_db ? fmt::format("{:.1f} dB", *snr_db) : "-";
}
// "exact" where nothing was lost, "-" where there is nothing to lose.
inline std::string snr_text(const RecipeCounts& counts) {
  if (counts.nonzero() == 0) return "-";
  return counts.error.to_double() == 0 ? "exact" : decibels(counts.snr_db());
}

}  // namespace lowp::recipes
