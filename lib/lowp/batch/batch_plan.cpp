// SPDX-License-Identifier: Apache-2.0
#include "lowp/batch/batch_plan.h"

#include <bit>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp32 = find_format("fp32").format;
constexpr std::uint32_t fp32_sign = 0x80000000;
constexpr int beyond_everything = 1 << 20;  // exponents of values that overflow or vanish in any format

std::uint32_t value_bits(Format f, std::uint64_t code) {
  return static_cast<std::uint32_t>(convert(f, fp32, Conversion{}, code));
}
std::uint32_t rounded_bits(Format f, Conversion how, Exact x) {
  return value_bits(f, encode(f, how, x));
}
float power_of_two(int exponent) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(encode(fp32, Conversion{}, exact_finite(false, 1, exponent))));
}
// Exponent field FP32 would have for 2^exponent; negative below its range.
int fp32_field(int exponent) {
  return exponent + fp32.bias;
}

// FP32 holds every finite value, and no binade of FP32's subnormals is one of the format's normal ones, except the
// highest when it is the format's lowest: there the unit is the quantum still.
bool fits_fp32(Format f) {
  return f.precision <= 24 && max_exponent(f) <= 127 && quantum_exponent(f) >= -149 && min_exponent(f) >= -127 &&
         min_exponent(f) <= 127 && f.width <= 32;
}

Shape shape_of(Rounding mode) {
  switch (mode) {
    case Rounding::nearest_even: return Shape::nearest;
    case Rounding::nearest_away:
    case Rounding::nearest_to_zero: return Shape::nudged;
    case Rounding::toward_zero:
    case Rounding::toward_positive:
    case Rounding::toward_negative: return Shape::directed;
    case Rounding::to_odd: return Shape::odd;
    case Rounding::stochastic_a: return Shape::stochastic_a;
    case Rounding::stochastic_b: return Shape::stochastic_b;
    case Rounding::stochastic_c: return Shape::stochastic_c;
  }
  return Shape::nearest;
}

// The kernels look at 32 bits of the discarded fraction: enough for a full draw, the half draw of stochastic_b below
// 32 bits, and two more (the rounding bit and what is sticky below) for stochastic_c.
bool draws_fit(Rounding mode, int count) {
  if (!is_stochastic(mode)) return true;
  const int most = mode == Rounding::stochastic_a ? 32 : mode == Rounding::stochastic_b ? 31 : 30;
  return count >= 0 && count <= most;
}

// Adding C = 2^(e + 24 - precision) to a magnitude of binade e and taking it away rounds to the format's unit, in the
// rounding the processor is set to: the sum has C's binade, whose unit is that of the format. C must be a normal FP32
// number up to the first binade that overflows, and parity of the sum must be parity of the code: no precision 1.
// Nudging off a tie by one FP32 step needs two dropped bits. A draw is added first, in 2^-24 units, which FP32 must
// have.
bool magic_add_is_exact(Format f, Conversion how, int random_count) {
  const bool drawn = is_stochastic(how.rounding);
  const int least = how.rounding == Rounding::stochastic_c ? 1 : 0;  // without draws its ties are all strict
  return (!drawn || (random_count >= least && random_count <= 16)) && f.precision >= 2 && f.precision <= 22 &&
         f.has_zero && quantum_exponent(f) >= (drawn ? -125 : -126) && max_exponent(f) + 1 + 24 - f.precision <= 126;
}

FpuRounding fpu_of(Format f, Rounding mode) {
  switch (mode) {
    case Rounding::toward_positive: return FpuRounding::up;
    case Rounding::toward_negative: return is_signed(f) ? FpuRounding::down : FpuRounding::toward_zero;
    case Rounding::toward_zero:
    case Rounding::to_odd:
    case Rounding::stochastic_a:
    case Rounding::stochastic_b:
    case Rounding::stochastic_c: return FpuRounding::toward_zero;
    case Rounding::nearest_even:
    case Rounding::nearest_away:
    case Rounding::nearest_to_zero: break;
  }
  return FpuRounding::nearest_even;
}

// Which code does it, where several do the same. `by_magnitude`: the sign does not matter.
Shape shape_on(const RoundPlan& plan, Format f, Rounding mode) {
  const Shape shape = shape_of(mode);
  const bool by_magnitude = mode == Rounding::toward_zero || !is_signed(f);
  const bool moving = plan.path == Path::integer && !plan.fixed_unit && !plan.scale_format;
  if (plan.path == Path::integer && shape == Shape::nudged) return Shape::nearest;
  if (moving) return shape;
  if (f.precision == 24) return Shape::nearest;  // nothing is dropped: nothing is added
  if (shape == Shape::directed && by_magnitude) return Shape::nearest;
  return shape == Shape::stochastic_a ? Shape::stochastic_b : shape;
}

// A draw word is R 2^(32 - N), in the middle of its interval for stochastic_b and _c. Without draws stochastic_c
// carries above one half, not at it.
void set_draws(RoundPlan& plan, Rounding mode, int count) {
  plan.draw_mask = count == 0 ? 0 : ~std::uint32_t{0} << (32 - count);
  plan.draw_unit = mode == Rounding::stochastic_a || count >= 32 ? 0 : std::uint32_t{1} << (31 - count);
  if (mode != Rounding::stochastic_c) return;
  plan.draw_parity = plan.draw_mask & (~plan.draw_mask + 1);
  if (count == 0) plan.draw_unit -= 1;
}

void set_rounding(RoundPlan& plan, Format f, Conversion how, int random_count) {
  const int field = fp32_field(min_exponent(f));
  plan.dropped = static_cast<std::uint32_t>(24 - f.precision);
  plan.min_normal_bits = static_cast<std::uint32_t>(field < 1 ? 1 : field) << 23;
  plan.fixed_shift = static_cast<std::uint32_t>(24 - f.precision + field);
  plan.unit_factor = power_of_two(24 - f.precision);
  plan.draw_factor = power_of_two(-23 - f.precision);
  plan.quantum = power_of_two(quantum_exponent(f));
  plan.cap_bits = static_cast<std::uint32_t>(fp32_field(max_exponent(f) + 1)) << 23;
  plan.nudge_down = how.rounding == Rounding::nearest_to_zero ? 1 : 0;
  plan.even_mask = how.rounding == Rounding::nearest_even ? 1 : 0;
  plan.half_up = how.rounding == Rounding::nearest_away ? 1 : 0;
  const std::uint32_t low = (std::uint32_t{1} << plan.dropped) - 1;
  plan.away[0] = how.rounding == Rounding::toward_positive ? ~std::uint32_t{0} : 0;
  plan.away[1] = how.rounding == Rounding::toward_negative ? ~std::uint32_t{0} : 0;
  if (!is_signed(f)) plan.away[1] = plan.away[0];  // where sources below zero are rounded, it is their magnitude
  const bool nearest = shape_of(how.rounding) == Shape::nearest || shape_of(how.rounding) == Shape::nudged;
  plan.nearest_base = nearest ? (low + plan.half_up) >> 1 : low & plan.away[0];
  const std::uint32_t first_code = f.has_zero ? 0 : 1;
  plan.parity_subnormal = first_code;
  plan.parity_normal = (((static_cast<std::uint32_t>(field) - 1) << fraction_bits(f)) + first_code) & 1;
  set_draws(plan, how.rounding, random_count);
}

void set_results(RoundPlan& plan, Format f, Conversion how) {
  plan.sign_mask = is_signed(f) ? fp32_sign : 0;
  plan.flushed_below = how.subnormals.flush_sources ? 0x00800000 : 0;
  plan.nan = rounded_bits(f, how, exact_special(Kind::nan, false));
  const bool loses_sign = f.has_zero && is_signed(f) && !has_negative_zero(f);
  const bool flushes = how.subnormals.flush_results && is_subnormal(f, 1);
  plan.flushes = flushes;
  const std::uint64_t least = flushes ? min_normal_ordinal(f) : loses_sign || !f.has_zero ? 1 : 0;
  plan.least_bits = least == 0 ? 0 : value_bits(f, code_of_ordinal(f, least));
  plan.largest_bits = value_bits(f, max_finite_code(f));
  plan.forced[1] = !is_signed(f) && how.negative != NegativeResult::magnitude ? ~std::uint32_t{0} : 0;
  for (const bool negative : {false, true}) {
    const Exact tiny = exact_finite(negative, 1, -beyond_everything);
    Conversion truncating = how;
    truncating.rounding = Rounding::toward_zero;
    plan.tiny[negative] = rounded_bits(f, truncating, tiny);
    plan.zero[negative] = rounded_bits(f, how, exact_special(Kind::zero, negative));
    plan.beyond[negative] = rounded_bits(f, how, exact_finite(negative, 1, beyond_everything));
    plan.inf[negative] = rounded_bits(f, how, exact_special(Kind::inf, negative));
  }
}

bool is_positive(const RoundPlan& p) {
  const bool negatives_are_nan = p.beyond[1] == p.nan && p.inf[1] == p.nan && p.tiny[1] == p.nan;
  const bool small_is_least = p.zero[0] == p.least_bits && (p.least_bits == 0 || p.tiny[0] == p.least_bits);
  return p.sign_mask == 0 && p.flushed_below == 0 && p.forced[1] != 0 && negatives_are_nan && small_is_least &&
         p.zero[1] == p.zero[0] && (p.inf[0] == p.beyond[0] || p.inf[0] == p.nan);
}
// All but `full` and `positive` know no zeros but those of signed formats, which a zero source gives as a small one
// does.
ResultRule finish_of(const RoundPlan& p) {
  if (is_positive(p)) return ResultRule::positive;
  const std::uint32_t negative_zero = p.least_bits == 0 ? fp32_sign : p.tiny[1];
  if (p.sign_mask == 0 || p.flushed_below != 0 || p.zero[0] != 0 || p.zero[1] != negative_zero) return ResultRule::full;
  const bool inf_is_nan = p.inf[0] == p.nan && p.inf[1] == p.nan;
  const bool inf_is_beyond = p.inf[0] == p.beyond[0] && p.inf[1] == p.beyond[1];
  const bool bare_zero = p.least_bits != 0;  // results below are zeros: none but 0 is, unless subnormals are flushed
  const bool only_zeros = !p.flushes && p.tiny[0] == 0 && p.tiny[1] == 0;
  if (bare_zero && !only_zeros) return inf_is_nan || inf_is_beyond ? ResultRule::small_too : ResultRule::full;
  if (inf_is_nan && p.beyond[0] == p.nan && p.beyond[1] == p.nan) {
    return bare_zero ? ResultRule::nan_on_top_bare_zero : ResultRule::nan_on_top;
  }
  if ((inf_is_nan || inf_is_beyond) && p.beyond[1] == (p.beyond[0] | fp32_sign)) {
    return bare_zero ? ResultRule::signed_top_bare_zero : ResultRule::signed_top;
  }
  if (!bare_zero) return ResultRule::by_sign;
  return inf_is_nan || inf_is_beyond ? ResultRule::small_too : ResultRule::full;
}

}  // namespace

RoundPlan make_round_plan(Format f, Conversion how, int random_count, Path limit) {
  RoundPlan plan;
  if (limit == Path::core || !fits_fp32(f) || !draws_fit(how.rounding, random_count)) return plan;
  const bool magic = limit == Path::magic_add && magic_add_is_exact(f, how, random_count);
  plan.path = magic ? Path::magic_add : Path::integer;
  plan.fixed_unit = min_exponent(f) == min_exponent(fp32) && f.precision >= 2 && f.has_zero;
  plan.scale_format = min_exponent(f) == -127 && f.precision == 1 && !f.has_zero;
  plan.shape = shape_on(plan, f, how.rounding);
  if (magic) plan.fpu = fpu_of(f, how.rounding);
  set_rounding(plan, f, how, is_stochastic(how.rounding) ? random_count : 0);
  set_results(plan, f, how);
  plan.finish = finish_of(plan);
  if (plan.inf[0] == plan.nan && plan.inf[1] == plan.nan) plan.nan_above = 0x7f7fffff;
  return plan;
}

CodePlan make_code_plan(Format f) {
  CodePlan plan;
  plan.vector = fits_fp32(f) && quantum_exponent(f) + 23 <= 127;
  if (!plan.vector) return plan;
  const int field = fp32_field(min_exponent(f));
  const std::uint32_t first_ordinal = f.has_zero ? 0 : 1;
  plan.complement = f.sign == SignRule::complement;
  plan.has_inf = f.has_inf;
  plan.has_nan_at = f.nan == NanRule::negative_zero;
  plan.has_small = min_exponent(f) != min_exponent(fp32) || !f.has_zero;
  plan.dropped = static_cast<std::uint32_t>(24 - f.precision);
  plan.field_offset = ((static_cast<std::uint32_t>(field) - 1) << fraction_bits(f)) + first_ordinal;
  plan.min_normal_bits = static_cast<std::uint32_t>(field < 1 ? 1 : field) << 23;
  plan.small_codes = (std::uint32_t{1} << (f.precision < 23 ? f.precision : 23)) - first_ordinal;
  plan.quanta_bits = static_cast<std::uint32_t>(fp32_field(quantum_exponent(f) + 23)) << 23;
  plan.quanta_offset = plan.quanta_bits + first_ordinal;
  plan.max_finite_code = static_cast<std::uint32_t>(max_finite_code(f));
  plan.end_bits = (plan.max_finite_code + 1 + plan.field_offset) << plan.dropped;
  plan.sign_shift = static_cast<std::uint32_t>(32 - f.width);
  plan.sign_bit = static_cast<std::uint32_t>(sign_bit(f));
  plan.code_mask = static_cast<std::uint32_t>(code_mask(f));
  plan.magnitude_mask = static_cast<std::uint32_t>(magnitude_mask(f));
  plan.inf_code = static_cast<std::uint32_t>(inf_code(f));
  plan.nan_code = has_nan(f) ? static_cast<std::uint32_t>(nan_code(f)) : 0;
  plan.nan_apart = has_nan(f) && plan.nan_code != plan.max_finite_code + 1;
  plan.nan_at = plan.sign_bit;
  return plan;
}

}  // namespace lowp
