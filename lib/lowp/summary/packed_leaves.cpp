// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/packed_leaves.h"

#include <algorithm>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/summary/packed_leaves.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lowp {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t block = PackedLeaves::block;  // its places and increments stay in the first-level cache
constexpr std::size_t group = 16;                   // elements of one stage before the other has its turn
constexpr std::size_t fetch_ahead = 2048;  // bytes: the leaves fill the caches, so the input must be asked for early
constexpr std::uint64_t one_element = std::uint64_t{1} << 54;

// Magnitudes over which something holds; 0 and all ones if there are none.
struct Range {
  std::uint32_t max = 0, min = 0xffffffffu;

  HWY_INLINE void add(std::uint32_t magnitude) {
    max = std::max(max, magnitude);
    min = std::min(min, magnitude);
  }
  HWY_INLINE bool all_normal() const { return max < 0x7f800000u && min >= 0x00800000u; }
};

HWY_INLINE std::uint32_t word_at(const std::uint8_t* bytes, std::size_t element) {
  std::uint32_t word;
  std::memcpy(&word, bytes + 4 * element, sizeof word);
  return word;
}

// Where the elements of a block go and what each adds there.
struct Block {
  alignas(64) std::uint32_t leaf[block];
  alignas(64) std::uint64_t increment[block];
};

// Of a group of which some have r = 0: which are no zeros.
HWY_INLINE void count_exact(const std::uint8_t* bytes, std::uint64_t* exact) {
  for (std::size_t i = 0; i < group; ++i) {
    const std::uint32_t word = word_at(bytes, i);
    if ((word & 0xfffu) == 0 && (word & 0x7fffffffu) != 0) ++exact[word >> 12];
  }
}

// Stage one: where elements go and what they add. Zeros go to spare leaves, a different one in each lane, so that runs
// of them do not wait for each other.
#if HWY_TARGET == HWY_SCALAR
class BlockMaker {
 public:
  HWY_INLINE void make_group(const std::uint8_t* bytes, std::size_t begin, Block& out, std::uint64_t* exact) {
    for (std::size_t i = begin; i < begin + group; ++i) {
      const std::uint32_t word = word_at(bytes, i), magnitude = word & 0x7fffffffu, tail = word & 0xfffu;
      out.leaf[i] = magnitude != 0 ? word >> 12 : static_cast<std::uint32_t>(PackedLeaves::leaves + i % group);
      out.increment[i] = one_element + (std::uint64_t{tail} * tail << 21) + tail;
      zeros_ += magnitude == 0 ? 1 : 0;
      if (magnitude != 0) range_.add(magnitude);
      if (tail == 0 && magnitude != 0) ++exact[word >> 12];
    }
  }
  HWY_INLINE std::uint64_t zeros() const { return zeros_; }
  HWY_INLINE Range take_range() { return std::exchange(range_, Range{}); }

 private:
  Range range_;
  std::uint64_t zeros_ = 0;
};
#else
class BlockMaker {
 public:
  HWY_INLINE BlockMaker() : zeros_(0) { start(); }
  HWY_INLINE void make_group(const std::uint8_t* bytes, std::size_t begin, Block& out, std::uint64_t* exact) {
    const D d;
    const hn::RepartitionToWide<D> d64;
    const hn::Rebind<std::uint32_t, decltype(d64)> half;
    const std::size_t lanes = hn::Lanes(d), half_lanes = hn::Lanes(half);
    const auto spare = hn::Add(hn::Iota(d, 0), hn::Set(d, static_cast<std::uint32_t>(PackedLeaves::leaves)));
    const auto tail_part = hn::Set(d, 0xfffu), magnitude_part = hn::Set(d, 0x7fffffffu), zero = hn::Zero(d);
    const auto tail_part64 = hn::Set(d64, std::uint64_t{0xfff}), one = hn::Set(d64, one_element);
    const auto* words = reinterpret_cast<const std::uint32_t*>(bytes);
    auto some_exact = hn::Lt(zero, zero);  // nowhere yet
    for (std::size_t i = begin; i < begin + group; i += lanes) {
      const auto word = hn::LoadU(d, words + i);
      const auto magnitude = hn::And(word, magnitude_part);
      const auto is_zero = hn::Eq(magnitude, zero);
      hn::Store(hn::IfThenElse(is_zero, spare, hn::ShiftRight<12>(word)), d, out.leaf + i);
      zeros_ += hn::CountTrue(d, is_zero);
      some_exact = hn::Or(some_exact, hn::AndNot(is_zero, hn::Eq(hn::And(word, tail_part), zero)));
      largest_ = hn::Max(largest_, magnitude);
      least_less_one_ = hn::Min(least_less_one_, hn::Sub(magnitude, hn::Set(d, 1u)));  // of zeros: all ones
    }
    // The bit of one element does not disturb the product: it is in the half that is not multiplied.
    for (std::size_t i = begin; i < begin + group; i += half_lanes) {
      const auto word = hn::PromoteTo(d64, hn::LoadU(half, words + i));
      const auto tail_and_one = hn::Or(hn::And(word, tail_part64), one);
      const auto even = hn::BitCast(d, tail_and_one);
      hn::Store(hn::Add(tail_and_one, hn::ShiftLeft<21>(hn::MulEven(even, even))), d64, out.increment + i);
    }
    if (HWY_UNLIKELY(!hn::AllFalse(d, some_exact))) count_exact(bytes + 4 * begin, exact);
  }
  HWY_INLINE std::uint64_t zeros() const { return zeros_; }  // so far
  HWY_INLINE Range take_range() {                            // of elements that are not zero, since the last call
    const D d;
    const std::uint32_t max = hn::GetLane(hn::MaxOfLanes(d, largest_));
    const std::uint32_t min = hn::GetLane(hn::MinOfLanes(d, least_less_one_)) + 1;
    start();
    return max == 0 ? Range{} : Range{max, min};
  }

 private:
  using D = hn::ScalableTag<std::uint32_t>;
  HWY_INLINE void start() {
    largest_ = hn::Zero(D());
    least_less_one_ = hn::Set(D(), 0xffffffffu);
  }
  hn::Vec<D> largest_, least_less_one_;
  std::uint64_t zeros_;
};
#endif

// Subnormals, Inf and NaN are queued for the slow path; their increments go to a scratch leaf that is never read.
HWY_NOINLINE Range mend_block(const std::uint8_t* bytes, Block& made, PackedLeaves::Rest& rest) {
  Range normal;
  for (std::size_t i = 0; i < block; ++i) {
    const std::uint32_t word = word_at(bytes, i), magnitude = word & 0x7fffffffu;
    if (magnitude == 0) continue;
    if (Range{magnitude, magnitude}.all_normal()) {
      normal.add(magnitude);
    } else {
      rest.unusual.push_back(word);
      made.leaf[i] = static_cast<std::uint32_t>(PackedLeaves::leaves);
    }
  }
  return normal;
}

// Stage two: one addition per element. A full leaf is noted at `full`: no call here, or stage one would have
// to save its vectors for it.
HWY_INLINE void add_group(const Block& from, std::size_t begin, std::uint64_t* packed, PackedLeaves::Full*& full) {
  for (std::size_t i = begin; i < begin + group; ++i) {
    const std::uint32_t leaf = from.leaf[i];
    if (HWY_UNLIKELY(static_cast<std::int64_t>(packed[leaf] += from.increment[i]) < 0)) {
      *full = {leaf, packed[leaf]};
      full += leaf < PackedLeaves::leaves ? 1 : 0;
      packed[leaf] = 0;
    }
  }
}

// Software pipelining: while stage two waits for the leaves of block b, stage one computes block b + 1.
void count_blocks(const std::uint8_t* bytes, std::size_t blocks, std::uint64_t* packed, std::uint64_t* exact,
                  PackedLeaves::Rest& rest) {
  Block held[2];
  BlockMaker maker;
  Range seen;
  PackedLeaves::Full* full = rest.full.data() + rest.full_count;
  for (std::size_t b = 0; b <= blocks; ++b) {
    Block &next = held[b % 2], &now = held[1 - b % 2];
    for (std::size_t i = 0; i < block; i += group) {
      if (b < blocks) {
        hwy::Prefetch(bytes + 4 * i + fetch_ahead);
        maker.make_group(bytes, i, next, exact);
      }
      if (b > 0) add_group(now, i, packed, full);
    }
    if (b == blocks) break;
    Range range = maker.take_range();
    if (HWY_UNLIKELY(!range.all_normal())) range = mend_block(bytes, next, rest);
    seen = {std::max(seen.max, range.max), std::min(seen.min, range.min)};
    bytes += 4 * block;
  }
  rest.full_count = static_cast<std::size_t>(full - rest.full.data());
  rest.zeros += maker.zeros();
  rest.max_magnitude = std::max(rest.max_magnitude, seen.max);
  rest.min_magnitude = std::min(rest.min_magnitude, seen.min);
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowp {

HWY_EXPORT(count_blocks);

PackedLeaves::PackedLeaves()
    : packed_(zero_pages<std::uint64_t>(leaves + spare_leaves)),
      exact_(zero_pages<std::uint64_t>(leaves + spare_leaves)) {}

void PackedLeaves::Rest::clear() {
  full_count = 0;
  unusual.clear();
  zeros = 0;
  max_magnitude = 0;
  min_magnitude = 0xffffffffu;
}

const PackedLeaves::Rest& PackedLeaves::count(std::span<const std::byte> words) {
  constexpr std::size_t block_bytes = block * sizeof(std::uint32_t);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data());
  const std::size_t whole = words.size() / block_bytes, left = words.size() % block_bytes;
  rest_.clear();
  rest_.full.resize(std::max(rest_.full.size(), (whole + 1) * block));  // no more than there are elements
  if (whole != 0) HWY_DYNAMIC_DISPATCH(count_blocks)(bytes, whole, packed_.get(), exact_.get(), rest_);
  if (left != 0) {
    std::uint8_t padded[block_bytes] = {};
    std::memcpy(padded, bytes + whole * block_bytes, left);
    HWY_DYNAMIC_DISPATCH(count_blocks)(padded, 1, packed_.get(), exact_.get(), rest_);
    rest_.zeros -= (block_bytes - left) / sizeof(std::uint32_t);
  }
  return rest_;
}

}  // namespace lowp
#endif  // HWY_ONCE
