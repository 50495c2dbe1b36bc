// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/evidence.h"

namespace lowp {

const Census& census_of(const Evidence& evidence) {
  struct {
    const Census& operator()(const TensorCounts& counts) const { return counts; }
    const Census& operator()(const CutCounts& counts) const { return counts; }
    const Census& operator()(const BinadeTable& table) const { return table.census(); }
  } visit;
  return std::visit(visit, evidence);
}

TensorCounts counts_of(const Evidence& evidence) {
  struct {
    TensorCounts operator()(const TensorCounts& counts) const { return counts; }
    TensorCounts operator()(const CutCounts& counts) const { return counts_of(counts); }
    TensorCounts operator()(const BinadeTable& table) const { return counts_of(table); }
  } visit;
  return std::visit(visit, evidence);
}

Result<Evidence> merged(const Evidence& a, const Evidence& b) {
  if (a.index() != b.index()) return Error{"", std::nullopt, "evidence of one kind", "two kinds"};
  if (const auto* table = std::get_if<BinadeTable>(&a)) {
    auto sum = merged(*table, std::get<BinadeTable>(b));
    if (!sum) return sum.error();
    return Evidence{*std::move(sum)};
  }
  if (const auto* cuts = std::get_if<CutCounts>(&a)) {
    auto sum = merged(*cuts, std::get<CutCounts>(b));
    if (!sum) return sum.error();
    return Evidence{*std::move(sum)};
  }
  return Error{"", std::nullopt, "evidence that can be added", "mere counts"};
}

}  // namespace lowp
