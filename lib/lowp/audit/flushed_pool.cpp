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
  nonzero_ += census_of(evidence).nonzero();
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

std::uint64_t FlushedPool::flushed_at(const Target& target, int scale_log2) const {
  std::uint64_t flushed = lowp::flushed_at(sum(), target, scale_log2);
  for (const Evidence* evidence : unsharp_) flushed += lowp::flushed_at(*evidence, target, scale_log2).most;
  return flushed;
}

}  // namespace lowp
