// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/tensor_counts.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp32 = ieee_format(8, 23);
constexpr std::size_t prefixes = 512;  // sign and exponent field of an FP32 word

// Elements by sign and exponent field. Four interleaved tables, so that neighbours with one
// exponent do not serialise on store-to-load forwarding.
struct PrefixCounts {
  std::array<std::array<std::uint32_t, prefixes>, 4> count{};
  std::array<std::uint32_t, prefixes> powers_of_two{};  // a fraction of zero: zeros and infinities as well
  std::uint32_t max_normal = 0, min_normal = 0xffffffffu;

  std::uint64_t total(std::size_t prefix) const {
    std::uint64_t sum = 0;
    for (const auto& table : count) sum += table[prefix];
    return sum;
  }
};

std::uint32_t word_at(std::span<const std::byte> words, std::size_t index) {
  std::uint32_t word;
  std::memcpy(&word, words.data() + 4 * index, sizeof word);
  return word;
}

// The extremes and the fractions of zero word by word: for words among which there are subnormals, Inf, NaN or powers
// of two.
void look_at_each(PrefixCounts& counts, std::span<const std::byte> words) {
  for (std::size_t i = 0; i < words.size() / 4; ++i) {
    const std::uint32_t word = word_at(words, i), magnitude = word & 0x7fffffffu;
    if ((word & 0x7fffffu) == 0) ++counts.powers_of_two[word >> 23];
    if (magnitude - 0x00800000u >= 0x7f000000u) continue;
    counts.max_normal = std::max(counts.max_normal, magnitude);
    counts.min_normal = std::min(counts.min_normal, magnitude);
  }
}

// Mostly words are zeros and normal numbers with some fraction: then two loops suffice, of which compilers make the
// first one of vectors.
PrefixCounts count_prefixes(std::span<const std::byte> words) {
  PrefixCounts counts;
  const std::size_t size = words.size() / 4;
  std::uint32_t largest = 0, least_less_one = 0xffffffffu, power_of_two = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t word = word_at(words, i), magnitude = word & 0x7fffffffu, less_one = magnitude - 1;
    largest = largest < magnitude ? magnitude : largest;
    least_less_one = less_one < least_less_one ? less_one : least_less_one;  // of zeros: all ones
    power_of_two |= static_cast<std::uint32_t>((word & 0x7fffffu) == 0) & static_cast<std::uint32_t>(magnitude != 0);
  }
  for (std::size_t i = 0; i < size; ++i) ++counts.count[i % 4][word_at(words, i) >> 23];
  if (power_of_two != 0 || least_less_one < 0x007fffffu || largest >= 0x7f800000u) {
    look_at_each(counts, words);
    return counts;
  }
  for (const std::size_t zero : {std::size_t{0}, prefixes / 2}) {
    counts.powers_of_two[zero] = static_cast<std::uint32_t>(counts.total(zero));
  }
  counts.max_normal = largest;
  if (largest != 0) counts.min_normal = least_less_one + 1;
  return counts;
}

void add_element(std::vector<BinadeCount>& binades, Exact x, std::uint64_t weight) {
  const auto binade = static_cast<std::int16_t>(exponent_of(x));
  const auto same = std::ranges::find_if(
      binades, [&](const BinadeCount& held) { return held.binade == binade && held.negative == x.negative; });
  BinadeCount& held = same != binades.end() ? *same : binades.emplace_back(BinadeCount{binade, x.negative, 0, 0});
  held.count += weight;
  held.powers_of_two += (x.significand & (x.significand - 1)) == 0 ? weight : 0;
}

void take_extremes(TensorCounts& counts, Exact x) {
  x.negative = false;
  if (magnitude_less(counts.max_abs, x)) counts.max_abs = x;
  if (counts.min_nonzero_abs.kind == Kind::zero || magnitude_less(x, counts.min_nonzero_abs))
    counts.min_nonzero_abs = x;
}

// FP32 subnormals are rare enough to look at one by one.
void add_subnormals(TensorCounts& counts, std::span<const std::byte> words, std::uint64_t weight) {
  for (std::size_t at = 0; at < words.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, words.data() + at, sizeof word);
    if ((word & 0x7f800000u) != 0 || (word & 0x7fffffffu) == 0) continue;
    add_element(counts.binades, decode(fp32, word), weight);
    take_extremes(counts, decode(fp32, word));
  }
}

}  // namespace

TensorCounts counts_of_fp32(std::span<const std::byte> words, std::uint64_t weight, int dump_scale_log2) {
  const PrefixCounts prefix_counts = count_prefixes(words);
  TensorCounts counts;
  counts.elements = words.size() / 4 * weight;
  const bool any_normal = prefix_counts.max_normal != 0;
  const std::size_t low = any_normal ? prefix_counts.min_normal >> 23 : 1, high = prefix_counts.max_normal >> 23;
  std::size_t held = 0;  // reserved to the entry: a dump may have very many tensors
  for (std::size_t field = low; field <= high; ++field) {
    held += (prefix_counts.total(field) != 0 ? 1u : 0u) + (prefix_counts.total(prefixes / 2 | field) != 0 ? 1u : 0u);
  }
  counts.binades.reserve(held);
  for (const std::size_t sign : {std::size_t{256}, std::size_t{0}}) {
    const std::uint64_t specials = prefix_counts.total(sign | 255),
                        infinities = prefix_counts.powers_of_two[sign | 255];
    counts.inf_in += infinities * weight;
    counts.nan_in += (specials - infinities) * weight;
    counts.zero_in += prefix_counts.powers_of_two[sign] * weight;
    for (std::size_t field = low; field <= high; ++field) {
      const std::uint64_t count = prefix_counts.total(sign | field);
      if (count == 0) continue;
      counts.binades.push_back({static_cast<std::int16_t>(static_cast<int>(field) - fp32.bias), sign != 0,
                                count * weight, prefix_counts.powers_of_two[sign | field] * weight});
    }
  }
  if (any_normal) {
    take_extremes(counts, decode(fp32, prefix_counts.max_normal));
    take_extremes(counts, decode(fp32, prefix_counts.min_normal));
  }
  if (prefix_counts.total(0) + prefix_counts.total(256) !=
      prefix_counts.powers_of_two[0] + prefix_counts.powers_of_two[256]) {
    add_subnormals(counts, words, weight);
    std::ranges::sort(counts.binades, [](const BinadeCount& a, const BinadeCount& b) {
      return a.negative != b.negative ? a.negative : a.binade < b.binade;
    });
  }
  for (BinadeCount& row : counts.binades) row.binade = static_cast<std::int16_t>(row.binade - dump_scale_log2);
  for (Exact* x : {&counts.max_abs, &counts.min_nonzero_abs}) *x = lowest_terms(scaled(*x, -dump_scale_log2));
  return counts;
}

TensorCounts counts_of(const BinadeTable& table) {
  TensorCounts counts{table.census(), true, {}};
  for (const BinadeTable::Page& page : table.pages()) {
    BinadeCount& binade =
        counts.binades.emplace_back(BinadeCount{static_cast<std::int16_t>(page.binade), page.negative, 0, 0});
    const auto cells = table.cells(page);
    if (cells.front().leaf == 0) binade.powers_of_two = cells.front().exact;
    for (const BinadeTable::Cell& cell : cells) binade.count += cell.count;
  }
  return counts;
}

}  // namespace lowp
