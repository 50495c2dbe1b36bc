// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/question.h"

#include <fmt/format.h>

#include "lowp/summary/format_ends.h"

namespace lowp {

bool is_auditable(Format format) {
  return format.sign == SignRule::magnitude && format.has_zero && format.precision >= 2 && distance_of_max(format) <= 3;
}

std::optional<Error> Question::fault() const {
  const auto wrong = [](std::string wanted, std::string found) {
    return Error{"", std::nullopt, std::move(wanted), std::move(found)};
  };
  if (formats.empty()) return wrong("a format to ask about", "none");
  for (const NamedTarget& asked : formats) {
    if (!is_auditable(asked.format)) return wrong("a format of signed numbers with a zero", "'" + asked.name + "'");
  }
  if (is_stochastic(rounding)) return wrong("a deterministic rounding mode", "a stochastic one");
  if (scales.low > scales.high || scales.low < -scale_log2_limit || scales.high > scale_log2_limit) {
    return wrong(fmt::format("scales in order within 2^-{0} to 2^{0}", scale_log2_limit),
                 fmt::format("2^{} to 2^{}", scales.low, scales.high));
  }
  return {};
}

}  // namespace lowp
