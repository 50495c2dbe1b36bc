// SPDX-License-Identifier: Apache-2.0
// The inner loop of a matrix product: one fused step for 16 neighbouring columns, on the widest vectors there are.
#pragma once

#include <cstdint>

namespace lowp {

inline constexpr int panel_columns = 16;
inline constexpr int chunk_products = 16;  // products whose sum fits 32 bits
inline constexpr std::int32_t no_exponent = -10000;

// Operands of one step as integers. Significands are signed; those of a carry the shift to F fraction bits, so a
// product is in units of 2^(its exponent - F). Zeros have exponent no_exponent. b has `panel_columns` entries per k.
struct StepOperands {
  const std::int32_t* a_significand;
  const std::int32_t* a_exponent;
  const std::int32_t* b_significand;
  const std::int32_t* b_exponent;
  int products;
};

// An accumulator of FP32 codes that is cut toward zero.
struct FusedAccumulator {
  int fraction_bits;       // F: kept below the largest exponent of a step
  int zero_exponent;       // of an accumulator of zero
  int up, down;            // shifts of an FP32 significand to F fraction bits: max(F - 23, 0), max(23 - F, 0)
  int kept_fraction_bits;  // of a result: 23, or 13 for E8M13
};

// Per column: `largest` starts as the accumulators' exponents and becomes the largest of the step; `sums` gets, for
// each of two chunks of 16 products, their sum in units of 2^(largest - F), each product cut toward zero.
void fused_sums(const StepOperands& step, std::int32_t* largest, std::int32_t* sums);

// One step for `panel_columns` accumulators, none NaN. False where a result is subnormal: then nothing has changed.
bool fused_step(const StepOperands& step, const FusedAccumulator& kind, std::uint32_t* held);

}  // namespace lowp
