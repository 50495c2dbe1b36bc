// SPDX-License-Identifier: Apache-2.0
// Evidence of level `counts`: enough of each binade for every class count of every format with up to ten fraction bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/core/dtype.h"
#include "lowp/summary/binade_table.h"
#include "lowp/summary/census.h"

namespace lowp {

// The finite non-zero elements of one sign and binade, by their fractions f in [0, 1). Thirty-six numbers; fewer do not
// suffice for all seven modes (33 is the least).
struct BinadeCountsRow {
  static constexpr std::size_t places = 12;  // at 1 - 2^-j for j = 1 .. 11, and at 13/16
  static constexpr std::size_t widths = 11;

  bool negative = false;
  int binade = 0;
  std::uint64_t count = 0;
  std::array<std::uint64_t, 11> at_least{};     // [j - 1]: f >= 1 - 2^-j
  std::uint64_t above_13_16 = 0;                // f > 13/16, where E4M3's overflow begins
  std::array<std::uint64_t, widths> on_grid{};  // [q]: no bit of f below the q-th
  std::array<std::uint64_t, places> equal{};    // [j - 1]: f = 1 - 2^-j; the last: f = 13/16; nearly always 0

  void add(const BinadeCountsRow& other);
  friend bool operator==(const BinadeCountsRow&, const BinadeCountsRow&) = default;
};

// Counts of one tensor as they are worked with.
struct CountedRows : Census {
  std::vector<BinadeCountsRow> rows;  // non-empty: negative first, each sign by rising binade

  friend bool operator==(const CountedRows&, const CountedRows&) = default;
};

// The same as they are kept: a tenth of the size. Equal contents are equal bytes.
class BinadeCounts : public Census {
 public:
  BinadeCounts() = default;
  explicit BinadeCounts(const CountedRows& counted);

  CountedRows counted() const;
  friend bool operator==(const BinadeCounts&, const BinadeCounts&) = default;

 private:
  std::vector<std::uint8_t> packed_;
};
BinadeCounts binade_counts_of(const BinadeTable& table);
BinadeCounts merged(const BinadeCounts& a, const BinadeCounts& b);

// The sum of the counts of many tensors.
class BinadeCountsSum {
 public:
  void add(const CountedRows& counts);
  bool is_empty() const { return census_.elements == 0; }
  BinadeCounts take();

 private:
  Census census_;
  std::map<std::pair<bool, int>, BinadeCountsRow> rows_;
};

// The pass that leaves them: about as fast as the one with all moments, for tensors of any size.
class BinadeCountsCounter {
 public:
  // Elements will be divided by 2^dump_scale_log2, the loss scale of the dump they come from.
  explicit BinadeCountsCounter(int dump_scale_log2 = 0);
  ~BinadeCountsCounter();
  BinadeCountsCounter(BinadeCountsCounter&&) noexcept;

  // Counts every element of `bytes` (whole elements of any dtype, little-endian) `weight` times.
  void count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight = 1);
  void count_zeros(std::uint64_t zeros);
  BinadeCounts take();  // what was counted; the counter is as new, its memory kept

  std::uint64_t elements() const { return census_.elements; }

 private:
  struct Tallies;
  void count_element(Exact x, std::uint64_t weight);
  void count_fp32(std::span<const std::byte> words);
  void take_words();

  int dump_scale_log2_;
  Census census_;
  std::unique_ptr<Tallies> tallies_;
};

}  // namespace lowp
