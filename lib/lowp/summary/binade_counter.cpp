// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/binade_counter.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/code_histogram.h"

namespace lowp {
namespace {

void add_carrying(std::uint64_t& low, std::uint64_t* high, uint128 value) {
  const uint128 sum = static_cast<uint128>(low) + static_cast<std::uint64_t>(value);
  low = static_cast<std::uint64_t>(sum);
  if (high != nullptr) *high += static_cast<std::uint64_t>(value >> 64) + static_cast<std::uint64_t>(sum >> 64);
}

// A finite magnitude as an integer in the order of magnitudes, never 0. `fraction` has 52 bits.
constexpr std::uint64_t magnitude_key(int binade, std::uint64_t fraction) {
  return (static_cast<std::uint64_t>(binade + 1075) << wide_fraction_bits) | fraction;
}
std::uint64_t key_of(Exact x) {
  const std::uint64_t significand = x.significand << (wide_fraction_bits + 1 - bit_width(x.significand));
  return magnitude_key(exponent_of(x), significand & low_bits(wide_fraction_bits));
}

}  // namespace

inline void BinadeCounter::Block::add(std::size_t leaf, std::uint64_t more, std::uint64_t more_exact, uint128 more_tail,
                                      uint128 more_squared) {
  touched |= std::uint64_t{1} << leaf;
  Sums& held = sums[leaf];
  held.count += more;
  held.exact += more_exact;
  add_carrying(held.tail, carries ? &carries->tail[leaf] : nullptr, more_tail);
  add_carrying(held.tail_squared, carries ? &carries->tail_squared[leaf] : nullptr, more_squared);
}

BinadeCounter::Block& BinadeCounter::Page::block_of(std::size_t leaf) {
  std::unique_ptr<Block>& slot = blocks[leaf / Block::leaves];
  if (!slot) {
    slot = std::make_unique<Block>();
    if (carries) slot->carries = std::make_unique<Block::Carries>();
  }
  return *slot;
}

BinadeCounter::BinadeCounter(TableOptions options, int dump_scale_log2)
    : options_(std::move(options)), dump_scale_log2_(dump_scale_log2) {
  const int binades = highest_binade(options_.fraction_bits) - lowest_binade(options_.fraction_bits) + 1;
  pages_.resize(2 * static_cast<std::size_t>(binades));
}

BinadeCounter::Page& BinadeCounter::page(bool negative, int binade) {
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

// `fraction` is the significand without its leading one, in units of 2^(binade - fraction_bits).
inline void BinadeCounter::count_element(bool negative, int binade, std::uint64_t fraction, std::uint64_t weight) {
  Page& target = page(negative, binade);
  const std::uint64_t key = magnitude_key(binade, fraction << (wide_fraction_bits - options_.fraction_bits));
  max_key_ = std::max(max_key_, key);
  min_key_ = std::min(min_key_, key);
  const int tail_bits = options_.fraction_bits - leaf_bits;
  const std::size_t leaf = static_cast<std::size_t>(fraction >> tail_bits);
  const std::uint64_t tail = fraction & low_bits(tail_bits);
  target.block_of(leaf).add(leaf % Block::leaves, weight, tail == 0 ? weight : 0, static_cast<uint128>(tail) * weight,
                            static_cast<uint128>(tail) * tail * weight);
  if (!options_.wide.empty()) count_wide(target, fraction, weight);
}

// Rounds one element to each recorded width: the same sums that moments_of() forms from leaves for narrow widths.
void BinadeCounter::count_wide(Page& target, std::uint64_t fraction, std::uint64_t weight) {
  const std::uint64_t significand = fraction | (std::uint64_t{1} << options_.fraction_bits);
  for (std::uint64_t needed = options_.wide.needed(target.binade - dump_scale_log2_); needed != 0;
       needed &= needed - 1) {
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
    (away ? group.error_up : group.error_down) += static_cast<uint128>(error) * weight;
    group.error_squared += product(static_cast<uint128>(error) * error, weight);
    group.sum += static_cast<uint128>(significand) * weight;
    group.sum_squared += product(static_cast<uint128>(significand) * significand, weight);
  }
}

// IEEE words, read bit by bit with integers only: FTZ and DAZ set by anyone cannot touch them.
template <class Word, int exponent_bits, int stored_fraction_bits>
void BinadeCounter::count_words(std::span<const std::byte> bytes, std::uint64_t weight) {
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

void BinadeCounter::count_exact(Exact x, std::uint64_t weight) {
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
void BinadeCounter::add_leaf(std::size_t leaf, std::uint64_t packed, std::uint64_t exact) {
  const PackedLeaves::Sums sums = PackedLeaves::unpack(packed);
  const int widen = options_.fraction_bits - narrow_fraction_bits;
  Page& target = page(leaf >> 19 != 0, static_cast<int>((leaf >> leaf_bits) & 0xff) - 127);
  const std::size_t at = leaf % BinadeTable::leaves;
  target.block_of(at).add(at % Block::leaves, sums.count, exact, static_cast<uint128>(sums.tail) << widen,
                          static_cast<uint128>(sums.tail_squared) << 2 * widen);
}

void BinadeCounter::count_packed(std::span<const std::byte> words) {
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

void BinadeCounter::note_magnitude(Exact x) {
  max_key_ = std::max(max_key_, key_of(x));
  min_key_ = std::min(min_key_, key_of(x));
}

Result<Done> BinadeCounter::count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight) {
  assert(bytes.size() % static_cast<std::size_t>(dtype.bytes) == 0);
  if (dtype.bytes == 8 && options_.fraction_bits != wide_fraction_bits)
    return Error{"", std::nullopt, "elements of at most 23 fraction bits in this table", std::string(dtype.name)};
  elements_ += bytes.size() / static_cast<std::size_t>(dtype.bytes) * weight;
  // The fast path pays once emptying its leaves is cheap beside what went through them.
  constexpr std::uint64_t worth_packing = std::uint64_t{1} << 14;
  const bool packs = weight == 1 && options_.wide.empty() && elements_ >= worth_packing;
  if (dtype.bytes == 4 && packs) {
    count_packed(bytes);
  } else if (dtype.bytes == 4) {
    count_words<std::uint32_t, 8, 23>(bytes, weight);
  } else if (dtype.bytes == 8) {
    count_words<std::uint64_t, 11, 52>(bytes, weight);
  } else {
    for_each_code(dtype, bytes, [&](std::uint64_t code, std::uint64_t count) {
      count_exact(decode(dtype.format, code), count * weight);
    });
  }
  return Done{};
}

void BinadeCounter::count_zeros(std::uint64_t zeros) {
  elements_ += zeros;
  zero_ += zeros;
}

Result<Done> BinadeCounter::add(const CountedElsewhere& found, std::uint64_t weight) {
  if (!options_.wide.empty()) return Error{"", std::nullopt, "formats with at most ten fraction bits", "more"};
  const int widen = options_.fraction_bits - narrow_fraction_bits;
  for (const CountedElsewhere::Leaf& from : found.leaves) {
    page(from.negative, from.binade)
        .block_of(from.leaf)
        .add(from.leaf % Block::leaves, from.count * weight, from.exact * weight,
             static_cast<uint128>(from.tail) * weight << widen,
             static_cast<uint128>(from.tail_squared) * weight << 2 * widen);
    elements_ += from.count * weight;
  }
  elements_ += (found.zeros + found.infs + found.nans) * weight;
  zero_ += found.zeros * weight;
  inf_ += found.infs * weight;
  nan_ += found.nans * weight;
  if (found.leaves.empty()) return Done{};
  note_magnitude(decode(ieee_format(8, 23), found.min_magnitude));
  note_magnitude(decode(ieee_format(8, 23), found.max_magnitude));
  return Done{};
}

Result<Done> BinadeCounter::add(const BinadeTable& table) {
  const int low = lowest_binade(options_.fraction_bits), high = highest_binade(options_.fraction_bits);
  const auto fits = [&](const BinadeTable::Page& from) {
    return low <= from.binade + dump_scale_log2_ && from.binade + dump_scale_log2_ <= high;
  };
  const auto recorded = [&](const BinadeTable::Page& from) {
    std::uint64_t widths = 0;
    for (const auto& [q, distances] : from.wide) widths |= std::uint64_t{1} << q;
    return widths == options_.wide.needed(from.binade);
  };
  const bool same_mode = !table.has_wide() || table.rounding() == options_.rounding;
  if (table.fraction_bits() != options_.fraction_bits || !same_mode || !std::ranges::all_of(table.pages(), fits) ||
      !std::ranges::all_of(table.pages(), recorded))
    return Error{"", std::nullopt, "a table counted with the same options and dump scale", "another"};
  const Census& census = table.census();
  elements_ += census.elements;
  zero_ += census.zero_in;
  nan_ += census.nan_in;
  inf_ += census.inf_in;
  for (const Exact x : {census.min_nonzero_abs, census.max_abs}) {
    if (x.kind == Kind::finite) note_magnitude(scaled(x, dump_scale_log2_));
  }
  for (const BinadeTable::Page& from : table.pages()) {
    Page& to = page(from.negative, from.binade + dump_scale_log2_);
    for (std::size_t i = from.begin; i < from.end; ++i) {
      const BinadeTable::Cell& more = table.cells(from)[i - from.begin];
      const std::size_t leaf = more.leaf;
      if (!to.carries) {
        Block& block = to.block_of(leaf);
        Block::Sums& held = block.sums[leaf % Block::leaves];
        block.touched |= std::uint64_t{1} << leaf % Block::leaves;
        held.count += more.count;
        held.exact += more.exact;
        held.tail += more.tail;
        held.tail_squared += more.tail_squared;
        continue;
      }
      const Cell128 cell = table.cell(i);
      to.block_of(leaf).add(leaf % Block::leaves, cell.count, cell.exact, cell.tail,
                            cell.tail_squared.limb[0] | static_cast<uint128>(cell.tail_squared.limb[1]) << 64);
    }
    for (const auto& [q, distances] : from.wide) {
      for (std::size_t d = 0; d < distances.size(); ++d) to.wide[q][d].add(distances[d]);
    }
  }
  return Done{};
}

}  // namespace lowp
