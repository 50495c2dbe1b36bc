// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/pair_counts.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/summary/pair_counts.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Once for all targets: how cells are laid out. A row has one cell a key and some more, so that the same place of
// neighbouring rows does not fall into the same set of the cache.
#ifndef LOWP_PAIR_COUNTS_LAYOUT
#define LOWP_PAIR_COUNTS_LAYOUT
namespace lowp {
namespace {

constexpr int part_bits(std::size_t cuts) {
  return cuts <= 3 ? 2 : 3;
}
constexpr std::size_t keys(std::size_t cuts) {
  return std::size_t{256} << part_bits(cuts);
}
constexpr std::size_t row_cells(std::size_t cuts) {
  return keys(cuts) + 16;
}
constexpr std::size_t spare_cells = 64;  // behind the last row: never read

// One call's work.
struct PairWork {
  const std::uint8_t* bytes;
  std::size_t blocks;
  std::uint32_t* cells;
  const std::uint32_t* cuts;
  std::uint32_t first_noticed, low, high;
  std::uint32_t* noticed;  // room for all elements and one vector
  std::size_t noticed_count = 0;
  std::uint64_t zeros = 0;
};

}  // namespace
}  // namespace lowp
#endif

HWY_BEFORE_NAMESPACE();
namespace lowp {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t fetch_ahead = 2048;  // bytes

#if HWY_TARGET == HWY_SCALAR
template <std::size_t cuts>
void count_blocks(PairWork& work) {
  for (std::size_t i = 0; i < work.blocks * PairCounts::block; i += 2) {
    std::size_t key[2];
    for (std::size_t j = 0; j < 2; ++j) {
      std::uint32_t word;
      std::memcpy(&word, work.bytes + 4 * (i + j), sizeof word);
      const std::uint32_t magnitude = word & 0x7fffffffu, fraction = word & 0x7fffffu;
      key[j] = std::size_t{magnitude >> 23} << part_bits(cuts);
      for (std::size_t c = 0; c < cuts; ++c) key[j] += fraction >= work.cuts[c] ? 1 : 0;
      const bool outside = magnitude < work.low || magnitude > work.high;
      if (magnitude != 0 && (outside || fraction == 0 || fraction >= work.first_noticed)) {
        work.noticed[work.noticed_count++] = word;
      }
    }
    ++work.cells[key[0] + key[1] * row_cells(cuts)];
  }
}
#else
// What the loop compares with. Fractions stand at the top of their words; the least significant bit of one is 512.
template <std::size_t cuts>
struct Constants {
  using D = hn::ScalableTag<std::uint32_t>;
  hn::Vec<D> cut[cuts == 0 ? 1 : cuts];
  hn::Vec<D> low, span, last_unnoticed;
  HWY_INLINE explicit Constants(const PairWork& work) {
    const D d;
    for (std::size_t c = 0; c < cuts; ++c) cut[c] = hn::Set(d, (work.cuts[c] << 9) - 1);
    low = hn::Set(d, work.low);
    span = hn::Set(d, work.high - work.low);
    last_unnoticed = hn::Set(d, ((work.first_noticed - 1) << 9) - 512);
  }
};

// The cells of the pairs of one vector. A vector of zeros alone goes to spare cells, each pair to its own: runs of
// zeros would wait for one cell.
template <std::size_t cuts>
HWY_INLINE void make_cells(const std::uint8_t* bytes, const Constants<cuts>& constant, PairWork& work,
                           std::uint64_t* HWY_RESTRICT cell) {
  constexpr int bits = part_bits(cuts);
  const hn::ScalableTag<std::uint32_t> d;
  const hn::RepartitionToWide<decltype(d)> d64;
  const auto word = hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(bytes));
  const auto magnitude = hn::And(word, hn::Set(d, 0x7fffffffu)), fraction = hn::ShiftLeft<9>(word);
  const auto is_zero = hn::Eq(magnitude, hn::Zero(d));
  // 0 wraps around and is noticed as well; magnitudes below `low` wrap around likewise.
  const auto far = hn::Gt(hn::Sub(fraction, hn::Set(d, 512u)), constant.last_unnoticed);
  const auto outside = hn::Gt(hn::Sub(magnitude, constant.low), constant.span);
  const auto noticed = hn::AndNot(is_zero, hn::Or(far, outside));
  if (HWY_UNLIKELY(!hn::AllFalse(d, noticed))) {
    hn::StoreU(hn::Compress(word, noticed), d, work.noticed + work.noticed_count);
    work.noticed_count += hn::CountTrue(d, noticed);
  }
  auto key = hn::And(hn::ShiftRight<23 - bits>(magnitude), hn::Set(d, 0xffu << bits));
  for (std::size_t c = 0; c < cuts; ++c) {
    key = hn::IfThenElse(hn::Gt(fraction, constant.cut[c]), hn::Add(key, hn::Set(d, 1u)), key);
  }
  const auto even = hn::BitCast(d64, key);
  const auto odd = hn::BitCast(d, hn::ShiftRight<32>(even));
  auto place = hn::Add(hn::MulEven(odd, hn::Set(d, static_cast<std::uint32_t>(row_cells(cuts)))), even);
  if (HWY_UNLIKELY(hn::AllTrue(d, is_zero))) {
    place = hn::Add(hn::Iota(d64, 0), hn::Set(d64, keys(cuts) * row_cells(cuts)));
    work.zeros += hn::Lanes(d);
  }
  hn::Store(place, d64, cell);
}

// Making cells and counting in them take turns, one block behind the other.
template <std::size_t cuts>
void count_blocks(PairWork& all) {
  PairWork work = all;
  const Constants<cuts> constant(work);
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<std::uint32_t>());
  alignas(64) std::uint64_t cell[2][PairCounts::block / 2];
  std::uint32_t* const cells = work.cells;
  for (std::size_t b = 0; b <= work.blocks; ++b) {
    for (std::size_t i = 0; i < PairCounts::block; i += lanes) {
      if (b < work.blocks) {
        if (lanes == 16 || i % 16 == 0) hwy::Prefetch(work.bytes + 4 * i + fetch_ahead);
        make_cells<cuts>(work.bytes + 4 * i, constant, work, cell[b % 2] + i / 2);
      }
      if (b == 0) continue;
      const std::uint64_t* const ready = cell[1 - b % 2] + i / 2;
      for (std::size_t j = 0; j < lanes / 2; ++j) ++cells[static_cast<std::uint32_t>(ready[j])];
    }
    work.bytes += 4 * PairCounts::block;
  }
  all.noticed_count = work.noticed_count;
  all.zeros = work.zeros;
}
#endif

void count_pairs(PairWork& work, std::size_t cuts) {
  switch (cuts) {
    case 0: return count_blocks<0>(work);
    case 1: return count_blocks<1>(work);
    case 2: return count_blocks<2>(work);
    case 3: return count_blocks<3>(work);
    case 4: return count_blocks<4>(work);
    case 5: return count_blocks<5>(work);
    case 6: return count_blocks<6>(work);
    case 7: return count_blocks<7>(work);
    default: return;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowp {

HWY_EXPORT(count_pairs);

PairCounts::PairCounts(std::span<const std::uint32_t> cuts, std::uint32_t first_noticed)
    : cuts_(cuts.begin(), cuts.end()), first_noticed_(first_noticed) {
  assert(cuts_.size() <= most_cuts && first_noticed_ > 1);
  cells_ = zero_pages<std::uint32_t>(keys(cuts_.size()) * row_cells(cuts_.size()) + spare_cells);
}

std::span<const std::uint32_t> PairCounts::count(std::span<const std::byte> words, std::uint32_t low,
                                                 std::uint32_t high) {
  constexpr std::size_t widest_vector = 64;  // elements
  assert(words.size() % (block * sizeof(std::uint32_t)) == 0);
  const std::size_t elements = words.size() / sizeof(std::uint32_t);
  if (pairs_ + elements / 2 >= std::uint64_t{1} << 32) full_ = take(1, 254);
  pairs_ += elements / 2;
  if (noticed_.size() < elements + widest_vector) noticed_.resize(elements + widest_vector);
  PairWork work{reinterpret_cast<const std::uint8_t*>(words.data()),
                elements / block,
                cells_.get(),
                cuts_.data(),
                first_noticed_,
                low,
                high,
                noticed_.data()};
  HWY_DYNAMIC_DISPATCH(count_pairs)(work, cuts_.size());
  zeros_ += work.zeros;
  return std::span(noticed_).first(work.noticed_count);
}

PairCounts::Sums PairCounts::take(std::size_t low_field, std::size_t high_field) {
  Sums sums = std::exchange(full_, Sums{});
  const std::size_t row = row_cells(cuts_.size());
  const int bits = part_bits(cuts_.size());
  const auto sum_of = [&](std::size_t key) -> std::uint64_t& { return sums.of[key >> bits][key % (1u << bits)]; };
  std::vector<std::size_t> seen;  // keys
  for (std::size_t key = 0; key < keys(cuts_.size()); ++key) {
    const std::size_t field = key >> bits;
    if (field == 0 || field == 255 || (low_field <= field && field <= high_field)) seen.push_back(key);
  }
  if (pairs_ == 0) seen.clear();
  for (const std::size_t odd : seen) {
    std::uint32_t* const cells = cells_.get() + odd * row;
    for (const std::size_t even : seen) {
      if (cells[even] == 0) continue;
      sum_of(odd) += cells[even];
      sum_of(even) += cells[even];
      cells[even] = 0;
    }
  }
  sums.zeros += std::exchange(zeros_, 0);
  pairs_ = 0;
  return sums;
}

}  // namespace lowp
#endif  // HWY_ONCE
