// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/cut_counter.h"

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

struct CutCounter::Pairs {
  PairCounts counts;
  std::uint64_t subnormals = 0;  // of the words with an exponent field of 0 those that are no zeros
};

CutCounter::CutCounter(CutPlan plan, int dump_scale_log2)
    : plan_(std::move(plan)), dump_scale_log2_(dump_scale_log2), binades_(highest_binade - lowest_binade + 1) {}
CutCounter::~CutCounter() = default;
CutCounter::CutCounter(CutCounter&&) noexcept = default;

void CutCounter::count_word(std::uint32_t word, std::uint64_t weight) {
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
  CutCounts::Parts& parts = binades_[static_cast<std::size_t>(exponent_of(x) - lowest_binade)];
  parts[parts_below(plan_.cuts(), static_cast<std::uint32_t>(significand) & (fractions - 1))] += weight;
}

void CutCounter::count_words(std::span<const std::byte> words, std::uint64_t weight) {
  for (std::size_t at = 0; at < words.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, words.data() + at, sizeof word);
    count_word(word, weight);
  }
}

void CutCounter::move_noticed(std::uint32_t magnitude) {
  const std::uint32_t fraction = magnitude & (fractions - 1);
  totals_.max_magnitude = std::max(totals_.max_magnitude, magnitude);
  totals_.min_magnitude = std::min(totals_.min_magnitude, magnitude);
  CutCounts::Parts& parts = binades_[(magnitude >> 23) - 127 - lowest_binade];
  ++parts[parts_below(plan_.cuts(), fraction)];
  --parts[parts_below(plan_.common(), fraction) + 1];
}

// The pairs count every normal word as if its fraction were neither 0 nor beyond a rare cut; what was noticed moves
// from there to its own part. Unsigned sums may pass below 0 until take_pairs() has added the pairs.
void CutCounter::count_pairs(std::span<const std::byte> words) {
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

void CutCounter::take_pairs() {
  if (!pairs_) return;
  const PairCounts::Sums sums =
      pairs_->counts.take(totals_.min_magnitude >> 23, std::min(totals_.max_magnitude >> 23, 254u));
  totals_.zero += sums.zeros - std::exchange(pairs_->subnormals, 0);
  for (const std::uint64_t count : sums.of[0]) totals_.zero += count;
  for (std::size_t field = 1; field < 255; ++field) {
    CutCounts::Parts& parts = binades_[field - 127 - lowest_binade];
    for (std::size_t common = 0; common < sums.of[field].size(); ++common) {
      if (sums.of[field][common] != 0) parts[common + 1] += sums.of[field][common];
    }
  }
}

Result<Done> CutCounter::count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight) {
  assert(bytes.size() % static_cast<std::size_t>(dtype.bytes) == 0);
  if (dtype.bytes == 8) return Error{"", std::nullopt, "elements of at most 23 fraction bits", std::string(dtype.name)};
  totals_.elements += bytes.size() / static_cast<std::size_t>(dtype.bytes) * weight;
  if (dtype.bytes != 4) {
    for_each_code(dtype, bytes,
                  [&](std::uint64_t code, std::uint64_t count) { count_word(word_of(dtype, code), count * weight); });
    return Done{};
  }
  constexpr std::uint64_t worth_pairing = std::uint64_t{1} << 12;  // elements that have come so far
  const std::size_t blocks = bytes.size() / (4 * PairCounts::block);
  const std::size_t paired = weight == 1 && totals_.elements >= worth_pairing ? blocks * 4 * PairCounts::block : 0;
  if (paired != 0) count_pairs(bytes.first(paired));
  count_words(bytes.subspan(paired), weight);
  return Done{};
}

void CutCounter::count_zeros(std::uint64_t zeros) {
  totals_.elements += zeros;
  totals_.zero += zeros;
}

Result<Done> CutCounter::add(const CutCounts& counts) {
  const auto fits = [&](const CutCounts::Row& row) {
    return lowest_binade <= row.binade + dump_scale_log2_ && row.binade + dump_scale_log2_ <= highest_binade;
  };
  if (counts.plan != plan_ || !std::ranges::all_of(counts.rows, fits))
    return Error{"", std::nullopt, "counts by the same cuts and dump scale", "others"};
  totals_.elements += counts.elements;
  totals_.zero += counts.zero_in;
  totals_.nan += counts.nan_in;
  totals_.inf += counts.inf_in;
  for (const Exact x : {counts.max_abs, counts.min_nonzero_abs}) {
    if (x.kind != Kind::finite) continue;
    const auto word = static_cast<std::uint32_t>(
        encode(fp32, Rounding::nearest_even, Overflow{}, scaled(x, dump_scale_log2_)));  // exact: it was such a word
    totals_.max_magnitude = std::max(totals_.max_magnitude, word);
    totals_.min_magnitude = std::min(totals_.min_magnitude, word);
  }
  for (const CutCounts::Row& row : counts.rows) {
    CutCounts::Parts& parts = binades_[static_cast<std::size_t>(row.binade + dump_scale_log2_ - lowest_binade)];
    for (std::size_t part = 0; part < parts.size(); ++part) parts[part] += row.parts[part];
  }
  return Done{};
}

CutCounts CutCounter::take() {
  take_pairs();
  CutCounts counts{{totals_.elements, totals_.zero, totals_.nan, totals_.inf, {}, {}}, plan_, {}};
  if (totals_.max_magnitude != 0) {
    counts.max_abs = lowest_terms(scaled(decode(fp32, totals_.max_magnitude), -dump_scale_log2_));
    counts.min_nonzero_abs = lowest_terms(scaled(decode(fp32, totals_.min_magnitude), -dump_scale_log2_));
  }
  for (std::size_t b = 0; b < binades_.size(); ++b) {
    if (binades_[b] == CutCounts::Parts{}) continue;
    counts.rows.push_back({static_cast<int>(b) + lowest_binade - dump_scale_log2_, binades_[b]});
    binades_[b] = {};
  }
  totals_ = {};
  return counts;
}

TensorCounts counts_of(const CutCounts& cuts) {
  TensorCounts counts{cuts, false, {}};
  counts.binades.reserve(cuts.rows.size());
  for (const CutCounts::Row& row : cuts.rows) {
    std::uint64_t count = 0;
    for (const std::uint64_t part : row.parts) count += part;
    counts.binades.push_back({static_cast<std::int16_t>(row.binade), false, count, row.parts[0]});
  }
  return counts;
}

Result<CutCounts> merged(const CutCounts& a, const CutCounts& b) {
  if (a.plan != b.plan) return Error{"", std::nullopt, "counts by the same cuts", "others"};
  CutCounts sum{a, a.plan, {}};
  add(static_cast<Census&>(sum), b);
  for (auto i = a.rows.begin(), j = b.rows.begin(); i != a.rows.end() || j != b.rows.end();) {
    if (j == b.rows.end() || (i != a.rows.end() && i->binade < j->binade)) {
      sum.rows.push_back(*i++);
    } else if (i == a.rows.end() || j->binade < i->binade) {
      sum.rows.push_back(*j++);
    } else {
      CutCounts::Row& row = sum.rows.emplace_back(*i++);
      for (std::size_t part = 0; part < row.parts.size(); ++part) row.parts[part] += j->parts[part];
      ++j;
    }
  }
  return sum;
}

}  // namespace lowp
