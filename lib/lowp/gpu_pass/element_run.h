// SPDX-License-Identifier: Apache-2.0
// Elements in memory, read sixteen bytes at a time by many threads.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

namespace lowp::gpu {

// Which thread of which block this is. Blocks and threads that read one run share it among themselves.
struct ThreadPlace {
  std::uint32_t thread, threads;
  std::uint32_t block, blocks;
};
inline constexpr std::uint32_t fewest_threads = 32;  // of a block

struct alignas(16) Quad {
  std::uint32_t word[4];
};

// Whole elements in little-endian order, cut so that the middle is aligned to sixteen bytes. Any part may be empty.
struct ElementRun {
  const unsigned char* head;
  const Quad* quads;
  const unsigned char* tail;
  std::uint64_t quad_count;
  std::uint32_t head_bytes, tail_bytes;  // less than sixteen each
};

// `bytes` is aligned to the size of an element.
inline ElementRun run_of(const void* bytes, std::uint64_t size) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  const std::uint64_t to_aligned = (16 - reinterpret_cast<std::uintptr_t>(bytes) % 16) % 16;
  const std::uint64_t head = to_aligned < size ? to_aligned : size, quads = (size - head) / 16;
  return {at,    reinterpret_cast<const Quad*>(at + head), at + head + 16 * quads,
          quads, static_cast<std::uint32_t>(head),         static_cast<std::uint32_t>(size - head - 16 * quads)};
}

LOWP_HD inline Quad read_quad(const Quad* at) {
#if defined(__CUDA_ARCH__)
  const uint4 four = __ldg(reinterpret_cast<const uint4*>(at));
  return {{four.x, four.y, four.z, four.w}};
#else
  return *at;
#endif
}

// Calls visit(code) for each element of a quad, in order.
template <int width, class Visit>
LOWP_HD void visit_elements(const Quad& quad, Visit&& visit) {
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
  for (const std::uint32_t word : quad.word) {
    if constexpr (width == 32) {
      visit(word);
    } else {
      visit(word & 0xffffu);
      visit(word >> 16);
    }
  }
}

template <int width>
LOWP_HD std::uint32_t read_element(const unsigned char* at) {
  if constexpr (width == 32) return *reinterpret_cast<const std::uint32_t*>(at);
  return *reinterpret_cast<const std::uint16_t*>(at);
}

// Calls visit.quad(quad) and visit.element(code) for this thread's share of the elements, of `width` 16 or 32 bits.
// Over all places every element is visited once. Four loads are on their way before the first is used; what lies
// outside the quads is at most fourteen elements, one for each of the first threads.
template <int width, class Visit>
LOWP_HD void visit_share(const ElementRun& run, ThreadPlace place, Visit& visit) {
  const std::uint64_t step = std::uint64_t{place.blocks} * place.threads;
  std::uint64_t i = std::uint64_t{place.block} * place.threads + place.thread;
  for (; i + 3 * step < run.quad_count; i += 4 * step) {
    const Quad a = read_quad(run.quads + i), b = read_quad(run.quads + i + step);
    const Quad c = read_quad(run.quads + i + 2 * step), d = read_quad(run.quads + i + 3 * step);
    visit.quad(a);
    visit.quad(b);
    visit.quad(c);
    visit.quad(d);
  }
  for (; i < run.quad_count; i += step) visit.quad(read_quad(run.quads + i));
  if (place.block != 0) return;
  constexpr std::uint32_t bytes = width / 8;
  const std::uint32_t in_head = run.head_bytes / bytes, outside = in_head + run.tail_bytes / bytes;
  if (place.thread >= outside) return;
  visit.element(place.thread < in_head ? read_element<width>(run.head + place.thread * bytes)
                                       : read_element<width>(run.tail + (place.thread - in_head) * bytes));
}

}  // namespace lowp::gpu
