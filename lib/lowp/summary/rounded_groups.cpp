// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/rounded_groups.h"

#include "lowp/summary/format_ends.h"

namespace lowp {

void Group::add(const Group& other) {
  count += other.count;
  exact += other.exact;
  error_up += other.error_up;
  error_down += other.error_down;
  error_squared += other.error_squared;
  sum += other.sum;
  sum_squared += other.sum_squared;
}

void WidePlan::need(int binade, int fraction_bits) {
  if (needed_.empty()) needed_.resize(binades);
  needed_[static_cast<std::size_t>(binade - lowest_binade)] |= std::uint64_t{1} << fraction_bits;
}

TableOptions table_options(const Question& question, int table_fraction_bits) {
  TableOptions options{table_fraction_bits, question.rounding, {}};
  const bool wide = table_fraction_bits == wide_fraction_bits;
  const int lowest = (wide ? -1074 : -149) - scale_log2_limit, highest = (wide ? 1023 : 127) + scale_log2_limit;
  for (const NamedTarget& asked : question.formats) {
    if (fraction_bits(asked.format) < leaf_bits) continue;
    for (int binade = lowest; binade <= highest; ++binade) {
      for (int scale = question.scales.low; scale <= question.scales.high; ++scale) {
        if (!asks_wide(asked.format, binade + scale, table_fraction_bits, leaf_bits)) continue;
        options.wide.need(binade, lookup_width(asked.format, binade + scale, table_fraction_bits));
      }
    }
  }
  return options;
}

}  // namespace lowp
