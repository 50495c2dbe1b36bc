// SPDX-License-Identifier: Apache-2.0
// Which operands a scalar instruction is tried on, and what core says it must return. Host and device.
#pragma once

#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/gpu/instruction.h"

namespace lowp::gpu {

// Codes; conversions use a, and random bits in b.
struct Inputs {
  std::uint32_t a, b, c;
};

LOWP_HD constexpr bool is_conversion(const Rule& rule) {
  return rule.operation == Operation::convert || rule.operation == Operation::convert_between;
}

// How many inputs are all of them: every code of a conversion's source, every pair of 16-bit codes. Wider operands and
// third ones are drawn, 2^30 times.
LOWP_HD constexpr std::uint64_t all_inputs(const Rule& rule) {
  if (is_conversion(rule)) return std::uint64_t{1} << rule.source.width;
  return rule.source.width == 16 && rule.operation != Operation::fma ? std::uint64_t{1} << 32 : std::uint64_t{1} << 30;
}

// Which inputs of all are tried: every `stride`-th, each at another place within its stretch, so that low bits vary
// too.
struct Selection {
  std::uint64_t count;
  std::uint64_t stride = 1;
};
LOWP_HD constexpr std::uint64_t input_number(Selection selection, std::uint64_t n) {
  return n * selection.stride + n % selection.stride;
}

// An FP32 code whose exponent lies at most 32 binades from that of `near`.
LOWP_HD constexpr std::uint32_t code_near(std::uint32_t near, std::uint32_t random) {
  const std::int32_t exponent =
      static_cast<std::int32_t>(near >> 23 & 0xFF) + static_cast<std::int32_t>(random % 65) - 32;
  const std::uint32_t field = exponent < 0 ? 0u : exponent > 254 ? 254u : static_cast<std::uint32_t>(exponent);
  return (random & 0x80000000u) | field << 23 | (random >> 3 & 0x7FFFFF);
}

// Input number `index`. Drawn FP32 operands are random patterns, three of four times with exponents that can meet.
LOWP_HD constexpr Inputs inputs_at(const Rule& rule, std::uint64_t index) {
  const auto low = static_cast<std::uint32_t>(index);
  const PhiloxCounter random = philox4x32_10({{low, static_cast<std::uint32_t>(index >> 32), 0, 0}}, {{1, 2}});
  if (is_conversion(rule)) return {low, random.word[1], 0};
  if (rule.source.width == 16) return {low & 0xFFFF, low >> 16, random.word[2] & 0xFFFF};
  Inputs in{random.word[0], random.word[1], random.word[2]};
  if ((random.word[3] & 3) == 0) return in;
  if (rule.operation == Operation::add || rule.operation == Operation::sub) {
    in.b = code_near(in.a, in.b);
  } else {  // keep the product in range and let the addend meet it
    in.b = code_near(0x3F800000u, in.b);
    in.c = code_near(in.a, in.c);
  }
  return in;
}

// Every NaN as the one core writes: payloads and signs of NaN are not compared.
LOWP_HD constexpr std::uint32_t one_nan(Format f, std::uint32_t code) {
  return decode(f, code).kind == Kind::nan ? static_cast<std::uint32_t>(nan_code(f)) : code;
}

LOWP_HD constexpr std::uint64_t operation_result(const Rule& rule, Inputs in) {
  switch (rule.operation) {
    case Operation::convert:
    case Operation::convert_between: return convert(rule.source, rule.target, rule.how, in.a);
    case Operation::add: return add(rule.target, rule.how, in.a, in.b);
    case Operation::sub: return sub(rule.target, rule.how, in.a, in.b);
    case Operation::mul: return mul(rule.target, rule.how, in.a, in.b);
    case Operation::fma: return fma(rule.target, rule.how, in.a, in.b, in.c);
  }
  return 0;
}

// The code that the instruction must return, NaN as core writes it.
LOWP_HD constexpr std::uint32_t expected_code(const Rule& rule, Inputs in) {
  const std::uint64_t code = operation_result(rule, in);
  const Exact x = decode(rule.target, code);
  if (rule.relu && x.kind != Kind::nan && x.negative) return 0;
  if (rule.saturate_to_one) {
    const std::uint64_t one = encode(rule.target, Conversion{}, exact_finite(false, 1, 0));
    if (x.kind == Kind::nan || x.negative) return 0;
    return static_cast<std::uint32_t>(code > one ? one : code);
  }
  return one_nan(rule.target, static_cast<std::uint32_t>(code));
}

// Stochastic rounding may also go the other way, if the value is not one of the target's.
LOWP_HD constexpr bool is_right(const Rule& rule, Inputs in, std::uint32_t expected, std::uint32_t returned) {
  if (one_nan(rule.target, returned) == expected) return true;
  if (rule.operation != Operation::convert_between) return false;
  Rule other = rule;
  other.how.rounding = decode(rule.source, in.a).negative ? Rounding::toward_negative : Rounding::toward_positive;
  return one_nan(rule.target, returned) == expected_code(other, in);
}

}  // namespace lowp::gpu
