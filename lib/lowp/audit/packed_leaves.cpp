// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/packed_leaves.h"

#include <cstdlib>
#include <cstring>
#include <new>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/audit/packed_leaves.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lowp {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t block = 256;  // elements between the two stages: their places and increments stay in L1

// What a block holds beside its places and increments.
struct BlockFacts {
  std::uint32_t max_magnitude, min_magnitude;
  std::uint64_t zeros;
  bool unusual, exact;
};

// Whether a magnitude is a normal number's.
HWY_INLINE bool is_normal(std::uint32_t magnitude) {
  return magnitude >= 0x00800000u && magnitude < 0x7f800000u;
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE BlockFacts prepare_block(const std::uint8_t* bytes, std::uint32_t* HWY_RESTRICT leaf,
                                    std::uint64_t* HWY_RESTRICT increment) {
  BlockFacts facts{0, 0xffffffffu, 0, false, false};
  for (std::size_t i = 0; i < block; ++i) {
    std::uint32_t word;
    std::memcpy(&word, bytes + 4 * i, sizeof word);
    const std::uint32_t magnitude = word & 0x7fffffffu, tail = word & 0xfffu;
    const bool normal = is_normal(magnitude);
    leaf[i] = normal ? word >> 12 : static_cast<std::uint32_t>(PackedLeaves::leaves + i % PackedLeaves::spare_leaves);
    increment[i] = (std::uint64_t{1} << 54) + (std::uint64_t{tail} << 33) + std::uint64_t{tail} * tail;
    facts.zeros += magnitude == 0 ? 1 : 0;
    facts.unusual |= !normal && magnitude != 0;
    facts.exact |= normal && tail == 0;
    if (normal && magnitude > facts.max_magnitude) facts.max_magnitude = magnitude;
    if (normal && magnitude < facts.min_magnitude) facts.min_magnitude = magnitude;
  }
  return facts;
}
#else
// Stage one, in vectors: where each element goes and what it adds there. Elements that are no normal numbers go to
// spare leaves, a different one in each lane, so that runs of zeros do not wait for each other. Magnitudes are compared
// as signed words, of which all are positive.
HWY_INLINE BlockFacts prepare_block(const std::uint8_t* bytes, std::uint32_t* HWY_RESTRICT leaf,
                                    std::uint64_t* HWY_RESTRICT increment) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::RepartitionToWide<decltype(d)> d64;
  const hn::Half<decltype(d)> half;
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitude_part = hn::Set(d, 0x7fffffff), below_normal = hn::Set(d, 0x007fffff),
             inf = hn::Set(d, 0x7f800000);
  const auto tail_part = hn::Set(d, 0xfff), leaf_part = hn::Set(d, 0xfffff), zero = hn::Zero(d);
  const auto spare = hn::Add(hn::Iota(d, 0), hn::Set(d, static_cast<std::int32_t>(PackedLeaves::leaves)));
  const auto one_element = hn::Set(d64, std::int64_t{1} << 54);
  auto largest = zero, least = magnitude_part, unusual = zero, not_exact = magnitude_part;
  std::uint64_t zeros = 0;
  for (std::size_t i = 0; i < block; i += lanes) {
    const auto word = hn::LoadU(d, reinterpret_cast<const std::int32_t*>(bytes + 4 * i));
    const auto magnitude = hn::And(word, magnitude_part), tail = hn::And(word, tail_part);
    const auto normal = hn::And(hn::Gt(magnitude, below_normal), hn::Lt(magnitude, inf));
    hn::StoreU(hn::IfThenElse(normal, hn::And(hn::ShiftRight<12>(word), leaf_part), spare), d,
               reinterpret_cast<std::int32_t*>(leaf + i));
    const auto squared = hn::Mul(tail, tail);
    const auto low = hn::Add(hn::ShiftLeft<33>(hn::PromoteTo(d64, hn::LowerHalf(half, tail))),
                             hn::Add(hn::PromoteTo(d64, hn::LowerHalf(half, squared)), one_element));
    const auto high = hn::Add(hn::ShiftLeft<33>(hn::PromoteTo(d64, hn::UpperHalf(half, tail))),
                              hn::Add(hn::PromoteTo(d64, hn::UpperHalf(half, squared)), one_element));
    hn::StoreU(low, d64, reinterpret_cast<std::int64_t*>(increment + i));
    hn::StoreU(high, d64, reinterpret_cast<std::int64_t*>(increment + i + lanes / 2));
    zeros += hn::CountTrue(d, hn::Eq(magnitude, zero));
    largest = hn::Max(largest, hn::IfThenElseZero(normal, magnitude));
    least = hn::Min(least, hn::IfThenElse(normal, magnitude, magnitude_part));
    unusual = hn::Or(unusual, hn::IfThenZeroElse(normal, magnitude));
    not_exact = hn::Min(not_exact, hn::IfThenElse(normal, tail, magnitude_part));
  }
  const auto least_lane = static_cast<std::uint32_t>(hn::GetLane(hn::MinOfLanes(d, least)));
  return {static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(d, largest))),
          least_lane == 0x7fffffffu ? 0xffffffffu : least_lane, zeros, !hn::AllTrue(d, hn::Eq(unusual, zero)),
          hn::GetLane(hn::MinOfLanes(d, not_exact)) == 0};
}
#endif

// Elements that stage one only noticed: too few to matter, except where every element is exact.
void collect_block(const std::uint8_t* bytes, PackedLeaves::Rest& rest) {
  for (std::size_t i = 0; i < block; ++i) {
    std::uint32_t word;
    std::memcpy(&word, bytes + 4 * i, sizeof word);
    const std::uint32_t magnitude = word & 0x7fffffffu;
    const bool normal = is_normal(magnitude);
    if (normal && (word & 0xfffu) == 0) rest.exact.push_back(word);
    if (!normal && magnitude != 0) rest.unusual.push_back(word);
  }
}

void empty_leaf(std::uint64_t* packed, std::uint32_t leaf, PackedLeaves::Rest& rest) {
  if (leaf < PackedLeaves::leaves) {
    rest.full.push_back(leaf);
    rest.emptied.push_back(packed[leaf]);
  }
  packed[leaf] = 0;
}

void count_blocks(const std::uint8_t* bytes, std::size_t blocks, std::uint64_t* packed, PackedLeaves::Rest& rest) {
  alignas(64) std::uint32_t leaf[block];
  alignas(64) std::uint64_t increment[block];
  for (std::size_t b = 0; b < blocks; ++b, bytes += 4 * block) {
    const BlockFacts facts = prepare_block(bytes, leaf, increment);
    for (std::size_t i = 0; i < block; ++i) {
      const std::uint64_t sum = packed[leaf[i]] + increment[i];
      packed[leaf[i]] = sum;
      if (HWY_UNLIKELY(sum >> 63 != 0)) empty_leaf(packed, leaf[i], rest);
    }
    if (facts.unusual || facts.exact) collect_block(bytes, rest);
    rest.zeros += facts.zeros;
    if (facts.max_magnitude > rest.max_magnitude) rest.max_magnitude = facts.max_magnitude;
    if (facts.min_magnitude < rest.min_magnitude) rest.min_magnitude = facts.min_magnitude;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowp {

HWY_EXPORT(count_blocks);

PackedLeaves::PackedLeaves()
    : packed_(static_cast<std::uint64_t*>(std::calloc(leaves + spare_leaves, sizeof(std::uint64_t)))) {
  if (!packed_) throw std::bad_alloc();
}

void PackedLeaves::Rest::clear() {
  full.clear();
  emptied.clear();
  unusual.clear();
  exact.clear();
  zeros = 0;
  max_magnitude = 0;
  min_magnitude = 0xffffffffu;
}

void PackedLeaves::Free::operator()(std::uint64_t* pointer) const {
  std::free(pointer);
}

void PackedLeaves::count(std::span<const std::byte> words, Rest& rest) {
  constexpr std::size_t block_bytes = 256 * sizeof(std::uint32_t);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data());
  const std::size_t whole = words.size() / block_bytes;
  HWY_DYNAMIC_DISPATCH(count_blocks)(bytes, whole, packed_.get(), rest);
  if (const std::size_t left = words.size() % block_bytes; left != 0) {
    std::uint8_t padded[block_bytes] = {};
    std::memcpy(padded, bytes + whole * block_bytes, left);
    HWY_DYNAMIC_DISPATCH(count_blocks)(padded, 1, packed_.get(), rest);
    rest.zeros -= (block_bytes - left) / sizeof(std::uint32_t);
  }
}

}  // namespace lowp
#endif  // HWY_ONCE
