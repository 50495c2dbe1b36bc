// SPDX-License-Identifier: Apache-2.0
// Everything a kernel needs for one (format, conversion), precomputed as 32-bit words; special results are taken from
// core when the plan is made.
#pragma once

#include <cstdint>

#include "lowp/batch/batch.h"
#include "lowp/batch/batch_fpu.h"
#include "lowp/core/format.h"
#include "lowp/core/rounding.h"

namespace lowp {

// How the rounded magnitude becomes the result, from the cheapest to the one that can do everything.
enum class ResultRule : std::uint8_t {
  nan_on_top,  // beyond the largest number everything is NaN
  signed_top,  // beyond it one value with the sign of the source, Inf sources too unless they are NaN; NaN apart
  nan_on_top_bare_zero,  // the same two where zero has no sign (FNUZ)
  signed_top_bare_zero,
  positive,   // unsigned formats: everything below zero is NaN, one value beyond, Inf sources too unless they are NaN
  by_sign,    // each sign has its own value beyond, and its own Inf
  small_too,  // and for results that are too small, flushed subnormals; Inf as what is beyond, or NaN
  full,       // flushed sources, zeros of their own, other rules for what is below zero
};

// Which bits are added before the low ones are cut off. Additions by the processor round by themselves: there nearest
// stands for every mode that goes by the magnitude alone, and stochastic_b for stochastic_a too.
enum class Shape : std::uint8_t { nearest, nudged, directed, odd, stochastic_a, stochastic_b, stochastic_c };

// Words named *_bits are FP32 patterns; [0] is for positive sources, [1] for negative ones. `dropped` = 24 - precision.
struct RoundPlan {
  Path path = Path::core;
  ResultRule finish = ResultRule::full;
  Shape shape = Shape::nearest;
  FpuRounding fpu = FpuRounding::nearest_even;
  bool fixed_unit = false;  // the format has FP32's exponents: what is dropped never depends on the value
  std::uint32_t dropped = 0;
  std::uint32_t min_normal_bits = 0;
  std::uint32_t cap_bits = 0;       // magic add: a binade that surely overflows and still adds exactly
  float unit_factor = 0;            // magic add: 2^dropped
  float draw_factor = 0;            // magic add: a binade times this is 2^-24 of its unit
  std::uint32_t nudge_down = 0;     // ties toward zero: 1
  std::uint32_t nearest_base = 0;   // fixed unit, nearest: what is added whatever the parity
  std::uint32_t even_mask = 0;      // 1 where the parity decides ties
  std::uint32_t half_up = 0;        // 1 where ties go away from zero
  std::uint32_t away[2] = {0, 0};   // directed: all ones where the magnitude grows
  std::uint32_t fixed_shift = 0;    // a magnitude below min_normal drops fixed_shift - max(exponent field, 1) bits
  std::uint32_t parity_normal = 0;  // added to the kept bits to get the parity of the code
  std::uint32_t parity_subnormal = 0;
  float quantum = 0;
  bool scale_format = false;      // E8M0: FP32's exponents and one binade more
  std::uint32_t draw_mask = 0;    // the random bits that count, from the top of the word
  std::uint32_t draw_unit = 0;    // stochastic_b and _c: half of the lowest of them
  std::uint32_t draw_parity = 0;  // stochastic_c: the lowest of them
  std::uint32_t sign_mask = 0;
  bool flushes = false;              // results below least_bits need not be zeros before
  std::uint32_t flushed_below = 0;   // sources below are zeros
  std::uint32_t least_bits = 0;      // results below give `tiny`
  std::uint32_t largest_bits = 0;    // results above give `beyond`
  std::uint32_t forced[2] = {0, 0};  // all ones where every result counts as beyond
  std::uint32_t tiny[2] = {0, 0};
  std::uint32_t zero[2] = {0, 0};
  std::uint32_t beyond[2] = {0, 0};
  std::uint32_t inf[2] = {0, 0};
  std::uint32_t nan = 0;
  std::uint32_t nan_above = 0x7f800000;  // magnitudes above are NaN: Inf too where it becomes NaN
};

// FP32 values of a format to codes and back. The ordinal of a normal number is the top of its FP32 pattern less a
// constant; of a smaller one, how many quanta it is: the low bits of the sum with 2^23 quanta.
struct CodePlan {
  bool vector = false;  // false: loop over core
  bool complement = false;
  bool has_inf = false;
  bool nan_apart = false;   // NaN's code is not the one at end_bits
  bool has_nan_at = false;  // FNUZ: a code that is NaN beside those on top
  bool has_small = false;   // false where FP32's exponents are the format's: then the first rule is right for all
  std::uint32_t dropped = 0;
  std::uint32_t field_offset = 0;     // FP32 pattern >> dropped = code + field_offset (modulo 2^32)
  std::uint32_t min_normal_bits = 0;  // smaller patterns are the small numbers'
  std::uint32_t small_codes = 0;      // and codes below
  std::uint32_t quanta_bits = 0;      // 2^23 quanta
  std::uint32_t quanta_offset = 0;    // pattern of a sum with that = code + quanta_offset
  std::uint32_t end_bits = 0;    // where the ordinal after the largest number's begins: Inf's code, if there is one
  std::uint32_t sign_shift = 0;  // from FP32's sign bit down to the format's
  std::uint32_t sign_bit = 0;
  std::uint32_t code_mask = 0;
  std::uint32_t magnitude_mask = 0;
  std::uint32_t max_finite_code = 0;
  std::uint32_t inf_code = 0;
  std::uint32_t nan_code = 0;
  std::uint32_t nan_at = 0;
};

RoundPlan make_round_plan(Format f, Conversion how, int random_count, Path limit = Path::magic_add);
CodePlan make_code_plan(Format f);

}  // namespace lowp
