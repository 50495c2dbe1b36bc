// SPDX-License-Identifier: Apache-2.0
// THE PASS: counts elements, one counter per thread, and gives back a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/summary/binade_table.h"
#include "lowp/summary/packed_leaves.h"

namespace lowp {

// What a pass over FP32 words found elsewhere (on a GPU). Magnitudes are FP32 codes, of finite elements that are not
// zero; they are read only if there are leaves.
struct CountedElsewhere {
  struct Leaf {
    bool negative;
    int binade;
    std::size_t leaf;
    std::uint64_t count, exact, tail, tail_squared;  // in units of 2^(binade - narrow_fraction_bits)
  };
  std::uint64_t zeros = 0, infs = 0, nans = 0;
  std::uint32_t max_magnitude = 0, min_magnitude = 0;
  std::span<const Leaf> leaves;
};

// Mergeable by addition, so what comes out does not depend on threads, chunks or order.
class BinadeCounter {
 public:
  // Elements will be divided by 2^dump_scale_log2, the loss scale of the dump they come from.
  explicit BinadeCounter(TableOptions options = {}, int dump_scale_log2 = 0);

  // Counts every element of `bytes` (whole elements of `dtype`, little-endian) `weight` times. FP64 elements want a
  // counter of 52 fraction bits: an Error otherwise, and nothing is counted.
  Result<Done> count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight = 1);
  void count_zeros(std::uint64_t zeros);
  // Adds what count() would have found, each element `weight` times. An Error in a counter that records widths.
  Result<Done> add(const CountedElsewhere& found, std::uint64_t weight = 1);
  // Adds a table that a counter with these options and this dump scale gave; an Error for another.
  Result<Done> add(const BinadeTable& table);

  BinadeTable take();  // what was counted; the counter is as new, its memory kept

  std::uint64_t elements() const { return elements_; }  // so far
  const TableOptions& options() const { return options_; }

 private:
  // Sixty-four neighbouring leaves. Sums fit 64 bits for 23-bit tables (2^12 * 2^40 and 2^24 * 2^40); wider ones carry
  // over.
  struct Block {
    static constexpr std::size_t leaves = 64;
    struct Sums {  // side by side: one line of cache holds all that an addition touches
      std::uint64_t count = 0, exact = 0, tail = 0, tail_squared = 0;
    };
    struct Carries {
      std::array<std::uint64_t, leaves> tail{}, tail_squared{};
    };
    std::uint64_t touched = 0;
    std::array<Sums, leaves> sums{};
    std::unique_ptr<Carries> carries;

    void add(std::size_t leaf, std::uint64_t count, std::uint64_t exact, uint128 tail, uint128 tail_squared);
    void take(std::size_t leaf, std::size_t first_leaf, BinadeTable::Parts& into);  // its cell; it is emptied
  };
  // One sign and one binade: blocks that were touched, so that a lone value costs little.
  struct Page {
    bool negative = false;
    int binade = 0;
    bool carries = false;  // of its blocks
    std::array<std::unique_ptr<Block>, BinadeTable::leaves / Block::leaves> blocks;
    std::map<int, Distances> wide;

    Block& block_of(std::size_t leaf);
  };

  static constexpr int lowest_binade(int fraction_bits) { return fraction_bits == wide_fraction_bits ? -1074 : -149; }
  static constexpr int highest_binade(int fraction_bits) { return fraction_bits == wide_fraction_bits ? 1023 : 127; }
  Page& page(bool negative, int binade);
  void count_element(bool negative, int binade, std::uint64_t fraction, std::uint64_t weight);
  void count_wide(Page& page, std::uint64_t fraction, std::uint64_t weight);
  void count_exact(Exact x, std::uint64_t weight);
  void count_packed(std::span<const std::byte> words);
  void add_leaf(std::size_t leaf, std::uint64_t packed, std::uint64_t exact);
  void note_magnitude(Exact x);
  template <class Word, int exponent_bits, int stored_fraction_bits>
  void count_words(std::span<const std::byte> bytes, std::uint64_t weight);
  bool is_packed(int binade) const;  // whether the fast path may hold something of a binade
  void take_page(bool negative, int binade, Page* page, BinadeTable::Parts& parts);
  void take_packed(std::size_t packed_leaf, Block* block, std::size_t first_leaf, BinadeTable::Parts& parts);
  std::size_t cells_at_most() const;

  TableOptions options_;
  int dump_scale_log2_;
  std::uint64_t elements_ = 0, zero_ = 0, nan_ = 0, inf_ = 0;
  std::uint64_t max_key_ = 0, min_key_ = ~std::uint64_t{0};  // magnitudes as ordered integers: binade above fraction
  std::vector<std::unique_ptr<Page>> pages_;                 // by sign and binade; null until touched
  std::unique_ptr<PackedLeaves> packed_;                     // the fast path, once it was taken
  std::uint32_t packed_max_ = 0, packed_min_ = 0xffffffffu;  // magnitudes between which it holds something
};

}  // namespace lowp
