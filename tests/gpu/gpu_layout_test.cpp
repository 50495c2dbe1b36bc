// SPDX-License-Identifier: Apache-2.0
// Fragments and shared-memory layouts against the manual's formulas, written out shape by shape as it has them.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "lowp/accumulate/fdpa.h"
#include "lowp/core/formats.h"
#include "lowp/gpu/dot_cases.h"
#include "lowp/gpu/fragments.h"
#include "lowp/gpu/prediction.h"
#include "lowp/gpu/shared_matrix.h"

using namespace lowp;
using namespace lowp::gpu;

namespace {

int bits_of(std::string_view format) {
  return operand_format(format).width;
}

// PTX ISA 9.0, 9.7.14.5.7 to 9.7.14.5.11: row and column of element i of A, row of element i of B, as the manual's
// tables for each shape give them.
Place manual_a(int k, int bits, int lane, int i) {
  const int group = lane >> 2, thread = lane % 4;
  if (bits == 32 && k == 4) return {i == 0 ? group : group + 8, thread};
  if (bits == 32) return {i == 0 || i == 2 ? group : group + 8, i < 2 ? thread : thread + 4};
  if (bits == 16 && k == 8) return {i < 2 ? group : group + 8, thread * 2 + (i & 1)};
  if (bits == 16) return {i < 2 || (i >= 4 && i < 6) ? group : group + 8, thread * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
  if (k == 16) return {i < 4 ? group : group + 8, thread * 4 + (i & 3)};
  return {i < 4 || (i >= 8 && i < 12) ? group : group + 8, thread * 4 + (i & 3) + (i >= 8 ? 16 : 0)};
}
int manual_b_row(int k, int bits, int lane, int i) {
  const int thread = lane % 4;
  if (bits == 32) return k == 4 || i == 0 ? thread : thread + 4;
  if (bits == 16) return thread * 2 + (i & 1) + (i < 2 ? 0 : 8);
  return thread * 4 + (i & 3) + (i < 4 ? 0 : 16);
}

// An instruction made of one warp's registers: every lane's words are taken apart by the manual's formulas.
std::vector<std::uint32_t> multiply_through_registers(const MmaRow& row, const TensorCore& model,
                                                      const TileBatch& batch, int tile, int first_row) {
  const int a_per_word = 32 / bits_of(row.a), words_a = 16 * row.k / 32 / a_per_word;
  const int words_b = 8 * row.k / 32 / a_per_word, c_per_word = row.accumulator == "f16" ? 2 : 1;
  const std::uint32_t* a = batch.a.data() + (tile * row.m + first_row) * row.k;
  const std::uint32_t* b = batch.b.data() + tile * row.n * row.k;
  const std::uint32_t* c = batch.c.data() + (tile * row.m + first_row) * row.n;
  std::vector<std::vector<Operand>> left(16, std::vector<Operand>(static_cast<std::size_t>(row.k)));
  std::vector<std::vector<Operand>> right(8, std::vector<Operand>(static_cast<std::size_t>(row.k)));
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < words_a * a_per_word; ++i) {
      const Place at = manual_a(row.k, bits_of(row.a), lane, i);
      const std::uint32_t word = gather_a(a, row.k, lane, i / a_per_word, a_per_word);
      left[static_cast<std::size_t>(at.row)][static_cast<std::size_t>(at.column)] =
          read_operand(model, find_format(row.a).format, unpacked(word, i % a_per_word, a_per_word));
    }
    for (int i = 0; i < words_b * a_per_word; ++i) {
      const std::uint32_t word = gather_b(b, row.k, lane, i / a_per_word, a_per_word);
      right[static_cast<std::size_t>(lane >> 2)]
           [static_cast<std::size_t>(manual_b_row(row.k, bits_of(row.b), lane, i))] =
               read_operand(model, find_format(row.b).format, unpacked(word, i % a_per_word, a_per_word));
    }
  }
  std::vector<std::uint32_t> d(16 * 8, 0xDEADBEEF);
  for (int lane = 0; lane < 32; ++lane) {
    for (int word = 0; word < 4 / c_per_word; ++word) {
      const std::uint32_t before = gather_c(c, lane, word, c_per_word);
      std::uint32_t after = 0;
      for (int e = 0; e < c_per_word; ++e) {
        const int i = word * c_per_word + e;  // the manual: row group or group + 8, columns 2 t and 2 t + 1
        const auto line = static_cast<std::size_t>((lane >> 2) + (i < 2 ? 0 : 8));
        const auto column = static_cast<std::size_t>((lane % 4) * 2 + (i & 1));
        const std::uint64_t result = dot(model, left[line], right[column], unpacked(before, e, c_per_word));
        after |= packed(static_cast<std::uint32_t>(result), e, c_per_word);
      }
      scatter_d(d.data(), lane, word, c_per_word, after);
    }
  }
  return d;
}

}  // namespace

TEST_CASE("products through registers are those of the matrices, on every instruction") {
  for (const MmaRow& row : mma_rows()) {
    CAPTURE(std::string(row.ptx));
    const TensorCore* model = model_of("sm_90", row);
    REQUIRE(model != nullptr);
    for (const Draw draw : {Draw::normal, Draw::landmarks}) {
      const TileBatch batch = draw_tiles(row, draw, 2, 1, 7);
      const auto wanted = predict(*model, row, Feed::plain, batch);
      for (int tile = 0; tile < 2; ++tile) {
        for (int first = 0; first < row.m; first += 16) {  // the warps of a warpgroup
          const auto d = multiply_through_registers(row, *model, batch, tile, first);
          const auto from = wanted.begin() + (tile * row.m + first) * row.n;
          CHECK(std::equal(d.begin(), d.end(), from));
        }
      }
    }
  }
}

TEST_CASE("packing loses nothing") {
  for (const int per_word : {1, 2, 4}) {
    const std::uint32_t mask = per_word == 1 ? ~0u : (1u << (32 / per_word)) - 1;
    std::uint32_t word = 0;
    for (int e = 0; e < per_word; ++e) word |= packed((0x9E3779B9u * static_cast<unsigned>(e + 1)) & mask, e, per_word);
    for (int e = 0; e < per_word; ++e) {
      CHECK(unpacked(word, e, per_word) == ((0x9E3779B9u * static_cast<unsigned>(e + 1)) & mask));
    }
  }
}

TEST_CASE("the descriptor leads to the bytes that were stored") {
  const std::uint32_t start = 0x12340;
  const std::uint64_t descriptor = shared_descriptor(start);
  CHECK((descriptor >> 46) == 0);  // no base offset, no swizzle
  const auto field = [&](int at) { return static_cast<int>((descriptor >> at & 0x3FFF) << 4); };
  std::set<int> places;
  for (int row = 0; row < 64; ++row) {
    for (int k_byte = 0; k_byte < instruction_k_bytes; ++k_byte) {
      // In units of 16 bytes the operand is ((8, groups), 2) with strides ((1, stride offset), leading offset).
      const int walked = field(0) + row % 8 * 16 + row / 8 * field(32) + k_byte / 16 * field(16) + k_byte % 16;
      CHECK(walked == static_cast<int>(start) + shared_offset(row, k_byte));
      places.insert(shared_offset(row, k_byte));
    }
  }
  CHECK(places.size() == 64 * 32);
  CHECK(*places.rbegin() == 64 * 32 - 1);
}

TEST_CASE("the layout pattern tells where each element went") {
  for (const MmaRow& row : mma_rows()) {
    CAPTURE(std::string(row.ptx));
    std::vector<std::uint32_t> wanted;
    const TileBatch batch = layout_tiles(row, 16, 3, wanted);
    const TensorCore& model = *model_of("sm_90", row);
    CHECK(predict(model, row, Feed::plain, batch) == wanted);
    TileBatch swapped = batch;  // two neighbours along k of A alone
    for (std::size_t i = 0; i < swapped.a.size(); i += static_cast<std::size_t>(row.k))
      std::swap(swapped.a[i], swapped.a[i + 1]);
    CHECK(predict(model, row, Feed::plain, swapped) != wanted);
    TileBatch moved = batch;  // every row of A one line up
    std::rotate(moved.a.begin(), moved.a.begin() + row.k, moved.a.end());
    CHECK(predict(model, row, Feed::plain, moved) != wanted);
  }
}
