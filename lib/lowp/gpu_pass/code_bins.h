// SPDX-License-Identifier: Apache-2.0
// The pass over 16-bit elements with all moments: how often each code occurs says everything.
#pragma once

#include "lowp/gpu_pass/element_run.h"
#include "lowp/gpu_pass/shared_words.h"

namespace lowp::gpu {

inline constexpr std::uint32_t code_count = 65536;

// How often each code occurs, in device memory, zero before the first pass. Zeros of both signs are counted as code 0.
struct CodeSums {
  std::uint64_t count[code_count];
};

// Two codes share a word of shared memory, sixteen bits each.
inline constexpr std::uint32_t code_words = code_count / 2;
inline constexpr std::uint32_t full_code = 1u << 15;
inline constexpr std::uint32_t most_code_threads = 1024;
static_assert(full_code - 1 + most_code_threads < 65536);

// Counts `code`; true if the caller must empty_code() before it counts again. Then no half ever passes 2^16 - 1,
// whatever order the threads of a block run in: while it is below full_code nobody is behind, and from there on every
// thread adds at most once before it empties the word itself.
LOWP_HD inline bool count_code(std::uint32_t* words, std::uint32_t code) {
  const std::uint32_t shift = 16 * (code & 1);
  const std::uint32_t before = fetch_add(words + (code >> 1), 1u << shift);
  return ((before >> shift) & 0xffffu) >= full_code - 1;
}

LOWP_HD inline void empty_code(std::uint32_t* words, std::uint32_t word, CodeSums* sums) {
  const std::uint32_t held = exchange(words + word, 0);
  if ((held & 0xffffu) != 0) add(&sums->count[2 * word], held & 0xffffu);
  if (held >> 16 != 0) add(&sums->count[2 * word + 1], held >> 16);
}

// Shared memory of a block: a word for its zeros, then, where there is room, the codes.
struct CodeThread {
  std::uint32_t* zeros_of_block;
  std::uint32_t* words;  // null where shared memory is too small: every element then goes to device memory
  ElementRun run;
  CodeSums* sums;
  ThreadPlace place;
  std::uint32_t zeros = 0;          // of this thread: the commonest code must not make others wait
  static constexpr int phases = 3;  // a barrier after each

  LOWP_HD void quad(const Quad& quad) {
    visit_elements<16>(quad, [this](std::uint32_t code) { element(code); });
  }

  LOWP_HD void element(std::uint32_t code) {
    if ((code & 0x7fffu) == 0) {
      ++zeros;
    } else if (words == nullptr) {
      add(&sums->count[code], 1);
    } else if (count_code(words, code)) {
      empty_code(words, code >> 1, sums);
    }
  }

  LOWP_HD void phase(int number) {
    if (number == 0) clear();
    if (number == 1) count();
    if (number == 2) flush();
  }

  LOWP_HD void clear() {
    if (place.thread == 0) *zeros_of_block = 0;
    if (words == nullptr) return;
    for (std::uint32_t i = place.thread; i < code_words; i += place.threads) words[i] = 0;
  }

  LOWP_HD void count() {
    visit_share<16>(run, place, *this);
    if (zeros != 0) fetch_add(zeros_of_block, zeros);
  }

  LOWP_HD void flush() {
    if (place.thread == 0 && *zeros_of_block != 0) add(&sums->count[0], *zeros_of_block);
    if (words == nullptr) return;
    for (std::uint32_t i = place.thread; i < code_words; i += place.threads) {
      if (words[i] != 0) empty_code(words, i, sums);
    }
  }
};

}  // namespace lowp::gpu
