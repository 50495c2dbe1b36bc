// SPDX-License-Identifier: Apache-2.0
// Operands for matrix instructions: drawn in several ways, and the layout pattern whose products tell where each
// element went. The same seed gives the same codes everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lowp/gpu/backend.h"

namespace lowp::gpu {

// A sequence of 64-bit words (SplitMix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();
  bool one_in(unsigned n) { return bits() % n == 0; }
  double normal();  // sum of twelve uniforms less six: variance 1, no library's logarithm

 private:
  std::uint64_t state_;
};

enum class Draw : std::uint8_t { bits, normal, outliers, cancelling, subnormal, landmarks };
struct DrawName {
  std::string_view name;
  Draw draw;
  std::string_view meaning;
};
inline constexpr std::array draw_names{
    DrawName{"bits", Draw::bits, "random bit patterns, specials as they come"},
    DrawName{"normal", Draw::normal, "N(0, 1)"},
    DrawName{"outliers", Draw::outliers, "N(0, 1), one of a thousand a hundred times wider"},
    DrawName{"cancelling", Draw::cancelling, "exponents over the full range, products in pairs of opposite sign"},
    DrawName{"subnormal", Draw::subnormal, "operands around the smallest normal number; C zero or far larger"},
    DrawName{"landmarks", Draw::landmarks, "N(0, 1) with zeros, Inf, NaN, largest and smallest numbers among them"},
};

// The code of x in an operand's format, to nearest, saturated; tf32 as FP32 bits.
std::uint32_t code_of(std::string_view format, double x);
std::uint32_t accumulator_code(const MmaRow& row, double x);

TileBatch draw_tiles(const MmaRow& row, Draw draw, int tiles, int steps, std::uint64_t seed);

// Small integers of which each D element is exactly one: even tiles have one 1 in every row of A, odd ones one in every
// column of B; every fourth tile has only C. `wanted` gets D.
TileBatch layout_tiles(const MmaRow& row, int tiles, std::uint64_t seed, std::vector<std::uint32_t>& wanted);

}  // namespace lowp::gpu
