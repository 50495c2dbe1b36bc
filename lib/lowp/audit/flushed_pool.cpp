// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/flushed_pool.h"

#include <algorithm>
#include <iterator>

#include "lowp/summary/below.h"
#include "lowp/summary/class_edges.h"

namespace lowp {
namespace {

constexpr int lowest_binade = WidePlan::lowest_binade, binades = WidePlan::binades;

}  // namespace

FlushedPool::FlushedPool() : binades_(2 * binades) {
  for (int i = 0; i < 2 * binades; ++i) {
    BinadeCount& row = binades_[static_cast<std::size_t>(i)];
    row.negative = i < binades;
    row.binade = static_cast<std::int16_t>(lowest_binade + i % binades);
  }
}

void FlushedPool::add(const TensorCounts& counts) {
  lowp::add(census_, counts);
  has_signs_ = has_signs_ && counts.has_signs;
  for (const BinadeCount& more : counts.binades) {
    BinadeCount& row = binades_[static_cast<std::size_t>((more.negative ? 0 : binades) + more.binade - lowest_binade)];
    row.count += more.count;
    row.powers_of_two += more.powers_of_two;
  }
}

void FlushedPool::add(const Evidence& evidence) {
  elements_ += census_of(evidence).elements;
  if (const auto* counts = std::get_if<TensorCounts>(&evidence)) return add(*counts);
  if (const auto counts = counts_of(evidence)) return add(*counts);
  unsharp_.push_back(&evidence);
}

TensorCounts FlushedPool::sum() const {
  TensorCounts counts{census_, has_signs_, {}};
  std::ranges::copy_if(binades_, std::back_inserter(counts.binades),
                       [](const BinadeCount& row) { return row.count != 0; });
  return counts;
}

Interval FlushedPool::flushed_at(const Target& target, int scale_log2) const {
  Interval flushed = Interval::exactly(lowp::flushed_at(sum(), target, scale_log2));
  for (const Evidence* evidence : unsharp_) flushed += lowp::flushed_at(*evidence, target, scale_log2);
  return flushed;
}

Interval FlushedPool::zero_or_flushed_at(const Target& target, int scale_log2) const {
  Interval lost = Interval::exactly(census_.zero_in + lowp::flushed_at(sum(), target, scale_log2));
  for (const Evidence* evidence : unsharp_) lost += lowp::zero_or_flushed_at(*evidence, target, scale_log2);
  return lost;
}

Interval FlushedPool::nonzero(const Target& target, int scale_log2) const {
  Interval all = Interval::exactly(census_.nonzero());
  for (const Evidence* evidence : unsharp_) {
    const Census census = census_of(*evidence);
    all += level_of(*evidence) == Level::bins
               ? Interval::exactly(census.elements) -
                     Interval{census.zero_in, lowp::zero_or_flushed_at(*evidence, target, scale_log2).most}
               : Interval::exactly(census.nonzero());
  }
  return all;
}

}  // namespace lowp
