// SPDX-License-Identifier: Apache-2.0
// Which thread holds which element: the register fragments of mma.m16n8kK, and of wgmma.m64n8kK warp by warp (PTX ISA
// 9.0, 9.7.14.5 and 9.7.15.5). Host and device, so that a test can gather and scatter without a GPU.
#pragma once

#include <cstdint>

#include "lowp/core/portable.h"

namespace lowp::gpu {

struct Place {
  int row, column;
};

// All shapes follow one rule. A thread is lane 4 g + t of its warp. Operands are 32-bit words of `per_word` = 1, 2 or 4
// elements; a word of A or B covers elements t * per_word ... along k. Words of A alternate between rows g and g + 8,
// and every second one lies 4 * per_word further along k; words of B do the latter each time.
LOWP_HD constexpr Place place_in_a(int lane, int word, int element, int per_word) {
  return {lane / 4 + 8 * (word % 2), (lane % 4) * per_word + element + 4 * per_word * (word / 2)};
}
// Row is k, column is n.
LOWP_HD constexpr Place place_in_b(int lane, int word, int element, int per_word) {
  return {(lane % 4) * per_word + element + 4 * per_word * word, lane / 4};
}
// Of 4 FP32 words or 2 words of two FP16 each, `index` counts elements: two in row g, two in row g + 8.
LOWP_HD constexpr Place place_in_c(int lane, int index) {
  return {lane / 4 + 8 * (index / 2), (lane % 4) * 2 + index % 2};
}

// Code `element` of a word that packs them from the low end.
LOWP_HD constexpr std::uint32_t packed(std::uint32_t code, int element, int per_word) {
  return code << (element * (32 / per_word) % 32);
}
LOWP_HD constexpr std::uint32_t unpacked(std::uint32_t word, int element, int per_word) {
  const std::uint32_t shifted = word >> (element * (32 / per_word) % 32);
  return per_word == 1 ? shifted : shifted & ((std::uint32_t{1} << (32 / per_word)) - 1);
}

// Word `word` of lane's fragment of a matrix of codes. A: rows of `stride` codes; B: columns of `stride` codes.
LOWP_HD constexpr std::uint32_t gather_a(const std::uint32_t* a, int stride, int lane, int word, int per_word) {
  std::uint32_t bits = 0;
  for (int e = 0; e < per_word; ++e) {
    const Place at = place_in_a(lane, word, e, per_word);
    bits |= packed(a[at.row * stride + at.column], e, per_word);
  }
  return bits;
}
LOWP_HD constexpr std::uint32_t gather_b(const std::uint32_t* b, int stride, int lane, int word, int per_word) {
  std::uint32_t bits = 0;
  for (int e = 0; e < per_word; ++e) {
    const Place at = place_in_b(lane, word, e, per_word);
    bits |= packed(b[at.column * stride + at.row], e, per_word);
  }
  return bits;
}
// The accumulator: rows of 8 codes.
LOWP_HD constexpr std::uint32_t gather_c(const std::uint32_t* c, int lane, int word, int per_word) {
  std::uint32_t bits = 0;
  for (int e = 0; e < per_word; ++e) {
    const Place at = place_in_c(lane, word * per_word + e);
    bits |= packed(c[at.row * 8 + at.column], e, per_word);
  }
  return bits;
}
LOWP_HD constexpr void scatter_d(std::uint32_t* d, int lane, int word, int per_word, std::uint32_t bits) {
  for (int e = 0; e < per_word; ++e) {
    const Place at = place_in_c(lane, word * per_word + e);
    d[at.row * 8 + at.column] = unpacked(bits, e, per_word);
  }
}

}  // namespace lowp::gpu
