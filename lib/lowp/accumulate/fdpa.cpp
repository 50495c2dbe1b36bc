// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/fdpa.h"

#include <algorithm>
#include <cassert>

#include "lowp/core/arithmetic.h"
#include "lowp/core/formats.h"
#include "lowp/exact/exact_sum.h"

namespace lowp {
namespace {

constexpr Format fp32 = ieee_format(8, 23);
constexpr Format fp16 = ieee_format(5, 10);
constexpr Format tf32 = ieee_format(8, 10);
constexpr Format e8m13 = ieee_format(8, 13);
constexpr int tf32_unused_bits = 13;
constexpr int group_size = 16;  // elements of one exact dot product of scaled_group
constexpr std::uint64_t nvidia_nan_fp32 = 0x7FFFFFFF, nvidia_nan_fp16 = 0x7FFF;

using Operands = std::span<const Operand>;

Exact exact_of(const Operand& x) {
  return x.kind == Kind::finite ? exact_finite(x.negative, x.significand, x.exponent - x.fraction_bits)
                                : exact_special(x.kind, x.negative);
}

// One addend of a fused sum: +-significand * 2^(exponent - fraction_bits).
struct Term {
  bool negative;
  std::uint64_t significand;
  int exponent;
  int fraction_bits;
};

// What the special values among products and accumulator make of the sum; finite if there are none.
class Specials {
 public:
  void product(const Operand& a, const Operand& b) {
    const Kind kind = product_kind(exact_of(a), exact_of(b));
    see(kind, a.negative != b.negative);
  }
  void see(Kind kind, bool negative) {
    nan_ |= kind == Kind::nan;
    if (kind == Kind::inf) (negative ? negative_inf_ : positive_inf_) = true;
  }
  bool any() const { return nan_ || positive_inf_ || negative_inf_; }
  std::uint64_t code(StepRounding finish) const {
    const bool nan = nan_ || (positive_inf_ && negative_inf_);
    if (finish == StepRounding::nearest_fp16) return nan ? nvidia_nan_fp16 : encode_inf(fp16, negative_inf_);
    return nan ? nvidia_nan_fp32 : encode_inf(fp32, negative_inf_);
  }

 private:
  bool nan_ = false, positive_inf_ = false, negative_inf_ = false;
};

// Toward zero to a multiple of 2^(largest - F), in such units.
std::int64_t aligned(const Term& term, int largest, int fraction_bits) {
  const int left = fraction_bits - term.fraction_bits - (largest - term.exponent);
  const std::uint64_t magnitude = left >= 0 ? shift_left(term.significand, left) : shift_right(term.significand, -left);
  return term.negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
}

// The terms of one step, zeros left out, and the accumulator: cut to the largest exponent, added, rounded once.
std::uint64_t fused_sum(const TensorCore& row, std::span<const Term> terms, const Operand& c, StepTrace* trace) {
  int largest = c.kind == Kind::zero ? row.zero_exponent : c.exponent;
  for (const Term& term : terms) largest = std::max(largest, term.exponent);
  std::int64_t sum = 0;
  const auto add = [&](const Term& term) {
    const std::int64_t value = aligned(term, largest, row.fraction_bits);
    if (trace != nullptr) trace->terms.push_back(value);
    sum += value;
  };
  for (const Term& term : terms) add(term);
  add({c.negative, c.significand, c.exponent, c.fraction_bits});
  const std::uint64_t result = finish_step(row.finish, sum, largest - row.fraction_bits);
  if (trace != nullptr) {
    trace->largest_exponent = largest;
    trace->sum = sum;
    trace->result = result;
  }
  return result;
}

Term product_term(const Operand& a, const Operand& b, int scale_log2 = 0) {
  return {a.negative != b.negative, a.significand * b.significand, a.exponent + b.exponent + scale_log2,
          a.fraction_bits + b.fraction_bits};
}

// At most 64 products: the widest instruction of the table.
struct TermList {
  std::array<Term, 64> terms;
  std::size_t size = 0;
  void push(const Term& term) { terms[size++] = term; }
  std::span<const Term> span() const { return {terms.data(), size}; }
};

std::uint64_t fused_step(const TensorCore& row, Operands a, Operands b, std::uint64_t c, StepTrace* trace) {
  const Operand accumulator = read_operand(accumulator_format(row), c);
  Specials specials;
  specials.see(accumulator.kind, accumulator.negative);
  TermList list;
  for (std::size_t k = 0; k < a.size(); ++k) {
    specials.product(a[k], b[k]);
    if (a[k].kind == Kind::finite && b[k].kind == Kind::finite) list.push(product_term(a[k], b[k]));
  }
  if (specials.any()) return specials.code(row.finish);
  return fused_sum(row, list.span(), accumulator, trace);
}

std::uint64_t exact_step(const TensorCore& row, Operands a, Operands b, std::uint64_t c) {
  ExactSum sum;
  sum.add(decode(accumulator_format(row), c));
  for (std::size_t k = 0; k < a.size(); ++k) sum.add_product(exact_of(a[k]), exact_of(b[k]));
  return sum.read(accumulator_format(row), {});
}

// (p0 + p1) + (p2 + p3), then the accumulator. Missing products are +0.
std::uint64_t paired_flush_step(const TensorCore& row, Operands a, Operands b, std::uint64_t c) {
  constexpr Conversion flush{.subnormals = {true, true}};
  const auto operand = [](const Operand& x) {
    const bool subnormal = x.kind == Kind::finite && x.significand < (std::uint64_t{1} << x.fraction_bits);
    return subnormal ? exact_special(Kind::zero, false) : exact_of(x);
  };
  std::array<std::uint64_t, 4> sum{};
  for (std::size_t k = 0; k < a.size(); ++k) {
    sum[k] = encode(fp32, flush, exact_product(operand(a[k]), operand(b[k])));
  }
  for (std::size_t width = static_cast<std::size_t>(row.products); width > 1; width /= 2) {
    for (std::size_t i = 0; 2 * i < width; ++i) sum[i] = add(fp32, flush, sum[2 * i], sum[2 * i + 1]);
  }
  return add(fp32, flush, c, sum[0]);
}

std::uint64_t fma_step(const TensorCore& row, const Operand& a, const Operand& b, std::uint64_t c) {
  const Format f = accumulator_format(row);
  return encode(f, Conversion{}, exact_fma(exact_of(a), exact_of(b), decode(f, c), Rounding::nearest_even));
}

std::uint64_t step(const TensorCore& row, Operands a, Operands b, std::uint64_t c, std::vector<StepTrace>* trace) {
  StepTrace* one = trace != nullptr ? &trace->emplace_back() : nullptr;
  const std::uint64_t result = [&] {
    switch (row.kind) {
      case StepKind::fused: return fused_step(row, a, b, c, one);
      case StepKind::exact: return exact_step(row, a, b, c);
      case StepKind::paired_flush: return paired_flush_step(row, a, b, c);
      case StepKind::fma_chain: return fma_step(row, a.front(), b.front(), c);
      case StepKind::scaled_fused:
      case StepKind::scaled_group:
      case StepKind::unstable: break;
    }
    assert(false);
    return c;
  }();
  if (one != nullptr) one->result = result;
  return result;
}

std::uint64_t chain(const TensorCore& row, Operands a, Operands b, std::uint64_t c, std::vector<StepTrace>* trace) {
  const auto products = static_cast<std::size_t>(row.products);
  for (std::size_t k = 0; k < a.size(); k += products) {
    const std::size_t count = std::min(products, a.size() - k);
    c = step(row, a.subspan(k, count), b.subspan(k, count), c, trace);
  }
  return c;
}

// One instruction of the FP16 decomposition: two chained steps from 0, whose operands are every other pair, and an IEEE
// addition in the accumulator's format.
std::uint64_t fp16_quads(const TensorCore& row, Operands a, Operands b, std::uint64_t c,
                         std::vector<StepTrace>* trace) {
  std::uint64_t held = 0;
  for (const std::size_t first : {std::size_t{0}, std::size_t{2}}) {
    std::array<Operand, 16> left{}, right{};
    std::size_t count = 0;
    for (std::size_t k = first; k < a.size(); k += k % 2 == 0 ? 1 : 3) {
      left[count] = a[k];
      right[count++] = b[k];
    }
    held = step(row, Operands(left).first(count), Operands(right).first(count), held, trace);
  }
  return promote(row, held, c);
}

}  // namespace

bool is_tf32(Format f) {
  return f == tf32;
}

Operand read_operand(Format f, std::uint64_t code) {
  const Exact x = decode(f, is_tf32(f) ? code >> tf32_unused_bits : code);
  if (x.kind != Kind::finite) return {x.kind, x.negative, 0, 0, 0};
  return {x.kind, x.negative, x.exponent + fraction_bits(f), fraction_bits(f), x.significand};
}

Operand read_operand(const TensorCore& row, Format f, std::uint64_t code) {
  if (row.composition != Composition::fp16_quads) return read_operand(f, code);
  return read_operand(fp16, convert(f, fp16, Conversion{}, code));
}

bool is_emulated(const TensorCore& row) {
  return row.kind != StepKind::unstable;
}

std::uint64_t promote(const TensorCore& row, std::uint64_t held, std::uint64_t main) {
  const Format f = accumulator_format(row);
  const std::uint64_t sum = add(f, Conversion{}, held, main);
  if (decode(f, sum).kind != Kind::nan || row.path.starts_with("mfma")) return sum;
  return f == fp16 ? nvidia_nan_fp16 : f == fp32 ? nvidia_nan_fp32 : sum;
}

std::uint64_t finish_step(StepRounding finish, std::int64_t sum, int exponent) {
  if (sum == 0) return 0;
  const std::uint64_t magnitude = sum < 0 ? ~static_cast<std::uint64_t>(sum) + 1 : static_cast<std::uint64_t>(sum);
  const Exact x = exact_finite(sum < 0, magnitude, exponent);
  switch (finish) {
    case StepRounding::nearest_fp16: return encode(fp16, Conversion{}, x);
    case StepRounding::truncated_fp32:
      if (exponent_of(x) > max_exponent(fp32)) return encode_inf(fp32, x.negative);
      return encode(fp32, Conversion{.rounding = Rounding::toward_zero}, x);
    case StepRounding::truncated_e8m13:
      if (exponent_of(x) > max_exponent(e8m13)) return encode_inf(fp32, x.negative);
      return encode(e8m13, Conversion{.rounding = Rounding::toward_zero}, x)
             << (fraction_bits(fp32) - fraction_bits(e8m13));
    case StepRounding::nearest_fp32: return encode(fp32, Conversion{}, x);
    case StepRounding::nearest_fp64: return encode(ieee_format(11, 52), Conversion{}, x);
  }
  return 0;
}

std::uint64_t dot(const TensorCore& row, Operands a, Operands b, std::uint64_t c, std::vector<StepTrace>* trace) {
  assert(is_emulated(row) && row.scale.empty() && a.size() == b.size());
  if (row.composition == Composition::chain) return chain(row, a, b, c, trace);
  const auto instruction = static_cast<std::size_t>(row.instruction_k);
  for (std::size_t k = 0; k < a.size(); k += instruction) {
    const std::size_t count = std::min(instruction, a.size() - k);
    c = fp16_quads(row, a.subspan(k, count), b.subspan(k, count), c, trace);
  }
  return c;
}

namespace {

// Integer dot product of at most 16 elements of at most 4 bits, in units of 2^-fraction_bits.
std::int64_t group_sum(Operands a, Operands b) {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].kind != Kind::finite || b[k].kind != Kind::finite) continue;
    const auto left = a[k].exponent, right = b[k].exponent;  // at least 0: e2m1 has no smaller exponent
    const auto product = static_cast<std::int64_t>((a[k].significand << left) * (b[k].significand << right));
    sum += a[k].negative != b[k].negative ? -product : product;
  }
  return sum;
}

bool all_products_zero(Operands a, Operands b) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].kind == Kind::finite && b[k].kind == Kind::finite) return false;
  }
  return true;
}

Term group_term(const TensorCore& row, Operands a, Operands b, const Operand& a_scale, const Operand& b_scale) {
  if (all_products_zero(a, b) || a_scale.kind == Kind::zero || b_scale.kind == Kind::zero) {
    return {false, 0, row.zero_exponent, 0};
  }
  const std::int64_t sum = group_sum(a, b);
  const auto magnitude = static_cast<std::uint64_t>(sum < 0 ? -sum : sum);
  constexpr int element_fraction_bits = 2;  // of a product of two e2m1
  return {sum < 0, magnitude * a_scale.significand * b_scale.significand, a_scale.exponent + b_scale.exponent,
          element_fraction_bits + a_scale.fraction_bits + b_scale.fraction_bits};
}

// The elements of one step with their scales.
struct ScaledStep {
  Operands a, b, a_scales, b_scales;
};

TermList scaled_terms(const TensorCore& row, const ScaledStep& s) {
  TermList list;
  const auto block = static_cast<std::size_t>(row.scale_block);
  if (row.kind == StepKind::scaled_group) {
    for (std::size_t k = 0; k < s.a.size(); k += group_size) {
      const std::size_t count = std::min<std::size_t>(group_size, s.a.size() - k);
      list.push(
          group_term(row, s.a.subspan(k, count), s.b.subspan(k, count), s.a_scales[k / block], s.b_scales[k / block]));
    }
    return list;
  }
  for (std::size_t k = 0; k < s.a.size(); ++k) {
    if (s.a[k].kind != Kind::finite || s.b[k].kind != Kind::finite) continue;
    list.push(product_term(s.a[k], s.b[k], s.a_scales[k / block].exponent + s.b_scales[k / block].exponent));
  }
  return list;
}

}  // namespace

std::uint64_t scaled_dot(const TensorCore& row, Operands a, Operands b, Operands a_scales, Operands b_scales,
                         std::uint64_t c, std::vector<StepTrace>* trace) {
  assert(!row.scale.empty() && a.size() == b.size());
  const auto products = static_cast<std::size_t>(row.products), block = static_cast<std::size_t>(row.scale_block);
  assert(a_scales.size() >= (a.size() + block - 1) / block && b_scales.size() == a_scales.size());
  for (std::size_t k = 0; k < a.size(); k += products) {
    const std::size_t count = std::min(products, a.size() - k), blocks = (count + block - 1) / block;
    const ScaledStep s{a.subspan(k, count), b.subspan(k, count), a_scales.subspan(k / block, blocks),
                       b_scales.subspan(k / block, blocks)};
    const Operand accumulator = read_operand(accumulator_format(row), c);
    Specials specials;
    specials.see(accumulator.kind, accumulator.negative);
    for (std::size_t i = 0; i < count; ++i) specials.product(s.a[i], s.b[i]);
    for (const Operand& scale : s.a_scales) specials.see(scale.kind, scale.negative);
    for (const Operand& scale : s.b_scales) specials.see(scale.kind, scale.negative);
    StepTrace* one = trace != nullptr ? &trace->emplace_back() : nullptr;
    c = specials.any() ? specials.code(row.finish) : fused_sum(row, scaled_terms(row, s).span(), accumulator, one);
    if (one != nullptr) one->result = c;
  }
  return c;
}

}  // namespace lowp
