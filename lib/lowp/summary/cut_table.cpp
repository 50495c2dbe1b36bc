// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/cut_table.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/summary/code_histogram.h"
#include "lowp/summary/pair_counts.h"

namespace lowp {
namespace {

constexpr Format fp32 = ieee_format(8, 23);
constexpr std::uint32_t fractions = std::uint32_t{1} << 23;

Exact element_of(int binade, std::uint32_t fraction) {
  return exact_finite(false, fractions | fraction, binade - narrow_fraction_bits);
}

// Adds to `cuts` where the class changes among the fractions above `low` up to `high` of a binade. Rounding keeps the
// order of magnitudes, so equal ends mean that nothing changes between them.
void find_cuts(const Target& target, int binade, std::uint32_t low, std::uint32_t high,
               std::vector<std::uint32_t>& cuts) {
  const auto class_at = [&](std::uint32_t fraction) { return class_of(target, element_of(binade, fraction)); };
  if (class_at(low) == class_at(high)) return;
  if (high - low == 1) return cuts.push_back(high);
  const std::uint32_t middle = low + (high - low) / 2;
  find_cuts(target, binade, low, middle, cuts);
  find_cuts(target, binade, middle, high, cuts);
}

// Whether more than one in 64 of the fractions lies at or beyond a cut.
bool is_common(std::uint32_t cut) {
  return fractions - cut > fractions / 64;
}

std::uint32_t word_of(const Dtype& dtype, std::uint64_t code) {
  return static_cast<std::uint32_t>(
      encode(fp32, Rounding::nearest_even, Overflow{}, decode(dtype.format, code)));  // exact: 16 bits and fewer
}

// Cuts are few, and a branch that nobody can foresee costs more than comparing with all of them.
std::size_t parts_below(std::span<const std::uint32_t> cuts, std::uint32_t fraction) {
  std::size_t count = 0;
  for (const std::uint32_t cut : cuts) count += cut <= fraction ? 1 : 0;
  return count;
}

}  // namespace

bool CutPlan::sign_matters(Rounding mode) {
  return mode == Rounding::toward_positive || mode == Rounding::toward_negative;
}

std::optional<CutPlan> CutPlan::make(std::span<const Target> targets) {
  CutPlan plan;
  plan.cuts_ = {1};  // powers of two are told apart in any case: they are the ties of half the smallest number
  for (const Target& target : targets) {
    assert(is_auditable(target.format) && target.rounding == targets.front().rounding);
    if (sign_matters(target.rounding)) return {};
    for (int binade = quantum_exponent(target.format) - 2; binade <= max_exponent(target.format) + 1; ++binade) {
      find_cuts(target, binade, 0, fractions - 1, plan.cuts_);
    }
  }
  std::ranges::sort(plan.cuts_);
  plan.cuts_.erase(std::ranges::unique(plan.cuts_).begin(), plan.cuts_.end());
  plan.common_ = static_cast<std::size_t>(std::ranges::count_if(plan.cuts_, is_common)) - 1;
  if (plan.cuts_.size() > most_cuts || plan.common_ > most_common) return {};
  return plan;
}

std::uint32_t CutPlan::first_rare() const {
  return common_ + 1 < cuts_.size() ? cuts_[common_ + 1] : fractions;
}

std::size_t CutPlan::part_of(std::uint32_t fraction) const {
  return parts_below(cuts_, fraction);
}

struct CutTable::Pairs {
  PairCounts counts;
  std::uint64_t subnormals = 0;  // of the words with an exponent field of 0 those that are no zeros
};

CutTable::CutTable(CutPlan plan) : plan_(std::move(plan)), binades_(highest_binade - lowest_binade + 1) {}
CutTable::~CutTable() = default;
CutTable::CutTable(CutTable&&) noexcept = default;

void CutTable::count_word(std::uint32_t word, std::uint64_t weight) {
  const Exact x = decode(fp32, word);
  switch (x.kind) {
    case Kind::zero: totals_.zero += weight; return;
    case Kind::nan: totals_.nan += weight; return;
    case Kind::inf: totals_.inf += weight; return;
    case Kind::finite: break;
  }
  const std::uint32_t magnitude = word & 0x7fffffffu;
  totals_.max_magnitude = std::max(totals_.max_magnitude, magnitude);
  totals_.min_magnitude = std::min(totals_.min_magnitude, magnitude);
  const std::uint64_t significand = x.significand << (24 - bit_width(x.significand));
  Parts& parts = binades_[static_cast<std::size_t>(exponent_of(x) - lowest_binade)];
  parts[plan_.part_of(static_cast<std::uint32_t>(significand) & (fractions - 1))] += weight;
}

void CutTable::count_words(std::span<const std::byte> words, std::uint64_t weight) {
  for (std::size_t at = 0; at < words.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, words.data() + at, sizeof word);
    count_word(word, weight);
  }
}

void CutTable::move_noticed(std::uint32_t magnitude) {
  const std::uint32_t fraction = magnitude & (fractions - 1);
  totals_.max_magnitude = std::max(totals_.max_magnitude, magnitude);
  totals_.min_magnitude = std::min(totals_.min_magnitude, magnitude);
  Parts& parts = binades_[(magnitude >> 23) - 127 - lowest_binade];
  ++parts[plan_.part_of(fraction)];
  --parts[parts_below(plan_.common(), fraction) + 1];
}

// The pairs count every normal word as if its fraction were neither 0 nor beyond a rare cut; what was noticed moves
// from there to its own part. Unsigned sums may pass below 0 until settle() has added the pairs.
void CutTable::count_pairs(std::span<const std::byte> words) {
  constexpr std::size_t piece = std::size_t{1} << 16;  // bytes: the first finds the range that later ones stay in
  if (!pairs_) pairs_ = std::make_unique<Pairs>(Pairs{PairCounts(plan_.common(), plan_.first_rare()), 0});
  for (std::size_t begin = 0; begin < words.size(); begin += piece) {
    // Of normal numbers alone: the others are always noticed.
    const bool known = totals_.max_magnitude >= 0x00800000u;
    const std::uint32_t low = known ? std::max(totals_.min_magnitude, 0x00800000u) : 0,
                        high = known ? totals_.max_magnitude : 0;
    for (const std::uint32_t word :
         pairs_->counts.count(words.subspan(begin, std::min(piece, words.size() - begin)), low, high)) {
      const std::uint32_t field = (word >> 23) & 0xff;
      pairs_->subnormals += field == 0 ? 1 : 0;
      if (field == 0 || field == 255) {
        count_word(word, 1);
      } else {
        move_noticed(word & 0x7fffffffu);
      }
    }
  }
}

void CutTable::settle() {
  if (!pairs_) return;
  const PairCounts::Sums sums =
      pairs_->counts.take(totals_.min_magnitude >> 23, std::min(totals_.max_magnitude >> 23, 254u));
  totals_.zero += sums.zeros - std::exchange(pairs_->subnormals, 0);
  for (const std::uint64_t count : sums.of[0]) totals_.zero += count;
  for (std::size_t field = 1; field < 255; ++field) {
    Parts& parts = binades_[field - 127 - lowest_binade];
    for (std::size_t common = 0; common < sums.of[field].size(); ++common) {
      if (sums.of[field][common] != 0) parts[common + 1] += sums.of[field][common];
    }
  }
}

void CutTable::count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight) {
  assert(dtype.bytes < 8 && bytes.size() % static_cast<std::size_t>(dtype.bytes) == 0);
  totals_.elements += bytes.size() / static_cast<std::size_t>(dtype.bytes) * weight;
  if (dtype.bytes != 4) {
    return for_each_code(dtype, bytes, [&](std::uint64_t code, std::uint64_t count) {
      count_word(word_of(dtype, code), count * weight);
    });
  }
  constexpr std::uint64_t worth_pairing = std::uint64_t{1} << 12;  // elements that have come so far
  const std::size_t blocks = bytes.size() / (4 * PairCounts::block);
  const std::size_t paired = weight == 1 && totals_.elements >= worth_pairing ? blocks * 4 * PairCounts::block : 0;
  if (paired != 0) count_pairs(bytes.first(paired));
  count_words(bytes.subspan(paired), weight);
}

void CutTable::count_zeros(std::uint64_t zeros) {
  totals_.elements += zeros;
  totals_.zero += zeros;
}

void CutTable::merge(const CutTable& other) {
  assert(plan_ == other.plan_);
  totals_.elements += other.totals_.elements;
  totals_.zero += other.totals_.zero;
  totals_.nan += other.totals_.nan;
  totals_.inf += other.totals_.inf;
  totals_.max_magnitude = std::max(totals_.max_magnitude, other.totals_.max_magnitude);
  totals_.min_magnitude = std::min(totals_.min_magnitude, other.totals_.min_magnitude);
  for (std::size_t b = 0; b < binades_.size(); ++b) {
    for (std::size_t part = 0; part < binades_[b].size(); ++part) binades_[b][part] += other.binades_[b][part];
  }
}

void CutTable::clear() {
  settle();
  totals_ = {};
  std::ranges::fill(binades_, Parts{});
}

TensorCounts CutTable::counts() const {
  TensorCounts counts{totals_.elements, totals_.zero, totals_.nan, totals_.inf, {}, {}, {}};
  counts.max_abs = decode(fp32, totals_.max_magnitude);
  if (totals_.max_magnitude != 0) counts.min_nonzero_abs = decode(fp32, totals_.min_magnitude);
  for (std::size_t b = 0; b < binades_.size(); ++b) {
    std::uint64_t count = 0;
    for (const std::uint64_t part : binades_[b]) count += part;
    if (count == 0) continue;
    counts.binades.push_back(
        {static_cast<std::int16_t>(static_cast<int>(b) + lowest_binade), false, count, binades_[b][0]});
  }
  return counts;
}

Outcome CutTable::measure(const Target& target, const ScaleRange& scales, int scale_log2) const {
  Outcome outcome{scale_log2, totals_.elements, totals_.zero, totals_.nan, totals_.inf, {}, {}, true};
  for (std::size_t b = 0; b < binades_.size(); ++b) {
    for (std::size_t part = 0; part < binades_[b].size(); ++part) {
      if (binades_[b][part] == 0) continue;
      const std::uint32_t least = part == 0 ? 0 : plan_.cuts()[part - 1];
      const Exact y = scaled(element_of(static_cast<int>(b) + lowest_binade, least), scale_log2 - scales.dump);
      outcome.counts[class_of(target, y)] += binades_[b][part];
    }
  }
  return outcome;
}

}  // namespace lowp
