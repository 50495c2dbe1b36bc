// SPDX-License-Identifier: Apache-2.0
// The pass over FP32 words with all moments: the leaves of a BinadeTable. What one thread of a block does, between
// barriers.
#pragma once

#include "lowp/gpu_pass/element_run.h"
#include "lowp/gpu_pass/element_slots.h"
#include "lowp/gpu_pass/page_plan.h"
#include "lowp/gpu_pass/shared_words.h"

namespace lowp::gpu {

// A leaf in device memory: elements with a tail, elements without, and sums of the tails. One sector of L2.
struct LeafSums {
  std::uint64_t inside, exact, tail, tail_squared;
};

// Pages in device memory, all zero before the first pass: negative numbers first, each sign by rising binade.
inline constexpr std::uint32_t page_binades = Fp32Layout::slots - 2;
inline constexpr std::uint32_t page_count = 2 * page_binades;
inline constexpr int lowest_page_binade = -149;
struct Page {
  LeafSums leaf[page_leaves];
};

// What else a pass finds. `pages_touched` says which pages hold something. Zero before the first pass but for
// `least_less_one`, which is all ones.
struct PassFacts {
  std::uint64_t zeros, infs, nans;
  std::uint32_t largest, least_less_one;
  std::uint32_t pages_touched[page_count];
};

// Two words of shared memory hold a leaf: `sums` the elements with a tail r since it was last emptied (10 bits) above
// their sum of r (22 bits), `squares` the sum of r^2, whose overflow is known to the thread that caused it.
inline constexpr std::uint32_t full_leaf = 256;
inline constexpr std::uint32_t leaf_sum_bits = 32 - 10;
inline constexpr std::uint32_t most_leaf_threads = 768;
static_assert(full_leaf - 1 + most_leaf_threads <= 1023 && 1023u * 4095u < 1u << leaf_sum_bits);

// Adds a tail; true if the caller must empty_leaf() before it adds again. Then no field overflows, whatever order the
// threads of a block run in: while a leaf holds less than full_leaf nobody is behind, and from there on every thread
// adds at most once before it empties the leaf itself.
LOWP_HD inline bool add_tail(std::uint32_t* sums, std::uint32_t tail) {
  return fetch_add(sums, (1u << leaf_sum_bits) + tail) >> leaf_sum_bits >= full_leaf - 1;
}

LOWP_HD inline void empty_leaf(std::uint32_t* sums, LeafSums* into) {
  const std::uint32_t held = exchange(sums, 0);
  if (held == 0) return;
  add(&into->inside, held >> leaf_sum_bits);
  add(&into->tail, held & ((1u << leaf_sum_bits) - 1));
}

// True if the sum passed 2^32, which the caller must carry.
LOWP_HD inline bool add_square(std::uint32_t* squares, std::uint32_t tail) {
  const std::uint32_t square = tail * tail, before = fetch_add(squares, square);
  return before + square < before;
}

// The memory of a block: facts, the plan of its role, tiles.
struct LeafBlock {
  std::uint32_t* words;
  static constexpr std::uint32_t fact_words = 8, plan_words = plan_keys / 4;

  LOWP_HD static constexpr std::uint32_t size_in_words(std::uint32_t tiles) {
    return fact_words + plan_words + tiles * page_leaves;
  }
  LOWP_HD std::uint32_t* largest() const { return words; }
  LOWP_HD std::uint32_t* least_less_one() const { return words + 1; }
  LOWP_HD std::uint32_t* zeros() const { return words + 2; }
  LOWP_HD std::uint32_t* infs() const { return words + 3; }
  LOWP_HD std::uint32_t* nans() const { return words + 4; }
  LOWP_HD std::uint8_t* plan() const { return reinterpret_cast<std::uint8_t*>(words + fact_words); }
  LOWP_HD std::uint32_t* tile(std::uint32_t number) const {
    return words + fact_words + plan_words + number * page_leaves;
  }
};

// Adds a finite number that is not zero. A subnormal is shifted until its leading bit is where the hidden one would be.
// Kept out of the loop, which is long enough.
LOWP_HD LOWP_NOINLINE inline void add_cold(Page* pages, PassFacts* facts, std::uint32_t word) {
  const std::uint32_t magnitude = word & Fp32Layout::magnitude, slot = slot_of<Fp32Layout>(magnitude);
  const std::uint32_t subnormal_bits = Fp32Layout::fraction_bits + 1;
  const std::uint32_t shift = slot < subnormal_bits ? subnormal_bits - slot : 0;
  const std::uint32_t fraction = (magnitude << shift) & Fp32Layout::fraction;
  const std::uint32_t page = slot - 1 + ((word & Fp32Layout::sign) != 0 ? 0 : page_binades);
  const std::uint32_t tail = fraction & ((1u << tail_bits) - 1);
  LeafSums* into = &pages[page].leaf[fraction >> tail_bits];
  set_flag(&facts->pages_touched[page]);
  if (tail == 0) {
    add(&into->exact, 1);
    return;
  }
  add(&into->inside, 1);
  add(&into->tail, tail);
  add(&into->tail_squared, tail * tail);
}

LOWP_HD LOWP_NOINLINE inline void empty_full_leaf(std::uint32_t* sums, LeafSums* into, PassFacts* facts,
                                                  std::uint32_t page) {
  empty_leaf(sums, into);
  set_flag(&facts->pages_touched[page]);
}

// The largest magnitude and the smallest but zero that one thread saw, of finite numbers. `least_less_one` is what the
// name says.
struct Extremes {
  std::uint32_t largest = 0;
  std::uint32_t least_less_one = 0xffffffffu;

  LOWP_HD void see(std::uint32_t magnitude) {
    if (magnitude > largest) largest = magnitude;
    if (magnitude - 1 < least_less_one) least_less_one = magnitude - 1;
  }
};

struct LeafThread {
  LeafBlock block;
  ElementRun run;
  Page* pages;
  PassFacts* facts;
  ThreadPlace place;  // among the blocks of its role
  const PagePlan* plan;
  std::uint32_t role;
  Extremes extremes{};
  std::uint32_t zeros = 0, infs = 0, nans = 0;
  static constexpr int phases = 3;  // a barrier after each

  // The four places are looked up before the first is used: what a thread waits for is the longest part of the pass.
  LOWP_HD void quad(const Quad& quad) {
    std::uint32_t first[4];
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int k = 0; k < 4; ++k) first[k] = block.plan()[plan_key(quad.word[k])];
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int k = 0; k < 4; ++k) count_word(quad.word[k], first[k]);
  }
  LOWP_HD void element(std::uint32_t word) { count_word(word, block.plan()[plan_key(word)]); }

  LOWP_HD void phase(int number) {
    if (number == 0) clear();
    if (number == 1) count();
    if (number == 2) flush();
  }

 private:
  LOWP_HD void count_word(std::uint32_t word, std::uint32_t first) {
    if (first == PagePlan::other) return;
    if (first == PagePlan::cold) return count_cold(word);
    extremes.see(word & Fp32Layout::magnitude);
    const std::uint32_t leaf = (word >> tail_bits) % page_leaves, tail = word & ((1u << tail_bits) - 1);
    std::uint32_t* held = block.tile(first) + leaf;
    if (tail == 0) {
      fetch_add(held, 1);
      return;
    }
    const bool full = add_tail(held, tail), carry = add_square(held + page_leaves, tail);
    if (full) empty_full_leaf(held, leaf_of(plan_key(word), leaf), facts, page_of(plan_key(word)));
    if (carry) add(&leaf_of(plan_key(word), leaf)->tail_squared, std::uint64_t{1} << 32);
  }

  // Of a key of normal numbers.
  LOWP_HD static std::uint32_t page_of(std::uint32_t key) {
    return (key % 256 + Fp32Layout::fraction_bits - 1) + ((key & 256) != 0 ? 0 : page_binades);
  }
  LOWP_HD LeafSums* leaf_of(std::uint32_t key, std::uint32_t leaf) const { return &pages[page_of(key)].leaf[leaf]; }

  // Whatever has no tile. Finite numbers go straight into device memory, the others are counted in registers.
  LOWP_HD void count_cold(std::uint32_t word) {
    const std::uint32_t magnitude = word & Fp32Layout::magnitude;
    if (magnitude == 0) {
      ++zeros;
    } else if (magnitude >= Fp32Layout::inf) {
      ++(magnitude == Fp32Layout::inf ? infs : nans);
    } else {
      extremes.see(magnitude);
      add_cold(pages, facts, word);
    }
  }

  LOWP_HD void clear() {
    const std::uint32_t size = LeafBlock::size_in_words(plan->tiles),
                        plan_end = LeafBlock::fact_words + LeafBlock::plan_words;
    for (std::uint32_t i = place.thread; i < size; i += place.threads) {
      if (i < LeafBlock::fact_words || i >= plan_end) block.words[i] = 0;
    }
    for (std::uint32_t key = place.thread; key < plan_keys; key += place.threads) {
      block.plan()[key] = plan->place[role][key];
    }
    if (place.thread == 1) *block.least_less_one() = 0xffffffffu;  // the thread that has just cleared it
  }

  LOWP_HD void count() {
    visit_share<32>(run, place, *this);
    raise_to(block.largest(), extremes.largest);
    lower_to(block.least_less_one(), extremes.least_less_one);
    if (zeros != 0) fetch_add(block.zeros(), zeros);
    if (infs != 0) fetch_add(block.infs(), infs);
    if (nans != 0) fetch_add(block.nans(), nans);
  }

  LOWP_HD void flush() {
    for (std::uint32_t first = 0; first < plan->tiles; ++first) {
      const std::uint32_t key = plan->owner[role][first];
      if (key == PagePlan::nobody) continue;
      bool any = false;
      for (std::uint32_t leaf = place.thread; leaf < page_leaves; leaf += place.threads) {
        any |= flush_leaf(key, block.tile(first) + leaf, leaf_of(key, leaf));
      }
      if (any) set_flag(&facts->pages_touched[page_of(key)]);
    }
    if (place.thread == 0) flush_facts();
  }

  // Whether elements were left. Where none were but squares are, the page was touched when the leaf was emptied.
  LOWP_HD static bool flush_leaf(std::uint32_t key, std::uint32_t* held, LeafSums* into) {
    const std::uint32_t left = *held;
    if (key >= 512) {
      if (left != 0) add(&into->exact, left);
      return left != 0;
    }
    empty_leaf(held, into);
    if (held[page_leaves] != 0) add(&into->tail_squared, held[page_leaves]);
    return left != 0;
  }

  LOWP_HD void flush_facts() const {
    raise_to(&facts->largest, *block.largest());
    lower_to(&facts->least_less_one, *block.least_less_one());
    if (*block.zeros() != 0) add(&facts->zeros, *block.zeros());
    if (*block.infs() != 0) add(&facts->infs, *block.infs());
    if (*block.nans() != 0) add(&facts->nans, *block.nans());
  }
};

}  // namespace lowp::gpu
