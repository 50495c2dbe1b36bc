// SPDX-License-Identifier: Apache-2.0
// The fused dot-product-add of tensor cores: integers only, one table row tells everything.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lowp/accumulate/model.h"
#include "lowp/core/exact.h"

namespace lowp {

// A number as an instruction reads it. `exponent` is that of the leading significand place, the smallest normal one for
// subnormals; the value is significand * 2^(exponent - fraction_bits).
struct Operand {
  Kind kind = Kind::zero;
  bool negative = false;
  std::int32_t exponent = 0;
  std::int32_t fraction_bits = 0;
  std::uint64_t significand = 0;
};

// `code` of format `f` as an operand. Codes of tf32 are those of FP32: the low 13 bits are dropped, not rounded.
Operand read_operand(Format f, std::uint64_t code);
// The format that an instruction of `row` sees when given `f`: FP16 where FP8 is decomposed, else f.
Operand read_operand(const TensorCore& row, Format f, std::uint64_t code);
bool is_tf32(Format f);

// What happened in one step, for people.
struct StepTrace {
  int largest_exponent = 0;
  std::vector<std::int64_t> terms;  // in units of 2^(largest_exponent - F), the accumulator last
  std::int64_t sum = 0;
  std::uint64_t result = 0;
};

// D = C + sum(a_k * b_k) as one instruction chain makes it: k ascending in steps of the row, missing products count as
// zeros. a and b have the same size; c and the result are codes of accumulator_format(row). Total: every bit pattern
// has an answer; NaN results are 0x7FFFFFFF or 0x7FFF on NVIDIA, the project's own NaN elsewhere. The row must be
// emulated and without scales.
std::uint64_t dot(const TensorCore& row, std::span<const Operand> a, std::span<const Operand> b, std::uint64_t c,
                  std::vector<StepTrace>* trace = nullptr);

// The same with block scales: one Operand of the row's scale format per `scale_block` elements of a and of b.
std::uint64_t scaled_dot(const TensorCore& row, std::span<const Operand> a, std::span<const Operand> b,
                         std::span<const Operand> a_scales, std::span<const Operand> b_scales, std::uint64_t c,
                         std::vector<StepTrace>* trace = nullptr);

// The sum of two accumulators outside the tensor core: IEEE, to nearest even; NaN as the row's instructions write it.
std::uint64_t promote(const TensorCore& row, std::uint64_t held, std::uint64_t main);

bool is_emulated(const TensorCore& row);

// The rounding at the end of a step, for |sum| < 2^62: the code of sum * 2^exponent; 0 gives +0.
std::uint64_t finish_step(StepRounding finish, std::int64_t sum, int exponent);

}  // namespace lowp
