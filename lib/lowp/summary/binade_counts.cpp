// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/binade_counts.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/code_histogram.h"

namespace lowp {
namespace {

constexpr std::uint64_t thirteen_sixteenths = std::uint64_t{13} << 60;
constexpr std::size_t place_of_13_16 = BinadeCountsRow::places - 1;
constexpr int most_ones = 11;

// One binade while it is counted: by the number of leading ones, by the number of bits that a fraction needs.
struct Tally {
  std::uint64_t count = 0, above_13_16 = 0;
  std::array<std::uint64_t, most_ones + 1> ones{};
  std::array<std::uint64_t, BinadeCountsRow::widths> bits{};
  std::array<std::uint64_t, BinadeCountsRow::places> equal{};

  // `fraction` stands at the top of the word.
  void add_bits(std::uint64_t fraction, std::uint64_t weight) {
    const int needed = fraction == 0 ? 0 : 64 - std::countr_zero(fraction), leading = std::countl_one(fraction);
    if (needed < static_cast<int>(bits.size())) bits[static_cast<std::size_t>(needed)] += weight;
    if (leading == needed && leading >= 1 && leading <= most_ones)
      equal[static_cast<std::size_t>(leading - 1)] += weight;
    if (fraction == thirteen_sixteenths) equal[place_of_13_16] += weight;
  }
  void add_ones(std::uint64_t fraction, std::uint64_t weight) {
    ones[static_cast<std::size_t>(std::min(std::countl_one(fraction), most_ones))] += weight;
  }
  BinadeCountsRow row(bool negative, int binade) const {
    BinadeCountsRow row{negative, binade, count, {}, above_13_16, {}, equal};
    std::uint64_t sum = 0;
    for (std::size_t j = most_ones; j >= 1; --j) row.at_least[j - 1] = sum += ones[j];
    sum = 0;
    for (std::size_t q = 0; q < bits.size(); ++q) row.on_grid[q] = sum += bits[q];
    return row;
  }
};

// FP32 words by sign, exponent field and four bits of their fraction; what more is told of a few of them by prefix.
constexpr std::size_t word_cells = std::size_t{1} << 13, prefixes = 512;

}  // namespace

struct BinadeCountsCounter::Tallies {
  std::array<std::uint32_t, word_cells> cells{};
  std::array<std::unique_ptr<Tally>, prefixes> more;  // bits of fractions with few, leading ones beyond four
  std::map<std::pair<bool, int>, Tally> rows;         // everything else, and what was moved out of the cells
  std::uint64_t words = 0;                            // in the cells
  std::uint32_t max_normal = 0, min_normal = 0xffffffffu;

  Tally& more_of(std::size_t prefix) {
    if (!more[prefix]) more[prefix] = std::make_unique<Tally>();
    return *more[prefix];
  }
  Tally& row_of(bool negative, int binade) { return rows[{!negative, binade}]; }
};

BinadeCountsCounter::BinadeCountsCounter(int dump_scale_log2)
    : dump_scale_log2_(dump_scale_log2), tallies_(std::make_unique<Tallies>()) {}
BinadeCountsCounter::~BinadeCountsCounter() = default;
BinadeCountsCounter::BinadeCountsCounter(BinadeCountsCounter&&) noexcept = default;

void BinadeCountsCounter::count_element(Exact x, std::uint64_t weight) {
  switch (x.kind) {
    case Kind::zero: census_.zero_in += weight; return;
    case Kind::nan: census_.nan_in += weight; return;
    case Kind::inf: census_.inf_in += weight; return;
    case Kind::finite: break;
  }
  Tally& tally = tallies_->row_of(x.negative, exponent_of(x));
  const std::uint64_t fraction = x.significand << (64 - bit_width(x.significand)) << 1;
  tally.count += weight;
  tally.above_13_16 += fraction > thirteen_sixteenths ? weight : 0;
  tally.add_ones(fraction, weight);
  tally.add_bits(fraction, weight);
  add(census_, Census{0, 0, 0, 0, lowest_terms(x), lowest_terms(x)});
}

// Nearly all words are normal numbers with a fraction of more than eleven bits, fewer than four of them leading ones:
// one increment counts them.
void BinadeCountsCounter::count_fp32(std::span<const std::byte> words) {
  Tallies& t = *tallies_;
  std::uint32_t largest = t.max_normal, least = t.min_normal;
  for (std::size_t at = 0; at < words.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, words.data() + at, sizeof word);
    const std::uint32_t magnitude = word & 0x7fffffffu;
    if (magnitude - 0x00800000u >= 0x7f000000u) [[unlikely]] {
      count_element(decode(ieee_format(8, 23), word), 1);
      continue;
    }
    largest = std::max(largest, magnitude);
    least = std::min(least, magnitude);
    ++t.cells[word >> 19];
    if ((word & 0xfffu) == 0) [[unlikely]]
      t.more_of(word >> 23).add_bits(std::uint64_t{word} << 41, 1);
    if ((word & 0x780000u) == 0x780000u) [[unlikely]]
      t.more_of(word >> 23).add_ones(std::uint64_t{word} << 41, 1);
  }
  t.max_normal = largest;
  t.min_normal = least;
  t.words += words.size() / 4;
}

void BinadeCountsCounter::take_words() {
  Tallies& t = *tallies_;
  if (t.max_normal == 0) return;
  const Exact largest = lowest_terms(decode(ieee_format(8, 23), t.max_normal)),
              least = lowest_terms(decode(ieee_format(8, 23), t.min_normal));
  add(census_, Census{0, 0, 0, 0, largest, least});
  for (std::size_t prefix = 0; prefix < prefixes; ++prefix) {
    const std::size_t field = prefix % 256;
    if (field < t.min_normal >> 23 || field > t.max_normal >> 23) continue;
    std::uint32_t* const cells = t.cells.data() + prefix * 16;
    Tally moved;
    for (std::uint64_t top = 0; top < 16; ++top) {
      const std::uint64_t count = std::exchange(cells[top], 0);
      moved.count += count;
      if (top < 15) moved.add_ones(top << 60, count);
      if (top >= 13) moved.above_13_16 += count;
    }
    if (moved.count == 0) continue;
    Tally& row = t.row_of(prefix >= 256, static_cast<int>(field) - 127);
    if (const auto& more = t.more[prefix]) {
      moved.above_13_16 -= more->equal[place_of_13_16];
      for (std::size_t j = 4; j < moved.ones.size(); ++j) moved.ones[j] += more->ones[j];
      moved.bits = more->bits;
      moved.equal = more->equal;
      *more = Tally{};
    }
    row.count += moved.count;
    row.above_13_16 += moved.above_13_16;
    for (std::size_t j = 0; j < row.ones.size(); ++j) row.ones[j] += moved.ones[j];
    for (std::size_t q = 0; q < row.bits.size(); ++q) row.bits[q] += moved.bits[q];
    for (std::size_t place = 0; place < row.equal.size(); ++place) row.equal[place] += moved.equal[place];
  }
  t.words = 0;
  t.max_normal = 0;
  t.min_normal = 0xffffffffu;
}

void BinadeCountsCounter::count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight) {
  const std::uint64_t elements = bytes.size() / static_cast<std::size_t>(dtype.bytes);
  census_.elements += elements * weight;
  if (dtype.bytes == 4 && weight == 1) {
    constexpr std::size_t piece = std::size_t{1} << 30;  // bytes: no cell runs over
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
      if (tallies_->words + piece / 4 >= std::uint64_t{1} << 32) take_words();
      count_fp32(bytes.subspan(begin, std::min(piece, bytes.size() - begin)));
    }
    return;
  }
  if (dtype.bytes <= 2) {
    for_each_code(dtype, bytes, [&](std::uint64_t code, std::uint64_t count) {
      count_element(decode(dtype.format, code), count * weight);
    });
    return;
  }
  const auto size = static_cast<std::size_t>(dtype.bytes);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::uint64_t code = 0;
    std::memcpy(&code, bytes.data() + at, size);
    count_element(decode(dtype.format, code), weight);
  }
}

void BinadeCountsCounter::count_zeros(std::uint64_t zeros) {
  census_.elements += zeros;
  census_.zero_in += zeros;
}

BinadeCounts BinadeCountsCounter::take() {
  take_words();
  CountedRows counts{std::exchange(census_, Census{}), {}};
  for (Exact* x : {&counts.max_abs, &counts.min_nonzero_abs}) *x = lowest_terms(scaled(*x, -dump_scale_log2_));
  counts.rows.reserve(tallies_->rows.size());
  for (const auto& [place, tally] : tallies_->rows) {
    counts.rows.push_back(tally.row(!place.first, place.second - dump_scale_log2_));
  }
  tallies_->rows.clear();
  return BinadeCounts(counts);
}

BinadeCounts binade_counts_of(const BinadeTable& table) {
  CountedRows counts{table.census(), {}};
  counts.rows.reserve(table.pages().size());
  for (const BinadeTable::Page& page : table.pages()) {
    Tally tally;
    for (const BinadeTable::Cell& cell : table.cells(page)) {
      const std::uint64_t fraction = std::uint64_t{cell.leaf} << (64 - leaf_bits);
      tally.count += cell.count;
      tally.above_13_16 += fraction > thirteen_sixteenths    ? cell.count
                           : fraction == thirteen_sixteenths ? cell.count - cell.exact
                                                             : 0;
      tally.add_ones(fraction, cell.count);
      if (cell.exact != 0) tally.add_bits(fraction, cell.exact);
    }
    counts.rows.push_back(tally.row(page.negative, page.binade));
  }
  return BinadeCounts(counts);
}

}  // namespace lowp
