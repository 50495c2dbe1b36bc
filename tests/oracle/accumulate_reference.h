// SPDX-License-Identifier: Apache-2.0
// Sums and fused dot products told again with integers of any size; it shares no code with lib/lowp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lowp/verify/oracle.h"

namespace lowp::oracle {

// A signed sum of dyadic numbers and what specials make of it.
class SignedSum {
 public:
  void add(const Real& x);
  void add_product(const Real& a, const Real& b);
  Real value() const;  // zero is +0 unless every term was -0

 private:
  void add_finite(bool negative, const Dyadic& magnitude);
  Dyadic positive_, negative_;
  bool nan_ = false, up_ = false, down_ = false, minus_zero_ = false, other_ = false;
};

// An instruction as the published descriptions have it.
struct FusedRule {
  int products = 0;
  int fraction_bits = 0;
  std::string_view finish;  // "rz f32", "rz e8m13", "rne f16"
  int zero_exponent = 0;
  bool operands_as_fp16 = false;  // exponents of a and b are taken after conversion to FP16
};

// Codes of the named formats; tf32 as FP32 bits, of which the low 13 are ignored.
std::uint64_t reference_fused_chain(const FusedRule& rule, std::string_view a_format, std::string_view b_format,
                                    std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                                    std::uint64_t c);

// As above with scales: one code of `scale_format` per `block` elements of a, and of b. With `group` elements per exact
// dot product (0: each product is a term of its own) the scales' exponents alone place the term.
struct Scaling {
  std::string_view scale_format;
  int block = 0;
  int group = 0;
};
std::uint64_t reference_scaled_chain(const FusedRule& rule, const Scaling& scaling, std::string_view a_format,
                                     std::string_view b_format, std::span<const std::uint64_t> a,
                                     std::span<const std::uint64_t> b, std::span<const std::uint64_t> a_scales,
                                     std::span<const std::uint64_t> b_scales, std::uint64_t c);

// FP8 on the FP16 tensor core: pairs 0,1 of every quad, then pairs 2,3, then an addition rounded to nearest.
std::uint64_t reference_quads(const FusedRule& rule, std::string_view a_format, std::string_view b_format,
                              std::span<const std::uint64_t> a, std::span<const std::uint64_t> b, std::uint64_t c);

// Steps of `products` exact products and the accumulator, rounded once to nearest.
std::uint64_t reference_exact_chain(int products, std::string_view format, std::string_view accumulator,
                                    std::span<const std::uint64_t> a, std::span<const std::uint64_t> b,
                                    std::uint64_t c);

// FP32 additions to nearest in pairs, then the accumulator; subnormals read and written as zero.
std::uint64_t reference_paired_flush(int products, std::string_view format, std::span<const std::uint64_t> a,
                                     std::span<const std::uint64_t> b, std::uint64_t c);

// a + b in the named format, to nearest.
std::uint64_t reference_add(std::string_view format, std::uint64_t a, std::uint64_t b);

}  // namespace lowp::oracle
