// SPDX-License-Identifier: Apache-2.0
// A matrix product as a library runs it: K split in parts, each an instruction chain, the parts added, the result
// scaled and stored.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lowp/accumulate/gemm.h"
#include "lowp/core/formats.h"

namespace lowp {

// Which k-tiles a part of a split K gets.
enum class TileOrder : std::uint8_t {
  interleaved,  // tile t goes to part t mod S
  contiguous,   // part s gets a run of ceil(T / S) tiles; the last parts may get none
};

// How the parts are added.
enum class Combination : std::uint8_t {
  serial,    // ((p0 + p1) + p2) + ...
  pairwise,  // with h = ceil(S / 2): slot i = p_i + p_(i+h) where i + h < S - 1, else p_i; then p_(S-1) + slot 0 + ...
};

// THE TABLE of how libraries split K: on an architecture, for 8-bit inputs. Anything else has the last row.
struct SplitRule {
  std::string_view architecture;  // of architecture_table
  int tile;                       // elements of K; 0: one instruction
  TileOrder order;
  Grade grade;
  std::string_view source;
};
inline constexpr std::array split_rules{
    SplitRule{"ada", 64, TileOrder::interleaved, Grade::recorded,
              "FP8 products of cuBLASLt 12.8 recorded on an RTX 4060 (mmaemu 0.1.0)"},
    SplitRule{"h100", 128, TileOrder::contiguous, Grade::single,
              "log of FP8 products of cuBLASLt on an H100 PCIe (mmaemu 0.1.0)"},
    SplitRule{"", 0, TileOrder::contiguous, Grade::inferred, "no recording: equal runs of whole instructions"},
};
const SplitRule& split_rule(const TensorCore& row, std::string_view input);

// How K is split, and how the parts are kept and added. `partial`: FP32 as in all 162,437 recorded FP8 decisions
// (reduction scheme COMPUTE_TYPE), or a 16-bit format where a library was allowed to reduce in the output's.
struct KSplit {
  int parts = 1;
  TileOrder order = TileOrder::contiguous;
  int tile = 0;  // elements; 0: one instruction
  Combination combination = Combination::serial;
  Format partial = ieee_format(8, 23);
};

// The elements of K that part `part` adds, in order.
std::vector<std::size_t> elements_of_part(const KSplit& split, int instruction_k, std::size_t k, int part);

// Adds the parts of one output, codes of `f`, in `partial`: each is rounded to it, every sum is. NaN as `row` writes
// it.
std::uint64_t combine(const TensorCore& row, const KSplit& split, std::span<const std::uint64_t> parts);

// a [M, K] times b [K, N] before the epilogue: codes of accumulator_format(row), row by row; with several parts codes
// of split.partial. A part without elements is +0; K = 0 gives zeros. The row must be emulated and have no scales.
std::vector<std::uint64_t> library_gemm(const GemmPath& path, const KSplit& split, const CodeMatrix& a,
                                        const CodeMatrix& b, int threads);
// The same for one output whose operands are given.
std::uint64_t library_gemm_output(const GemmPath& path, const KSplit& split, std::span<const Operand> a,
                                  std::span<const Operand> b);

// What becomes of an FP32 accumulator (torch._scaled_mm through cuBLASLt, recorded): alpha = fl32(scale_a * scale_b),
// y = fma(accumulator, alpha, +0) in FP32, then the output's format to nearest even, so that BF16 and FP16 are rounded
// twice. 8-bit outputs: y = fl32(y * scale_result) first, and what is too large, Inf too, becomes the largest number.
struct Epilogue {
  std::uint32_t scale_a = 0x3F800000, scale_b = 0x3F800000;  // FP32 bits
  std::optional<std::uint32_t> scale_result;                 // 8-bit outputs only; ignored for others
  Format output = ieee_format(8, 23);
};
// The stored code. NaN: every bit but the sign (0x7FFFFFFF, 0x7FFF, 0x7F).
std::uint64_t stored(const Epilogue& epilogue, std::uint32_t accumulator);

}  // namespace lowp
