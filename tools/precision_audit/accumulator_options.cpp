// SPDX-License-Identifier: Apache-2.0
#include "accumulator_options.h"

#include <algorithm>

#include "arguments.h"

namespace lowp::tool {

Result<ChosenFormat> sum_format(std::string_view word) {
  auto format = any_format(word);
  if (!format || (fits_double(format->format) && is_signed(format->format))) return format;
  return Error{"", std::nullopt, "a signed format within FP64, which sums can be kept in", quoted(word)};
}

void AccumulatorOptions::declare(Options& o, std::string_view initial, bool rules) {
  o.group("How it is computed");
  o.list({.name = "--formats",
          .value = "NAME",
          .help = "formats to keep results in: " + all_format_names() + ", or any eXmY",
          .initial = std::string(initial)},
         formats, sum_format);
  if (!rules) return;
  o.choice({.name = "--rounding", .help = "rounding mode", .initial = "nearest_even"}, rounding,
           one_of<Rounding>(rounding_names, &RoundingName::mode));
  o.choice({.name = "--overflow", .help = "what overflow gives", .initial = "ieee"}, overflow, one_of<Overflow>(overflow_names, &OverflowName::rule));
  o.value({.name = "--seed", .value = "N", .help = "of stochastic rounding", .initial = "1"}, seed, count_word);
}

Accumulator AccumulatorOptions::accumulator(const ChosenFormat& format) const {
  const int random_bits = std::min({32, 62 - format.format.precision, 23});
  const std::string_view known = format_name(format.format);
  return {known.empty() ? format.name : std::string(known), format.format, rounding, overflow, random_bits, seed};
}

std::vector<Accumulator> AccumulatorOptions::accumulators() const {
  std::vector<Accumulator> all;
  for (const ChosenFormat& format : formats) {
    const auto same = [&](const Accumulator& other) { return other.format == format.format; };
    if (std::ranges::none_of(all, same)) all.push_back(accumulator(format));
  }
  return all;
}

}  // namespace lowp::tool
