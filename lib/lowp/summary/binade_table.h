// SPDX-License-Identifier: Apache-2.0
// The sufficient statistic of a tensor: from it every count and every error moment follows exactly, for every
// power-of-two scale and every format whose fraction it resolves. Mergeable by addition, so the result does not depend
// on threads, chunks or order.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/core/format.h"
#include "lowp/core/rounding.h"
#include "lowp/exact/wide_sum.h"
#include "lowp/summary/packed_leaves.h"

namespace lowp {

// A finite non-zero element is (-1)^negative * significand * 2^(binade - fraction_bits), the significand in
// [2^fraction_bits, 2^(fraction_bits + 1)). Tables count in that unit: 23 bits hold FP32 and everything narrower,
// 52 bits hold FP64.
inline constexpr int narrow_fraction_bits = 23;
inline constexpr int wide_fraction_bits = 52;

// Elements that share their sign, their binade and their leading bits. `tail` sums what lies below those bits.
struct Cell128 {
  std::uint64_t count = 0;
  std::uint64_t exact = 0;  // elements whose tail is zero
  u128 tail = 0;
  Integer256 tail_squared;
};

// Elements that share sign, binade and the representable number they round to being the same distance from the end of
// the binade. Errors are |result - element| in units of 2^(binade - fraction_bits), squares in units squared.
struct Group {
  std::uint64_t count = 0;
  std::uint64_t exact = 0;
  u128 error_up = 0;    // summed over elements rounded away from zero
  u128 error_down = 0;  // summed over elements rounded towards zero
  Integer256 error_squared;
  u128 sum = 0;  // of the elements themselves
  Integer256 sum_squared;

  void add(const Group& other);
};

// What rounding to q fraction bits does to one binade: by_distance[d] holds the elements whose result lies d units of
// 2^(binade - q) below the next power of two, 3 standing for "3 or more". d = 0 is a carry into the next binade.
using Distances = std::array<Group, 4>;

// Fraction widths a format needs beyond those a table resolves by itself, per binade. Empty for formats with at most
// `leaf_bits - 1` fraction bits.
class WidePlan {
 public:
  static constexpr int lowest_binade = -1074;
  static constexpr int binades = 1023 - lowest_binade + 1;

  bool empty() const { return needed_.empty(); }
  std::uint64_t needed(int binade) const {  // bit q is set when rounding to q fraction bits must be recorded
    return needed_.empty() ? 0 : needed_[static_cast<std::size_t>(binade - lowest_binade)];
  }
  void need(int binade, int fraction_bits);
  friend bool operator==(const WidePlan&, const WidePlan&) = default;

 private:
  std::vector<std::uint64_t> needed_;
};

// How a pass is made. The same options must have made tables that are merged.
struct PassOptions {
  int fraction_bits = narrow_fraction_bits;
  Rounding rounding = Rounding::nearest_even;  // used only by `wide`
  WidePlan wide;

  friend bool operator==(const PassOptions&, const PassOptions&) = default;
};

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

class BinadeTable {
 public:
  static constexpr int leaf_bits = 11;  // leading fraction bits that are told apart: rounds to 10 bits and fewer
  static constexpr std::size_t leaves = std::size_t{1} << leaf_bits;

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

    Cell128 cell(std::size_t leaf) const;
    void add(std::size_t leaf, std::uint64_t count, std::uint64_t exact, u128 tail, u128 tail_squared);
    void clear();  // costs time only for what was touched
  };

  // One sign and one binade: blocks that were touched, so that a lone value costs little.
  struct Page {
    bool negative = false;
    int binade = 0;
    bool carries = false;  // of its blocks
    std::array<std::unique_ptr<Block>, leaves / Block::leaves> blocks;
    std::map<int, Distances> wide;

    Block& block_of(std::size_t leaf);
    Cell128 cell(std::size_t leaf) const;  // empty where nothing was touched
    bool is_empty() const;
    // Calls visit(leaf, cell) for every touched leaf, in order.
    template <class Visit>
    void for_each_cell(Visit visit) const {
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        if (!blocks[b]) continue;
        for (std::uint64_t bits = blocks[b]->touched; bits != 0; bits &= bits - 1) {
          const auto leaf = static_cast<std::size_t>(std::countr_zero(bits));
          visit(b * Block::leaves + leaf, blocks[b]->cell(leaf));
        }
      }
    }
  };

  explicit BinadeTable(PassOptions options = {});

  // THE PASS: counts every element of `bytes` (whole elements of `dtype`, little-endian) `weight` times. FP64 elements
  // need a table of 52 fraction bits. Until settle() only counting and clear() are allowed.
  void count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight = 1);
  void count_zeros(std::uint64_t zeros);
  // Adds what count() would have found, each element `weight` times. The table must ask for no widths of its own.
  void add(const CountedElsewhere& found, std::uint64_t weight = 1);
  void settle();  // brings what the fast path still holds into the pages

  void merge(const BinadeTable& other);  // made with the same options
  void clear();                          // as new, memory kept: costs time only for what was touched

  std::uint64_t elements() const { return elements_; }
  std::uint64_t zero_in() const { return zero_; }
  std::uint64_t nan_in() const { return nan_; }
  std::uint64_t inf_in() const { return inf_; }
  std::uint64_t nonzero_finite() const { return elements_ - zero_ - nan_ - inf_; }
  Exact max_abs() const;          // over finite elements; zero if there is none but zeros
  Exact min_nonzero_abs() const;  // over finite non-zero elements; zero if there is none
  const PassOptions& options() const { return options_; }
  // Non-empty pages: negative first, each sign by rising binade.
  std::vector<const Page*> pages() const;

 private:
  Page& page(bool negative, int binade);
  void count_element(bool negative, int binade, std::uint64_t fraction, std::uint64_t weight);
  void count_wide(Page& page, std::uint64_t fraction, std::uint64_t weight);
  void count_exact(Exact x, std::uint64_t weight);
  void count_packed(std::span<const std::byte> words);
  void add_leaf(std::size_t leaf, std::uint64_t packed, std::uint64_t exact);
  template <class Word, int exponent_bits, int stored_fraction_bits>
  void count_words(std::span<const std::byte> bytes, std::uint64_t weight);

  PassOptions options_;
  std::uint64_t elements_ = 0, zero_ = 0, nan_ = 0, inf_ = 0;
  std::uint64_t max_key_ = 0, min_key_ = ~std::uint64_t{0};  // magnitudes as ordered integers: binade above fraction
  std::vector<std::unique_ptr<Page>> pages_;                 // by sign and binade; null until touched
  std::unique_ptr<PackedLeaves> packed_;                     // the fast path, once it was taken
  std::uint32_t packed_max_ = 0, packed_min_ = 0xffffffffu;  // magnitudes between which it holds something
};

// What rounding one page to q fraction bits does, for every q the table resolves.
struct PageMoments {
  bool negative = false;
  int binade = 0;
  Group all;                                // every element as it is: exact, no error
  std::array<Distances, 12> by_fraction{};  // q = -1 .. 10 at index q + 1
  std::array<Group, 12> whole{};            // the same without telling distances apart
  std::map<int, Distances> wide;
  const Distances& rounded_to(int q) const;  // -1 <= q; q must be resolved
  Group all_rounded_to(int q) const;         // all distances together
};
PageMoments moments_of(const BinadeTable& table, const BinadeTable::Page& page, Rounding rounding);

}  // namespace lowp
