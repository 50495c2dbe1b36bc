// SPDX-License-Identifier: Apache-2.0
// From what a counter holds to a table.
#include <algorithm>
#include <bit>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/binade_counter.h"

namespace lowp {
namespace {

Exact magnitude_of(std::uint64_t key) {
  const int binade = static_cast<int>(key >> wide_fraction_bits) - 1075;
  const std::uint64_t hidden = std::uint64_t{1} << wide_fraction_bits;
  return exact_finite(false, hidden | (key & (hidden - 1)), binade - wide_fraction_bits);
}

}  // namespace

void BinadeCounter::Block::take(std::size_t leaf, std::size_t first_leaf, BinadeTable::Parts& into) {
  const Sums held = std::exchange(sums[leaf], Sums{});
  into.cells.push_back(
      {held.count, held.exact, held.tail, held.tail_squared, static_cast<std::uint16_t>(first_leaf + leaf)});
  if (!carries) return;
  into.highs.push_back({std::exchange(carries->tail[leaf], 0), std::exchange(carries->tail_squared[leaf], 0)});
}

bool BinadeCounter::is_packed(int binade) const {
  if (packed_max_ == 0) return false;
  return static_cast<int>(packed_min_ >> 23) - 127 <= binade && binade <= static_cast<int>(packed_max_ >> 23) - 127;
}

// What the blocks of a page and the fast path hold of each leaf, in one go.
void BinadeCounter::take_page(bool negative, int binade, Page* held, BinadeTable::Parts& parts) {
  BinadeTable::Page taken{negative, binade - dump_scale_log2_, parts.cells.size(), 0, {}};
  const bool packed = is_packed(binade);
  const std::size_t first = (negative ? std::size_t{1} << 19 : 0) | static_cast<std::size_t>(binade + 127) << leaf_bits;
  for (std::size_t b = 0; b < BinadeTable::leaves / Block::leaves; ++b) {
    Block* const block = held != nullptr ? held->blocks[b].get() : nullptr;
    const std::size_t leaf = b * Block::leaves;
    if (packed) {
      take_packed(first + leaf, block, leaf, parts);
    } else if (block != nullptr) {
      for (std::uint64_t touched = block->touched; touched != 0; touched &= touched - 1) {
        block->take(static_cast<std::size_t>(std::countr_zero(touched)), leaf, parts);
      }
    }
    if (block != nullptr) block->touched = 0;
  }
  if (held != nullptr) taken.wide = std::exchange(held->wide, {});
  taken.end = parts.cells.size();
  if (taken.end != taken.begin) parts.pages.push_back(std::move(taken));
}

// Sixty-four leaves of the fast path from `packed_leaf` on, together with those of their block, if there is one. Wide
// tables count the same tails in smaller units.
void BinadeCounter::take_packed(std::size_t packed_leaf, Block* block, std::size_t first_leaf,
                                BinadeTable::Parts& parts) {
  const int widen = options_.fraction_bits - narrow_fraction_bits;
  for (std::size_t i = 0; i < Block::leaves; ++i) {
    const auto [packed, exact] = packed_->take(packed_leaf + i);
    const bool touched = block != nullptr && (block->touched >> i & 1) != 0;
    if ((packed | exact) == 0 && !touched) continue;
    if (widen != 0) {
      add_leaf(packed_leaf + i, packed, exact);
      block =
          &page(packed_leaf >> 19 != 0, static_cast<int>((packed_leaf >> leaf_bits) & 0xff) - 127).block_of(first_leaf);
      block->take(i, first_leaf, parts);
      continue;
    }
    const PackedLeaves::Sums sums = PackedLeaves::unpack(packed);
    const Block::Sums held = touched ? std::exchange(block->sums[i], Block::Sums{}) : Block::Sums{};
    parts.cells.push_back({held.count + sums.count, held.exact + exact, held.tail + sums.tail,
                           held.tail_squared + sums.tail_squared, static_cast<std::uint16_t>(first_leaf + i)});
  }
}

// Room for all cells that there can be, so that they need not move while they are taken.
std::size_t BinadeCounter::cells_at_most() const {
  std::size_t cells = 0;
  const std::size_t binades = pages_.size() / 2;
  for (std::size_t index = 0; index < pages_.size(); ++index) {
    if (is_packed(static_cast<int>(index % binades) + lowest_binade(options_.fraction_bits))) {
      cells += BinadeTable::leaves;
    } else if (pages_[index]) {
      for (const auto& block : pages_[index]->blocks) {
        cells += block ? static_cast<std::size_t>(std::popcount(block->touched)) : 0;
      }
    }
  }
  return cells;
}

BinadeTable BinadeCounter::take() {
  BinadeTable::Parts parts{
      options_.fraction_bits, options_.rounding, {elements_, zero_, nan_, inf_, {}, {}}, {}, {}, {}};
  if (packed_max_ != 0) {
    note_magnitude(decode(ieee_format(8, 23), packed_min_));
    note_magnitude(decode(ieee_format(8, 23), packed_max_));
  }
  if (max_key_ != 0) {
    parts.census.max_abs = lowest_terms(scaled(magnitude_of(max_key_), -dump_scale_log2_));
    parts.census.min_nonzero_abs = lowest_terms(scaled(magnitude_of(min_key_), -dump_scale_log2_));
  }
  parts.cells.reserve(cells_at_most());
  const std::size_t binades = pages_.size() / 2;
  for (std::size_t index = 0; index < pages_.size(); ++index) {
    const int binade = static_cast<int>(index % binades) + lowest_binade(options_.fraction_bits);
    if (pages_[index] || is_packed(binade)) take_page(index < binades, binade, pages_[index].get(), parts);
  }
  elements_ = zero_ = nan_ = inf_ = 0;
  max_key_ = 0;
  min_key_ = ~std::uint64_t{0};
  packed_max_ = 0;
  packed_min_ = 0xffffffffu;
  if (parts.cells.capacity() > 2 * parts.cells.size()) parts.cells.shrink_to_fit();
  return BinadeTable(std::move(parts));
}

}  // namespace lowp
