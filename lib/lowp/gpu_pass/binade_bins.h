// SPDX-License-Identifier: Apache-2.0
// The pass for counts: how many elements share their nine leading bits, and how many have no others. What one thread of
// a block does, between barriers.
#pragma once

#include "lowp/gpu_pass/element_run.h"
#include "lowp/gpu_pass/element_slots.h"
#include "lowp/gpu_pass/shared_words.h"

namespace lowp::gpu {

inline constexpr std::uint32_t prefix_bits = 9, prefixes = 1u << prefix_bits;
inline constexpr std::uint32_t deep_widths = 24;  // of elements below the first prefix: 1 to 23 bits

// The result, in device memory, zero before the first pass but for `least_less_one`, which is all ones. A prefix is
// sign, exponent and, of FP16, three bits of the fraction: it names the binade unless its magnitude is zero. Such
// elements, if they are not zero, are counted again by sign and width of the rest.
struct BinSums {
  std::uint64_t count[prefixes];
  std::uint64_t bare[prefixes];  // of those: no bit is set below the prefix
  std::uint64_t deep[2 * deep_widths], deep_power[2 * deep_widths];
  std::uint32_t largest, least_less_one;  // magnitudes of finite elements, of those that are not zero
};

// The shared memory of a block. Every prefix has a copy for each lane, which lies in a bank of its own, so that lanes
// never wait for each other whatever the data (or eight copies where memory is short).
template <std::uint32_t copies>
struct PrefixBins {
  std::uint32_t* words;
  static constexpr std::uint32_t extreme_words = 2, deep_words = 4 * deep_widths;
  static constexpr std::uint32_t copied_words = prefixes * copies;
  static constexpr std::uint32_t size_in_words = 2 * copied_words + extreme_words + deep_words;

  LOWP_HD std::uint32_t* count() const { return words; }
  LOWP_HD std::uint32_t* bare() const { return words + copied_words; }
  LOWP_HD std::uint32_t* deep() const { return words + 2 * copied_words; }
  LOWP_HD std::uint32_t* deep_power() const { return deep() + 2 * deep_widths; }
  LOWP_HD std::uint32_t* largest() const { return deep() + deep_words; }
  LOWP_HD std::uint32_t* least_less_one() const { return largest() + 1; }
};

template <class L, std::uint32_t copies>
struct BinadeThread {
  PrefixBins<copies> bins;
  ElementRun run;
  BinSums* sums;
  ThreadPlace place;
  // Of what this thread saw, as 31-bit words in the order of magnitudes. Of two elements in one word the upper is
  // compared with the lower below it, which does not change the order of the upper ones.
  std::uint32_t largest = 0, least_less_unit = 0xffffffffu;
  static constexpr int phases = 3;  // a barrier after each
  static constexpr int rest_bits = L::width - static_cast<int>(prefix_bits), lift = 32 - L::width;
  static constexpr std::uint32_t rest = (1u << rest_bits) - 1, unit = 1u << lift;

  LOWP_HD void quad(const Quad& quad) {
    std::uint32_t most = 0, least = 0xffffffffu;
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (const std::uint32_t word : quad.word) {
      see(word & 0x7fffffffu, most, least);
      if constexpr (L::width == 16) {
        see((word << 16) & 0x7fffffffu, most, least);
        count_low(word);
      }
      count_high(word);
    }
    // Inf, NaN and what lies below the first prefix are rare, or else zero.
    if (most >= L::inf << lift || least < rest << lift) {
      visit_elements<L::width>(quad, [this](std::uint32_t code) { look_again(code); });
    } else {
      if (most > largest) largest = most;
      if (least < least_less_unit) least_less_unit = least;
    }
  }

  LOWP_HD void element(std::uint32_t code) {
    count_high(code << lift);
    look_again(code);
  }

  LOWP_HD void phase(int number) {
    if (number == 0) clear();
    if (number == 1) count();
    if (number == 2) flush();
  }

 private:
  LOWP_HD static void see(std::uint32_t magnitude, std::uint32_t& most, std::uint32_t& least) {
    if (magnitude > most) most = magnitude;
    if (magnitude - unit < least) least = magnitude - unit;  // zero becomes the largest of all
  }

  LOWP_HD void count_prefix(std::uint32_t prefix, bool bare) {
    const std::uint32_t at = prefix * copies | (place.thread & (copies - 1));
    fetch_add(bins.count() + at, 1);
    if (bare) fetch_add(bins.bare() + at, 1);
  }
  LOWP_HD void count_high(std::uint32_t word) {
    count_prefix(word >> (32 - prefix_bits), (word & (rest << lift)) == 0);
  }
  LOWP_HD void count_low(std::uint32_t word) { count_prefix((word >> rest_bits) % prefixes, (word & rest) == 0); }

  // What count_prefix() could not do for an element. Inf and NaN are no extremes.
  LOWP_HD LOWP_NOINLINE static void add_deep(std::uint32_t* deep, std::uint32_t code) {
    const std::uint32_t magnitude = code & L::magnitude;
    const std::uint32_t at = bit_width_of(magnitude) + ((code & L::sign) != 0 ? deep_widths : 0);
    fetch_add(deep + at, 1);
    if ((magnitude & (magnitude - 1)) == 0) fetch_add(deep + 2 * deep_widths + at, 1);
  }
  LOWP_HD void look_again(std::uint32_t code) {
    const std::uint32_t magnitude = code & L::magnitude;
    if (magnitude >= L::inf) return;
    see(magnitude << lift, largest, least_less_unit);
    if (magnitude - 1 < rest) add_deep(bins.deep(), code);
  }

  LOWP_HD void clear() {
    for (std::uint32_t i = place.thread; i < PrefixBins<copies>::size_in_words; i += place.threads) {
      bins.words[i] = bins.words + i == bins.least_less_one() ? 0xffffffffu : 0;
    }
  }

  LOWP_HD void count() {
    visit_share<L::width>(run, place, *this);
    raise_to(bins.largest(), largest >> lift);
    lower_to(bins.least_less_one(), least_less_unit >> lift);
  }

  // Threads begin with different copies, again for the banks.
  LOWP_HD std::uint64_t total(const std::uint32_t* of) const {
    std::uint64_t sum = 0;
    for (std::uint32_t k = 0; k < copies; ++k) sum += of[(k + place.thread) & (copies - 1)];
    return sum;
  }

  LOWP_HD void flush() {
    for (std::uint32_t prefix = place.thread; prefix < prefixes; prefix += place.threads) {
      const std::uint64_t all = total(bins.count() + prefix * copies), bare = total(bins.bare() + prefix * copies);
      if (all != 0) add(&sums->count[prefix], all);
      if (bare != 0) add(&sums->bare[prefix], bare);
    }
    for (std::uint32_t i = place.thread; i < 2 * deep_widths; i += place.threads) {
      if (bins.deep()[i] != 0) add(&sums->deep[i], bins.deep()[i]);
      if (bins.deep_power()[i] != 0) add(&sums->deep_power[i], bins.deep_power()[i]);
    }
    if (place.thread != 0) return;
    raise_to(&sums->largest, *bins.largest());
    lower_to(&sums->least_less_one, *bins.least_less_one());
  }
};

}  // namespace lowp::gpu
