// SPDX-License-Identifier: Apache-2.0
// The instructions that are run on the hardware, as values: what each computes and which chips have it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp::gpu {

// What machine code was made for: 750, 800, 890, 900, 1000, ... and whether for that chip alone (90a, 100a, 120a).
struct Target {
  int architecture = 0;
  bool specific = false;
};
// The tables number what only such code has: 1001 from 100a on, 1002 from 100a on but not on consumer chips (120a).
constexpr bool has_instruction(Target target, int wanted) {
  if (wanted == 1001) return target.specific && target.architecture >= 1000;
  if (wanted == 1002) return target.specific && target.architecture >= 1000 && target.architecture < 1200;
  if (wanted == 901) return target.specific && target.architecture == 900;
  return target.architecture >= wanted;
}
inline constexpr int wgmma_architecture = 901;  // sm_90a and nothing else

enum class Operation : std::uint8_t { convert, convert_between, add, sub, mul, fma };

// What the hardware is expected to return for codes a, b, c; plain enough to be a kernel's argument. convert_between is
// stochastic rounding: any of the two neighbours of an inexact value, whatever the random bits are.
struct Rule {
  Operation operation = Operation::convert;
  Format source{}, target{};
  Conversion how{};
  bool relu = false;
  bool saturate_to_one = false;
};

struct ConversionRow {
  std::string_view ptx, source, target;
  Rule rule;
  int architecture;
};
std::span<const ConversionRow> conversion_rows();

struct ArithmeticRow {
  std::string_view ptx, format;
  Rule rule;
  int architecture;
};
std::span<const ArithmeticRow> arithmetic_rows();

// D = C + A B of m x k, k x n codes.
struct MmaRow {
  std::string_view ptx, path;  // path: mma or wgmma, as in accumulate/model.h
  int m, n, k;
  std::string_view a, b, accumulator;
  int architecture;
};
std::span<const MmaRow> mma_rows();
bool is_wgmma(const MmaRow& row);

// tf32 operands are FP32 patterns, of which the instruction reads the upper 19 bits.
Format operand_format(std::string_view name);
Format accumulator_format(const MmaRow& row);

}  // namespace lowp::gpu
