// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/pass_results.h"

#include <array>
#include <cassert>
#include <vector>

#include "lowp/core/convert.h"

namespace lowp::gpu {
namespace {

std::uint32_t slots_of(Format format) {
  return static_cast<std::uint32_t>(fraction_bits(format) + (1 << exponent_bits(format)));
}

Exact magnitude_of(Format format, std::uint32_t magnitude) {
  return decode(format, magnitude);
}

}  // namespace

bool is_counted(const Dtype& dtype) {
  return dtype.name == "f32" || dtype.name == "f16" || dtype.name == "bf16";
}

TensorCounts counts_of(const BinSums& sums, const Dtype& dtype, std::uint64_t weight) {
  const Format format = dtype.format;
  const std::uint32_t last = slots_of(format) - 1;
  TensorCounts counts;
  for (const bool negative : {true, false}) {
    const std::uint64_t* count = sums.count + (negative ? most_slots : 0);
    const std::uint64_t* power = sums.power + (negative ? most_slots : 0);
    counts.zero_in += count[0] * weight;
    counts.inf_in += power[last] * weight;
    counts.nan_in += (count[last] - power[last]) * weight;
    for (std::uint32_t slot = 0; slot <= last; ++slot) {
      counts.elements += count[slot] * weight;
      if (slot == 0 || slot == last || count[slot] == 0) continue;
      const int binade = quantum_exponent(format) + static_cast<int>(slot) - 1;
      counts.binades.push_back(
          {static_cast<std::int16_t>(binade), negative, count[slot] * weight, power[slot] * weight});
    }
  }
  if (counts.binades.empty()) return counts;
  counts.max_abs = magnitude_of(format, sums.largest);
  counts.min_nonzero_abs = magnitude_of(format, sums.least_less_one + 1);
  return counts;
}

void add_codes(const CodeSums& sums, const Dtype& dtype, std::uint64_t weight, BinadeTable& table) {
  for (std::uint32_t code = 0; code < code_count; ++code) {
    if (sums.count[code] == 0) continue;
    const std::array element{static_cast<std::byte>(code & 0xffu), static_cast<std::byte>(code >> 8)};
    table.count(dtype, element, sums.count[code] * weight);
  }
}

void add_pages(std::span<const Page> pages, const PassFacts& facts, std::uint64_t weight, BinadeTable& table) {
  CountedElsewhere found{facts.zeros, facts.infs, facts.nans, facts.largest, facts.least_less_one + 1, {}};
  std::size_t at = 0;
  std::vector<CountedElsewhere::Leaf> leaves;
  for (std::uint32_t page = 0; page < page_count; ++page) {
    if (facts.pages_touched[page] == 0) continue;
    const Page& held = pages[at++];
    for (std::uint32_t leaf = 0; leaf < page_leaves; ++leaf) {
      const LeafSums& sums = held.leaf[leaf];
      const std::uint64_t count = sums.inside + sums.exact;
      if (count == 0) continue;
      leaves.push_back({page < page_binades, lowest_page_binade + static_cast<int>(page % page_binades), leaf, count,
                        sums.exact, sums.tail, sums.tail_squared});
    }
  }
  assert(at == pages.size());
  found.leaves = leaves;
  table.add(found, weight);
}

}  // namespace lowp::gpu
