// SPDX-License-Identifier: Apache-2.0
// The fast half of a pass that only counts: one increment for two FP32 words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowp/summary/zero_pages.h"

namespace lowp {

// A key is the exponent field of a word and the number of cuts at or below its fraction; the signs are dropped. Cells
// count neighbours by both their keys, and either key's own counts are sums over the other's: half the additions, and
// the cells of real data fit the first-level cache.
class PairCounts {
 public:
  static constexpr std::size_t most_cuts = 7;
  static constexpr std::size_t block = 64;  // elements; count() takes whole blocks

  // `cuts` are fractions in units of 2^-23, rising. Words with a fraction of 0 or from `first_noticed` on are noticed.
  PairCounts(std::span<const std::uint32_t> cuts, std::uint32_t first_noticed);

  // Counts `words`, whole blocks at any alignment, and collects those that want another look: fractions as said above,
  // and every word but zeros whose magnitude is not within [low, high]. They are counted here all the same. The answer
  // holds until the next call.
  std::span<const std::uint32_t> count(std::span<const std::byte> words, std::uint32_t low, std::uint32_t high);

  // What was counted since the last call, by exponent field and number of cuts; zeros that stood together are in
  // `zeros`. Only fields 0, 255 and from `low_field` to `high_field` may have occurred since the pair counts were made.
  struct Sums {
    std::array<std::array<std::uint64_t, most_cuts + 1>, 256> of{};
    std::uint64_t zeros = 0;
  };
  Sums take(std::size_t low_field, std::size_t high_field);

 private:
  std::vector<std::uint32_t> cuts_;
  std::uint32_t first_noticed_;
  ZeroPages<std::uint32_t> cells_;
  std::vector<std::uint32_t> noticed_;
  std::uint64_t zeros_ = 0;
  std::uint64_t pairs_ = 0;  // since the last take(): no cell holds more
  Sums full_;                // what was taken before a cell could run over
};

}  // namespace lowp
