// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/binade_table.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/code_histogram.h"

namespace lowp {
namespace {

constexpr int lowest_binade(int fraction_bits) {
  return fraction_bits == wide_fraction_bits ? -1074 : -149;
}
constexpr int highest_binade(int fraction_bits) {
  return fraction_bits == wide_fraction_bits ? 1023 : 127;
}

void add_carrying(std::uint64_t& low, std::uint64_t* high, u128 value) {
  const u128 sum = static_cast<u128>(low) + static_cast<std::uint64_t>(value);
  low = static_cast<std::uint64_t>(sum);
  if (high != nullptr) *high += static_cast<std::uint64_t>(value >> 64) + static_cast<std::uint64_t>(sum >> 64);
}

// A finite magnitude as an integer in the order of magnitudes, never 0. `fraction` has 52 bits.
constexpr std::uint64_t magnitude_key(int binade, std::uint64_t fraction) {
  return (static_cast<std::uint64_t>(binade - WidePlan::lowest_binade + 1) << wide_fraction_bits) | fraction;
}
Exact magnitude_of(std::uint64_t key) {
  const int binade = static_cast<int>(key >> wide_fraction_bits) - 1 + WidePlan::lowest_binade;
  const std::uint64_t hidden = std::uint64_t{1} << wide_fraction_bits;
  return exact_finite(false, hidden | (key & (hidden - 1)), binade - wide_fraction_bits);
}

}  // namespace

void Group::add(const Group& other) {
  count += other.count;
  exact += other.exact;
  error_up += other.error_up;
  error_down += other.error_down;
  error_squared += other.error_squared;
  sum += other.sum;
  sum_squared += other.sum_squared;
}

void WidePlan::need(int binade, int fraction_bits) {
  if (needed_.empty()) needed_.resize(binades);
  needed_[static_cast<std::size_t>(binade - lowest_binade)] |= std::uint64_t{1} << fraction_bits;
}

Cell128 BinadeTable::Block::cell(std::size_t leaf) const {
  const Sums& held = sums[leaf];
  Cell128 cell{held.count, held.exact, held.tail, Integer256{held.tail_squared}};
  if (carries) {
    cell.tail |= static_cast<u128>(carries->tail[leaf]) << 64;
    cell.tail_squared.limb[1] = carries->tail_squared[leaf];
  }
  return cell;
}

inline void BinadeTable::Block::add(std::size_t leaf, std::uint64_t more, std::uint64_t more_exact, u128 more_tail,
                                    u128 more_squared) {
  touched |= std::uint64_t{1} << leaf;
  Sums& held = sums[leaf];
  held.count += more;
  held.exact += more_exact;
  add_carrying(held.tail, carries ? &carries->tail[leaf] : nullptr, more_tail);
  add_carrying(held.tail_squared, carries ? &carries->tail_squared[leaf] : nullptr, more_squared);
}

void BinadeTable::Block::clear() {
  for (; touched != 0; touched &= touched - 1) {
    const auto leaf = static_cast<std::size_t>(std::countr_zero(touched));
    sums[leaf] = {};
    if (carries) carries->tail[leaf] = carries->tail_squared[leaf] = 0;
  }
}

inline BinadeTable::Block& BinadeTable::Page::block_of(std::size_t leaf) {
  std::unique_ptr<Block>& slot = blocks[leaf / Block::leaves];
  if (!slot) {
    slot = std::make_unique<Block>();
    if (carries) slot->carries = std::make_unique<Block::Carries>();
  }
  return *slot;
}

Cell128 BinadeTable::Page::cell(std::size_t leaf) const {
  const std::unique_ptr<Block>& block = blocks[leaf / Block::leaves];
  return block ? block->cell(leaf % Block::leaves) : Cell128{};
}

bool BinadeTable::Page::is_empty() const {
  return std::ranges::none_of(blocks, [](const auto& block) { return block && block->touched != 0; });
}

BinadeTable::BinadeTable(PassOptions options) : options_(std::move(options)) {
  const int binades = highest_binade(options_.fraction_bits) - lowest_binade(options_.fraction_bits) + 1;
  pages_.resize(2 * static_cast<std::size_t>(binades));
}

BinadeTable::Page& BinadeTable::page(bool negative, int binade) {
  const std::size_t index = static_cast<std::size_t>(binade - lowest_binade(options_.fraction_bits));
  std::unique_ptr<Page>& slot = pages_[index + (negative ? 0 : pages_.size() / 2)];
  if (!slot) {
    slot = std::make_unique<Page>();
    slot->negative = negative;
    slot->binade = binade;
    slot->carries = options_.fraction_bits == wide_fraction_bits;
  }
  return *slot;
}

std::vector<const BinadeTable::Page*> BinadeTable::pages() const {
  assert(packed_max_ == 0);
  std::vector<const Page*> live;
  for (const auto& page : pages_) {
    if (page && !page->is_empty()) live.push_back(page.get());
  }
  return live;
}

// `fraction` is the significand without its leading one, in units of 2^(binade - fraction_bits).
inline void BinadeTable::count_element(bool negative, int binade, std::uint64_t fraction, std::uint64_t weight) {
  Page& target = page(negative, binade);
  const std::uint64_t key = magnitude_key(binade, fraction << (wide_fraction_bits - options_.fraction_bits));
  max_key_ = std::max(max_key_, key);
  min_key_ = std::min(min_key_, key);
  const int tail_bits = options_.fraction_bits - leaf_bits;
  const std::size_t leaf = static_cast<std::size_t>(fraction >> tail_bits);
  const std::uint64_t tail = fraction & low_bits(tail_bits);
  target.block_of(leaf).add(leaf % Block::leaves, weight, tail == 0 ? weight : 0, static_cast<u128>(tail) * weight,
                            static_cast<u128>(tail) * tail * weight);
  if (!options_.wide.empty()) count_wide(target, fraction, weight);
}

// Rounds one element to each recorded width: the same sums that moments_of() forms from leaves for narrow widths.
void BinadeTable::count_wide(Page& target, std::uint64_t fraction, std::uint64_t weight) {
  const std::uint64_t significand = fraction | (std::uint64_t{1} << options_.fraction_bits);
  for (std::uint64_t needed = options_.wide.needed(target.binade); needed != 0; needed &= needed - 1) {
    const int q = std::countr_zero(needed);
    const int dropped = options_.fraction_bits - q;
    const std::uint64_t tail = significand & low_bits(dropped), kept = significand >> dropped;
    const Tail fraction_tail{dropped == 0 ? 0 : tail << (64 - dropped), false};
    const bool away = rounds_away(options_.rounding, target.negative, (kept & 1) != 0, fraction_tail);
    const std::uint64_t distance = (std::uint64_t{2} << q) - kept - (away ? 1 : 0);
    Group& group = target.wide[q][static_cast<std::size_t>(std::min<std::uint64_t>(distance, 3))];
    const std::uint64_t error = away ? (std::uint64_t{1} << dropped) - tail : tail;
    group.count += weight;
    group.exact += tail == 0 ? weight : 0;
    (away ? group.error_up : group.error_down) += static_cast<u128>(error) * weight;
    group.error_squared += product(static_cast<u128>(error) * error, weight);
    group.sum += static_cast<u128>(significand) * weight;
    group.sum_squared += product(static_cast<u128>(significand) * significand, weight);
  }
}

// IEEE words, read bit by bit with integers only: FTZ and DAZ set by anyone cannot touch them.
template <class Word, int exponent_bits, int stored_fraction_bits>
void BinadeTable::count_words(std::span<const std::byte> bytes, std::uint64_t weight) {
  constexpr Format format = ieee_format(exponent_bits, stored_fraction_bits);
  constexpr std::uint64_t magnitude_part = magnitude_mask(format), inf = inf_code(format);
  const int widen = options_.fraction_bits - stored_fraction_bits;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    const std::uint64_t magnitude = word & magnitude_part;
    const bool negative = (word & sign_bit(format)) != 0;
    if (magnitude == 0) {
      zero_ += weight;
    } else if (magnitude >= inf) {
      (magnitude == inf ? inf_ : nan_) += weight;
    } else if (const int field = static_cast<int>(magnitude >> stored_fraction_bits); field != 0) {
      count_element(negative, field - format.bias, (magnitude & low_bits(stored_fraction_bits)) << widen, weight);
    } else {
      const int up = stored_fraction_bits + 1 - bit_width(magnitude);
      const std::uint64_t fraction = (magnitude << up) & low_bits(stored_fraction_bits);
      count_element(negative, min_exponent(format) - up, fraction << widen, weight);
    }
  }
}

void BinadeTable::count_exact(Exact x, std::uint64_t weight) {
  switch (x.kind) {
    case Kind::zero: zero_ += weight; return;
    case Kind::nan: nan_ += weight; return;
    case Kind::inf: inf_ += weight; return;
    case Kind::finite: break;
  }
  const std::uint64_t significand = x.significand << (options_.fraction_bits + 1 - bit_width(x.significand));
  count_element(x.negative, exponent_of(x), significand & low_bits(options_.fraction_bits), weight);
}

// What a leaf of the fast path held, brought to the page it belongs to. The low 12 bits of FP32 words are the tail of
// eleven fraction bits in a 23-bit table; wider tables count the same tail in smaller units.
void BinadeTable::add_leaf(std::size_t leaf, std::uint64_t packed, std::uint64_t exact) {
  const PackedLeaves::Sums sums = PackedLeaves::unpack(packed);
  const int widen = options_.fraction_bits - narrow_fraction_bits;
  Page& target = page(leaf >> 19 != 0, static_cast<int>((leaf >> leaf_bits) & 0xff) - 127);
  const std::size_t at = leaf % leaves;
  target.block_of(at).add(at % Block::leaves, sums.count, exact, static_cast<u128>(sums.tail) << widen,
                          static_cast<u128>(sums.tail_squared) << 2 * widen);
}

void BinadeTable::count_packed(std::span<const std::byte> words) {
  constexpr std::size_t piece = std::size_t{1} << 18;  // bytes: what is put aside stays small and in cache
  if (!packed_) packed_ = std::make_unique<PackedLeaves>();
  for (std::size_t begin = 0; begin < words.size(); begin += piece) {
    const PackedLeaves::Rest& rest = packed_->count(words.subspan(begin, std::min(piece, words.size() - begin)));
    zero_ += rest.zeros;
    packed_max_ = std::max(packed_max_, rest.max_magnitude);
    packed_min_ = std::min(packed_min_, rest.min_magnitude);
    for (const auto& [leaf, packed] : rest.full_leaves()) add_leaf(leaf, packed, 0);
    count_words<std::uint32_t, 8, 23>(std::as_bytes(std::span(rest.unusual)), 1);
  }
}

// Only binades between the smallest and the largest magnitude can hold anything.
void BinadeTable::settle() {
  if (packed_max_ == 0) return;
  for (const std::uint32_t magnitude : {packed_min_, packed_max_}) {
    const std::uint64_t key = magnitude_key(static_cast<int>(magnitude >> 23) - 127,
                                            (magnitude & low_bits(23)) << (wide_fraction_bits - narrow_fraction_bits));
    max_key_ = std::max(max_key_, key);
    min_key_ = std::min(min_key_, key);
  }
  for (const std::size_t sign : {std::size_t{0}, std::size_t{1} << 19}) {
    for (std::size_t leaf = sign | packed_min_ >> 12; leaf <= (sign | packed_max_ >> 12); ++leaf) {
      const auto [packed, exact] = packed_->take(leaf);
      if ((packed | exact) != 0) add_leaf(leaf, packed, exact);
    }
  }
  packed_max_ = 0;
  packed_min_ = 0xffffffffu;
}

void BinadeTable::count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight) {
  assert(bytes.size() % static_cast<std::size_t>(dtype.bytes) == 0);
  elements_ += bytes.size() / static_cast<std::size_t>(dtype.bytes) * weight;
  // The fast path pays once emptying its leaves is cheap beside what went through them.
  constexpr std::uint64_t worth_packing = std::uint64_t{1} << 14;
  const bool packs = weight == 1 && options_.wide.empty() && elements_ >= worth_packing;
  if (dtype.bytes == 4 && packs) return count_packed(bytes);
  if (dtype.bytes == 4) return count_words<std::uint32_t, 8, 23>(bytes, weight);
  if (dtype.bytes == 8) {
    assert(options_.fraction_bits == wide_fraction_bits);
    return count_words<std::uint64_t, 11, 52>(bytes, weight);
  }
  for_each_code(dtype, bytes, [&](std::uint64_t code, std::uint64_t count) {
    count_exact(decode(dtype.format, code), count * weight);
  });
}

void BinadeTable::count_zeros(std::uint64_t zeros) {
  elements_ += zeros;
  zero_ += zeros;
}

void BinadeTable::add(const CountedElsewhere& found, std::uint64_t weight) {
  assert(options_.wide.empty());
  const int widen = options_.fraction_bits - narrow_fraction_bits;
  for (const CountedElsewhere::Leaf& from : found.leaves) {
    page(from.negative, from.binade)
        .block_of(from.leaf)
        .add(from.leaf % Block::leaves, from.count * weight, from.exact * weight,
             static_cast<u128>(from.tail) * weight << widen,
             static_cast<u128>(from.tail_squared) * weight << 2 * widen);
    elements_ += from.count * weight;
  }
  elements_ += (found.zeros + found.infs + found.nans) * weight;
  zero_ += found.zeros * weight;
  inf_ += found.infs * weight;
  nan_ += found.nans * weight;
  if (found.leaves.empty()) return;
  for (const std::uint32_t magnitude : {found.min_magnitude, found.max_magnitude}) {
    const Exact x = decode(ieee_format(8, 23), magnitude);
    const std::uint64_t significand = x.significand << (wide_fraction_bits + 1 - bit_width(x.significand));
    const std::uint64_t key = magnitude_key(exponent_of(x), significand & low_bits(wide_fraction_bits));
    max_key_ = std::max(max_key_, key);
    min_key_ = std::min(min_key_, key);
  }
}

void BinadeTable::merge(const BinadeTable& other) {
  assert(options_ == other.options_);
  elements_ += other.elements_;
  zero_ += other.zero_;
  nan_ += other.nan_;
  inf_ += other.inf_;
  max_key_ = std::max(max_key_, other.max_key_);
  min_key_ = std::min(min_key_, other.min_key_);
  for (const Page* from : other.pages()) {
    Page& to = page(from->negative, from->binade);
    from->for_each_cell([&](std::size_t leaf, const Cell128& cell) {
      to.block_of(leaf).add(leaf % Block::leaves, cell.count, cell.exact, cell.tail,
                            cell.tail_squared.limb[0] | static_cast<u128>(cell.tail_squared.limb[1]) << 64);
    });
    for (const auto& [q, distances] : from->wide) {
      for (std::size_t d = 0; d < distances.size(); ++d) to.wide[q][d].add(distances[d]);
    }
  }
}

Exact BinadeTable::max_abs() const {
  return max_key_ == 0 ? exact_special(Kind::zero, false) : magnitude_of(max_key_);
}
Exact BinadeTable::min_nonzero_abs() const {
  return max_key_ == 0 ? exact_special(Kind::zero, false) : magnitude_of(min_key_);
}

void BinadeTable::clear() {
  settle();
  elements_ = zero_ = nan_ = inf_ = 0;
  max_key_ = 0;
  min_key_ = ~std::uint64_t{0};
  for (const auto& slot : pages_) {
    if (!slot) continue;
    Page& page = *slot;
    for (const auto& block : page.blocks) {
      if (block) block->clear();
    }
    page.wide.clear();
  }
}

}  // namespace lowp
