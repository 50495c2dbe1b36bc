// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu_pass/pass_results.h"

#include <array>
#include <cassert>
#include <vector>

#include "lowp/core/convert.h"

namespace lowp::gpu {
namespace {

// Counts by binade of one sign, from whatever order they come in.
class BinadeSums {
 public:
  explicit BinadeSums(Format format) : lowest_(quantum_exponent(format)) {}

  void add(int binade, std::uint64_t count, std::uint64_t powers) {
    const auto at = static_cast<std::size_t>(binade - lowest_);
    if (at >= held_.size()) held_.resize(at + 1);
    held_[at].count += count;
    held_[at].powers_of_two += powers;
  }
  void append_to(std::vector<BinadeCount>& binades, bool negative, std::uint64_t weight) const {
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].count == 0) continue;
      binades.push_back({static_cast<std::int16_t>(lowest_ + static_cast<int>(i)), negative, held_[i].count * weight,
                         held_[i].powers_of_two * weight});
    }
  }

 private:
  int lowest_;
  std::vector<BinadeCount> held_;
};

// Adds what one prefix holds. The numbers that share it lie in the binade of the first of them, which is the only one
// that may be a power of two; the first prefix of either sign holds zeros and what `deep` counts again.
void add_prefix(const BinSums& sums, Format format, std::uint32_t prefix, TensorCounts& counts, BinadeSums& binades) {
  const std::uint64_t count = sums.count[prefix], bare = sums.bare[prefix];
  const Exact first = decode(format, std::uint64_t{prefix} << (format.width - static_cast<int>(prefix_bits)));
  switch (first.kind) {
    case Kind::zero: counts.zero_in += bare; return;
    case Kind::inf:
      counts.inf_in += bare;
      counts.nan_in += count - bare;
      return;
    case Kind::nan: counts.nan_in += count; return;
    case Kind::finite: break;
  }
  const bool power = (first.significand & (first.significand - 1)) == 0;
  binades.add(exponent_of(first), count, power ? bare : 0);
}

}  // namespace

bool is_counted(const Dtype& dtype) {
  return dtype.name == "f32" || dtype.name == "f16" || dtype.name == "bf16";
}

TensorCounts counts_of(const BinSums& sums, const Dtype& dtype, std::uint64_t weight) {
  const Format format = dtype.format;
  TensorCounts counts;
  for (const std::uint32_t sign : {1u, 0u}) {
    BinadeSums binades(format);
    for (std::uint32_t rest = 0; rest < prefixes / 2; ++rest) {
      const std::uint32_t prefix = sign * prefixes / 2 + rest;
      counts.elements += sums.count[prefix];
      add_prefix(sums, format, prefix, counts, binades);
    }
    for (std::uint32_t width = 1; width < deep_widths; ++width) {
      const std::uint32_t at = sign * deep_widths + width;
      if (sums.deep[at] != 0)
        binades.add(quantum_exponent(format) + static_cast<int>(width) - 1, sums.deep[at], sums.deep_power[at]);
    }
    binades.append_to(counts.binades, sign != 0, weight);
  }
  for (std::uint64_t* number : {&counts.elements, &counts.zero_in, &counts.nan_in, &counts.inf_in}) *number *= weight;
  if (counts.binades.empty()) return counts;
  counts.max_abs = lowest_terms(decode(format, sums.largest));
  counts.min_nonzero_abs = lowest_terms(decode(format, sums.least_less_one + 1));
  return counts;
}

Result<Done> add_codes(const CodeSums& sums, const Dtype& dtype, std::uint64_t weight, BinadeCounter& counter) {
  for (std::uint32_t code = 0; code < code_count; ++code) {
    if (sums.count[code] == 0) continue;
    const std::array element{static_cast<std::byte>(code & 0xffu), static_cast<std::byte>(code >> 8)};
    if (auto done = counter.count(dtype, element, sums.count[code] * weight); !done) return done.error();
  }
  return Done{};
}

Result<Done> add_pages(std::span<const Page> pages, const PassFacts& facts, std::uint64_t weight,
                       BinadeCounter& counter) {
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
  return counter.add(found, weight);
}

}  // namespace lowp::gpu
