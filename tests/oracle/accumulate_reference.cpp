// SPDX-License-Identifier: Apache-2.0
#include "accumulate_reference.h"

#include <algorithm>
#include <map>
#include <string>

namespace lowp::oracle {
namespace {

const OracleFormat& format_named(std::string_view name) {
  static const OracleFormat e8m13{"e8m13", Sign::bit, 8, 13, 127, Specials::ieee};
  return name == "e8m13" ? e8m13 : *find_oracle_format(name);
}

const Grid& grid_of(std::string_view name) {
  static std::map<std::string, Grid> grids;
  const auto found = grids.find(std::string(name));
  return found != grids.end() ? found->second : grids.emplace(name, Grid(format_named(name))).first->second;
}

// tf32 operands are FP32 numbers whose last 13 bits are not there.
Real operand(std::string_view format, std::uint64_t code) {
  if (format == "tf32") return real_of_code(format_named("fp32"), code & ~std::uint64_t{0x1FFF});
  return real_of_code(format_named(format), code);
}

int smallest_exponent(std::string_view format) {
  return 1 - format_named(format == "tf32" ? "fp32" : format).bias;
}

int floor_log2(const Dyadic& x) {
  return x.exponent + static_cast<int>(msb(x.significand));
}

Real product(const Real& a, const Real& b) {
  Real p{Meaning::number, a.negative != b.negative, {}};
  const auto is = [&](Meaning m) { return a.meaning == m || b.meaning == m; };
  if (is(Meaning::nan) || (is(Meaning::infinity) && is(Meaning::zero))) {
    p.meaning = Meaning::nan;
  } else if (is(Meaning::infinity)) {
    p.meaning = Meaning::infinity;
  } else if (is(Meaning::zero)) {
    p.meaning = Meaning::zero;
  } else {
    p.magnitude = {a.magnitude.significand * b.magnitude.significand, a.magnitude.exponent + b.magnitude.exponent};
  }
  return p;
}

// How often 2^unit fits into x.
Integer whole_units(const Dyadic& x, int unit) {
  const int up = x.exponent - unit;
  return up >= 0 ? Integer(x.significand << up) : Integer(x.significand >> -up);
}

std::uint64_t finished(const FusedRule& rule, bool negative, const Dyadic& magnitude) {
  if (magnitude.significand == 0) return 0;
  if (rule.finish == "rne f16") {
    return oracle_encode(grid_of("fp16"), Mode::nearest_even, {}, {Meaning::number, negative, magnitude});
  }
  const bool narrow = rule.finish == "rz e8m13";
  const Grid& grid = grid_of(narrow ? "e8m13" : "fp32");
  const Place place = locate(grid, magnitude);
  const std::uint64_t code = place.relation == Relation::beyond_all
                                 ? infinity_code(grid.format(), negative)
                                 : finite_code(grid.format(), negative, place.fields);
  return narrow ? code << 10 : code;
}

std::uint64_t special(const FusedRule& rule, const Real& x) {
  const bool half = rule.finish == "rne f16";
  if (x.meaning == Meaning::nan) return half ? 0x7FFF : 0x7FFFFFFF;
  return infinity_code(format_named(half ? "fp16" : "fp32"), x.negative);
}

struct Addend {
  bool negative;
  Dyadic magnitude;
  int exponent;
};

std::uint64_t aligned_sum(const FusedRule& rule, const std::vector<Addend>& addends, bool zero_accumulator) {
  int largest = zero_accumulator ? rule.zero_exponent : -100000;
  for (const Addend& addend : addends) largest = std::max(largest, addend.exponent);
  const int unit = largest - rule.fraction_bits;
  Integer sum = 0;
  for (const Addend& addend : addends) {
    const Integer units = whole_units(addend.magnitude, unit);
    sum += addend.negative ? Integer(-units) : units;
  }
  return finished(rule, sum < 0, {sum < 0 ? Integer(-sum) : sum, unit});
}

std::uint64_t fused_step(const FusedRule& rule, std::string_view a_format, std::string_view b_format,
                         std::span<const std::uint64_t> a, std::span<const std::uint64_t> b, std::uint64_t c) {
  const std::string_view c_format = rule.finish == "rne f16" ? "fp16" : "fp32";
  const Real held = operand(c_format, c);
  SignedSum specials;
  if (held.meaning != Meaning::number) specials.add(held);
  std::vector<Addend> addends;
  if (held.meaning == Meaning::number) {
    addends.push_back(
        {held.negative, held.magnitude, std::max(floor_log2(held.magnitude), smallest_exponent(c_format))});
  }
  const std::string_view a_exponents = rule.operands_as_fp16 ? "fp16" : a_format;
  const std::string_view b_exponents = rule.operands_as_fp16 ? "fp16" : b_format;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const Real x = operand(a_format, a[k]), y = operand(b_format, b[k]), p = product(x, y);
    if (p.meaning != Meaning::number) {
      specials.add(p);
      continue;
    }
    addends.push_back({p.negative, p.magnitude,
                       std::max(floor_log2(x.magnitude), smallest_exponent(a_exponents)) +
                           std::max(floor_log2(y.magnitude), smallest_exponent(b_exponents))});
  }
  const Real of_specials = specials.value();
  if (of_specials.meaning != Meaning::zero) return special(rule, of_specials);
  return aligned_sum(rule, addends, held.meaning != Meaning::number);
}

// The addends and scales of one step with block scales.
std::uint64_t scaled_step(const FusedRule& rule, const Scaling& scaling, std::string_view a_format,
                          std::string_view b_format, std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                          std::span<const std::uint64_t> a_scales, std::span<const std::uint64_t> b_scales,
                          std::uint64_t c) {
  const Real held = operand("fp32", c);
  SignedSum specials;
  std::vector<Addend> addends;
  if (held.meaning != Meaning::number) specials.add(held);
  if (held.meaning == Meaning::number) {
    addends.push_back({held.negative, held.magnitude, std::max(floor_log2(held.magnitude), -126)});
  }
  const auto block = static_cast<std::size_t>(scaling.block);
  const auto group = static_cast<std::size_t>(std::max(scaling.group, 1));
  const bool e4m3_scales = scaling.scale_format == "ue4m3";
  for (std::size_t begin = 0; begin < a.size(); begin += group) {
    const std::uint64_t scale_mask = e4m3_scales ? 0x7F : 0xFF;
    const std::string_view scale_format = e4m3_scales ? "e4m3" : "e8m0";
    const Real p = operand(scale_format, a_scales[begin / block] & scale_mask);
    const Real q = operand(scale_format, b_scales[begin / block] & scale_mask);
    if (p.meaning == Meaning::nan || q.meaning == Meaning::nan) specials.add({Meaning::nan, false, {}});
    SignedSum inside;
    int exponent = -100000;
    for (std::size_t k = begin; k < std::min(begin + group, a.size()); ++k) {
      const Real x = operand(a_format, a[k]), y = operand(b_format, b[k]), xy = product(x, y);
      if (xy.meaning == Meaning::infinity || xy.meaning == Meaning::nan) specials.add(xy);
      if (xy.meaning != Meaning::number) continue;
      inside.add(xy);
      exponent = std::max(floor_log2(x.magnitude), smallest_exponent(a_format)) +
                 std::max(floor_log2(y.magnitude), smallest_exponent(b_format));
    }
    const bool no_products = exponent == -100000;
    if (p.meaning != Meaning::number || q.meaning != Meaning::number || no_products) {
      if (scaling.group != 0) addends.push_back({false, {0, 0}, rule.zero_exponent});
      continue;
    }
    const int least = e4m3_scales ? -6 : -127;
    const int scale_exponent = std::max(floor_log2(p.magnitude), least) + std::max(floor_log2(q.magnitude), least);
    const Real whole = inside.value().meaning == Meaning::number ? product(inside.value(), product(p, q))
                                                                 : Real{Meaning::number, false, {0, 0}};
    addends.push_back({whole.negative, whole.magnitude, scale_exponent + (scaling.group == 0 ? exponent : 0)});
  }
  const Real of_specials = specials.value();
  if (of_specials.meaning != Meaning::zero) return special(rule, of_specials);
  return aligned_sum(rule, addends, held.meaning != Meaning::number);
}

// A number as a chip reads or writes it that has no subnormals.
std::uint64_t flushed(std::uint64_t fp32_code) {
  return (fp32_code & 0x7F800000) == 0 ? fp32_code & 0x80000000 : fp32_code;
}

}  // namespace

void SignedSum::add_finite(bool negative, const Dyadic& magnitude) {
  Dyadic& side = negative ? negative_ : positive_;
  side = side.significand == 0 ? magnitude : sum(side, magnitude);
}

void SignedSum::add(const Real& x) {
  if (x.meaning == Meaning::zero) {
    (x.negative ? minus_zero_ : other_) = true;
    return;
  }
  other_ = true;
  if (x.meaning == Meaning::nan) nan_ = true;
  if (x.meaning == Meaning::infinity) (x.negative ? down_ : up_) = true;
  if (x.meaning == Meaning::number) add_finite(x.negative, x.magnitude);
}

void SignedSum::add_product(const Real& a, const Real& b) {
  add(product(a, b));
}

Real SignedSum::value() const {
  if (nan_ || (up_ && down_)) return {Meaning::nan, false, {}};
  if (up_ || down_) return {Meaning::infinity, down_, {}};
  const int order = compare(positive_, negative_);
  if (order == 0) return {Meaning::zero, minus_zero_ && !other_, {}};
  return {Meaning::number, order < 0, order < 0 ? difference(negative_, positive_) : difference(positive_, negative_)};
}

std::uint64_t reference_fused_chain(const FusedRule& rule, std::string_view a_format, std::string_view b_format,
                                    std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                                    std::uint64_t c) {
  const auto products = static_cast<std::size_t>(rule.products);
  for (std::size_t k = 0; k < a.size(); k += products) {
    const std::size_t count = std::min(products, a.size() - k);
    c = fused_step(rule, a_format, b_format, a.subspan(k, count), b.subspan(k, count), c);
  }
  return c;
}

std::uint64_t reference_scaled_chain(const FusedRule& rule, const Scaling& scaling, std::string_view a_format,
                                     std::string_view b_format, std::span<const std::uint64_t> a,
                                     std::span<const std::uint64_t> b, std::span<const std::uint64_t> a_scales,
                                     std::span<const std::uint64_t> b_scales, std::uint64_t c) {
  const auto products = static_cast<std::size_t>(rule.products), block = static_cast<std::size_t>(scaling.block);
  for (std::size_t k = 0; k < a.size(); k += products) {
    const std::size_t count = std::min(products, a.size() - k);
    c = scaled_step(rule, scaling, a_format, b_format, a.subspan(k, count), b.subspan(k, count),
                    a_scales.subspan(k / block), b_scales.subspan(k / block), c);
  }
  return c;
}

std::uint64_t reference_add(std::string_view format, std::uint64_t a, std::uint64_t b) {
  SignedSum total;
  total.add(operand(format, a));
  total.add(operand(format, b));
  return oracle_encode(grid_of(format), Mode::nearest_even, {}, total.value());
}

std::uint64_t reference_quads(const FusedRule& rule, std::string_view a_format, std::string_view b_format,
                              std::span<const std::uint64_t> a, std::span<const std::uint64_t> b, std::uint64_t c) {
  for (std::size_t begin = 0; begin < a.size(); begin += 32) {
    std::uint64_t held = 0;
    for (int half = 0; half < 2; ++half) {
      std::vector<std::uint64_t> left, right;
      for (std::size_t k = begin; k < std::min(begin + 32, a.size()); ++k) {
        if (static_cast<int>((k - begin) / 2 % 2) != half) continue;
        left.push_back(a[k]);
        right.push_back(b[k]);
      }
      held = fused_step(rule, a_format, b_format, left, right, held);
    }
    const bool half = rule.finish == "rne f16";
    c = reference_add(half ? "fp16" : "fp32", held, c);
    if (operand(half ? "fp16" : "fp32", c).meaning == Meaning::nan) c = half ? 0x7FFF : 0x7FFFFFFF;
  }
  return c;
}

std::uint64_t reference_exact_chain(int products, std::string_view format, std::string_view accumulator,
                                    std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                                    std::uint64_t c) {
  for (std::size_t k = 0; k < a.size();) {
    SignedSum total;
    total.add(operand(accumulator, c));
    for (int i = 0; i < products && k < a.size(); ++i, ++k)
      total.add_product(operand(format, a[k]), operand(format, b[k]));
    c = oracle_encode(grid_of(accumulator), Mode::nearest_even, {}, total.value());
  }
  return c;
}

std::uint64_t reference_paired_flush(int products, std::string_view format, std::span<const std::uint64_t> a,
                                     std::span<const std::uint64_t> b, std::uint64_t c) {
  const auto read = [&](std::uint64_t code) {
    Real x = operand(format, code);
    const bool subnormal = x.meaning == Meaning::number && floor_log2(x.magnitude) < smallest_exponent(format);
    return subnormal ? Real{} : x;
  };
  const auto add = [](std::uint64_t x, std::uint64_t y) {
    return flushed(reference_add("fp32", flushed(x), flushed(y)));
  };
  for (std::size_t k = 0; k < a.size();) {
    std::vector<std::uint64_t> terms;
    for (int i = 0; i < products; ++i, ++k) {
      const Real p = k < a.size() ? product(read(a[k]), read(b[k])) : Real{};
      terms.push_back(flushed(oracle_encode(grid_of("fp32"), Mode::nearest_even, {}, p)));
    }
    const std::uint64_t group =
        products == 4 ? add(add(terms[0], terms[1]), add(terms[2], terms[3])) : add(terms[0], terms[1]);
    c = add(c, group);
  }
  return c;
}

}  // namespace lowp::oracle
