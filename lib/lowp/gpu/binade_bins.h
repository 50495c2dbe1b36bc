// SPDX-License-Identifier: Apache-2.0
// The pass for counts: elements and powers of two by sign and binade. What one thread of a block does, between barriers.
#pragma once

#include "lowp/gpu/element_run.h"
#include "lowp/gpu/element_slots.h"
#include "lowp/gpu/shared_words.h"

namespace lowp::gpu {

// The result, in device memory, zero before the first pass but for `least_less_one`, which is all ones. Indices are
// sign * most_slots + slot. `power` counts Inf in the last slot and zeros in slot 0.
struct BinSums {
  std::uint64_t count[2 * most_slots];
  std::uint64_t power[2 * most_slots];
  std::uint32_t largest, least_less_one;
};

// Bins in the shared memory of a block: `count` has a copy for each lane (or 16 copies where memory is short), which
// lies in a bank of its own, so that lanes never wait for each other whatever the data; `power`, seldom touched, has
// four.
template <class L>
struct BinadeBins {
  static constexpr std::uint32_t power_copies = 4;
  std::uint32_t* words;
  std::uint32_t copies;  // a power of two

  LOWP_HD static std::uint32_t size_in_words(std::uint32_t copies) {
    return 2 + 2 * L::slots * (copies + power_copies);
  }
  LOWP_HD std::uint32_t* extremes() const { return words; }
  LOWP_HD std::uint32_t* counts_of(std::uint32_t bin) const { return words + 2 + bin * copies; }
  LOWP_HD std::uint32_t* powers_of(std::uint32_t bin) const {
    return words + 2 + 2 * L::slots * copies + bin * power_copies;
  }
};

template <class L>
struct BinadeThread {
  BinadeBins<L> bins;
  ElementRun run;
  BinSums* sums;
  Place place;
  Extremes<L> extremes{};
  static constexpr int phases = 3;  // a barrier after each

  LOWP_HD void operator()(std::uint32_t code) {
    const std::uint32_t magnitude = code & L::magnitude;
    const std::uint32_t bin = slot_of<L>(magnitude) + ((code & L::sign) != 0 ? L::slots : 0);
    fetch_add(bins.counts_of(bin) + (place.thread & (bins.copies - 1)), 1);
    if (is_power<L>(magnitude)) fetch_add(bins.powers_of(bin) + place.thread % BinadeBins<L>::power_copies, 1);
    extremes.see(magnitude);
  }

  LOWP_HD void phase(int number) {
    if (number == 0) clear();
    if (number == 1) count();
    if (number == 2) flush();
  }

  LOWP_HD void clear() {
    const std::uint32_t size = BinadeBins<L>::size_in_words(bins.copies);
    for (std::uint32_t i = place.thread; i < size; i += place.threads) bins.words[i] = i == 1 ? 0xffffffffu : 0;
  }

  LOWP_HD void count() {
    visit_share<L::width>(run, place, *this);
    raise_to(bins.extremes(), extremes.largest);
    lower_to(bins.extremes() + 1, extremes.least_less_one);
  }

  // Copies are read from a different one on by each thread, again for the banks.
  LOWP_HD void flush() {
    for (std::uint32_t bin = place.thread; bin < 2 * L::slots; bin += place.threads) {
      std::uint64_t count = 0, power = 0;
      for (std::uint32_t k = 0; k < bins.copies; ++k) count += bins.counts_of(bin)[(k + bin) & (bins.copies - 1)];
      for (std::uint32_t k = 0; k < BinadeBins<L>::power_copies; ++k) power += bins.powers_of(bin)[k];
      const std::uint32_t at = bin < L::slots ? bin : bin - L::slots + most_slots;
      if (count != 0) add(&sums->count[at], count);
      if (power != 0) add(&sums->power[at], power);
    }
    if (place.thread != 0) return;
    raise_to(&sums->largest, bins.extremes()[0]);
    lower_to(&sums->least_less_one, bins.extremes()[1]);
  }
};

}  // namespace lowp::gpu
