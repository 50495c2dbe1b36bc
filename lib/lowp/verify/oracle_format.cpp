// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/oracle_format.h"

#include <utility>

namespace lowp::oracle {
namespace {

constexpr std::uint64_t ones(int count) {
  return count == 0 ? 0 : ~std::uint64_t{0} >> (64 - count);
}

std::uint64_t all_fields(const OracleFormat& f) {
  return ones(f.exponent_bits + f.fraction_bits);
}
std::uint64_t sign_weight(const OracleFormat& f) {
  return f.sign == Sign::none ? 0 : std::uint64_t{1} << (f.exponent_bits + f.fraction_bits);
}

Meaning meaning_of(const OracleFormat& f, bool negative, std::uint64_t fields) {
  const std::uint64_t top = all_fields(f);
  const bool is_signed = f.sign != Sign::none;
  switch (f.specials) {
    case Specials::none: break;
    case Specials::ieee:
      if (fields >> f.fraction_bits == ones(f.exponent_bits)) {
        return (fields & ones(f.fraction_bits)) == 0 ? Meaning::infinity : Meaning::nan;
      }
      break;
    case Specials::all_ones_nan:
      if (fields == top) return Meaning::nan;
      break;
    case Specials::fnuz:
      if (negative && fields == 0) return Meaning::nan;
      break;
    case Specials::p3109_extended:
      if (is_signed && fields == top) return Meaning::infinity;
      if (!is_signed && fields == top - 1) return Meaning::infinity;
      [[fallthrough]];
    case Specials::p3109_finite:
      if (is_signed ? (negative && fields == 0) : fields == top) return Meaning::nan;
      break;
  }
  return fields == 0 && !f.field_zero_is_normal ? Meaning::zero : Meaning::number;
}

OracleFormat ieee(std::string name, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  return {std::move(name), Sign::bit, exponent_bits, fraction_bits, bias, Specials::ieee};
}

// P3109 v4.0: K bits, precision P, in the names of the project "binaryKpP" and s or u, e or f.
OracleFormat p3109(int k, int p, bool is_signed, bool extended) {
  const std::string name = "binary" + std::to_string(k) + "p" + std::to_string(p) + (is_signed ? "s" : "u");
  return {name + (extended ? "e" : "f"),        is_signed ? Sign::bit : Sign::none,
          is_signed ? k - p : k - p + 1,        p - 1,
          1 << (is_signed ? k - p - 1 : k - p), extended ? Specials::p3109_extended : Specials::p3109_finite};
}

}  // namespace

int width_of(const OracleFormat& f) {
  return (f.sign == Sign::none ? 0 : 1) + f.exponent_bits + f.fraction_bits;
}

bool negative_zero_exists(const OracleFormat& f) {
  return f.sign == Sign::bit && !f.field_zero_is_normal && meaning_of(f, true, 0) == Meaning::zero;
}

Dyadic magnitude_value(const OracleFormat& f, std::uint64_t fields) {
  const std::uint64_t fraction = fields & ones(f.fraction_bits);
  const std::uint64_t field = fields >> f.fraction_bits;
  if (field == 0 && !f.field_zero_is_normal) return {Integer(fraction), 1 - f.bias - f.fraction_bits};
  const std::uint64_t leading_one = std::uint64_t{1} << f.fraction_bits;
  return {Integer(leading_one + fraction), static_cast<int>(field) - f.bias - f.fraction_bits};
}

CodeValue value_of_code(const OracleFormat& f, std::uint64_t code) {
  const std::uint64_t sign = sign_weight(f);
  if (f.sign == Sign::twos_complement) {
    // Weight of the top bit is minus its place value; there are no special codes to look for.
    const bool negative = (code & sign) != 0;
    const std::uint64_t magnitude = negative ? 2 * sign - code : code;
    return {magnitude == 0 ? Meaning::zero : Meaning::number, negative, magnitude_value(f, magnitude)};
  }
  const bool negative = (code & sign) != 0;
  const std::uint64_t fields = code & all_fields(f);
  return {meaning_of(f, negative, fields), negative, magnitude_value(f, fields)};
}

std::uint64_t largest_fields(const OracleFormat& f) {
  if (f.specials == Specials::ieee) return (ones(f.exponent_bits) << f.fraction_bits) - 1;
  std::uint64_t fields = all_fields(f);
  while (meaning_of(f, false, fields) != Meaning::number) --fields;
  return fields;
}

bool has_nan(const OracleFormat& f) {
  return f.specials != Specials::none;
}
bool has_infinity(const OracleFormat& f) {
  return f.specials == Specials::ieee || f.specials == Specials::p3109_extended;
}

std::uint64_t nan_code(const OracleFormat& f) {
  if (f.specials == Specials::ieee) {  // quiet: the first fraction bit (IEEE 754-2019 6.2.1)
    return (ones(f.exponent_bits) << f.fraction_bits) + (std::uint64_t{1} << (f.fraction_bits - 1));
  }
  const bool on_top = f.specials == Specials::all_ones_nan || f.sign == Sign::none;
  return on_top ? all_fields(f) : sign_weight(f);
}

std::uint64_t infinity_code(const OracleFormat& f, bool negative) {
  const std::uint64_t sign = negative ? sign_weight(f) : 0;
  if (f.specials == Specials::ieee) return sign + (ones(f.exponent_bits) << f.fraction_bits);
  return sign + all_fields(f) - (f.sign == Sign::none ? 1 : 0);
}

std::uint64_t finite_code(const OracleFormat& f, bool negative, std::uint64_t fields) {
  if (!negative) return fields;
  if (f.sign == Sign::twos_complement) return fields == 0 ? 0 : 2 * sign_weight(f) - fields;
  if (fields == 0 && !negative_zero_exists(f) && !f.field_zero_is_normal) return 0;
  return sign_weight(f) + fields;
}

const std::vector<OracleFormat>& all_formats() {
  static const std::vector<OracleFormat> formats{
      // IEEE 754-2019 3.6 and its relatives.
      ieee("fp64", 11, 52),
      ieee("fp32", 8, 23),
      ieee("tf32", 8, 10),
      ieee("fp16", 5, 10),
      ieee("bf16", 8, 7),
      ieee("e8m15", 8, 15),
      ieee("e11m52", 11, 52),
      ieee("e5m10", 5, 10),
      ieee("e6m9", 6, 9),
      ieee("e2m5", 2, 5),
      ieee("e4m3_ieee", 4, 3),
      ieee("e3m4", 3, 4),
      ieee("e3m3", 3, 3),
      ieee("e2m1_ieee", 2, 1),
      ieee("e11m4", 11, 4),
      // OCP 8-bit floating point (OFP8) rev 1.0 table 1.
      ieee("e5m2", 5, 2),
      {"e4m3", Sign::bit, 4, 3, 7, Specials::all_ones_nan},
      // OCP microscaling (MX) v1.0 section 5.3 and 5.4.
      {"e3m2", Sign::bit, 3, 2, 3, Specials::none},
      {"e2m3", Sign::bit, 2, 3, 1, Specials::none},
      {"e2m1", Sign::bit, 2, 1, 1, Specials::none},
      {"e8m0", Sign::none, 8, 0, 127, Specials::all_ones_nan, true},
      {"mxint8", Sign::twos_complement, 0, 7, 0, Specials::none},
      // NVFP4 block scale: E4M3 without its sign bit.
      {"ue4m3", Sign::none, 4, 3, 7, Specials::all_ones_nan},
      // Graphcore and AMD FP8 (arXiv 2206.02915), and the variant with bias 11.
      {"e4m3fnuz", Sign::bit, 4, 3, 8, Specials::fnuz},
      {"e5m2fnuz", Sign::bit, 5, 2, 16, Specials::fnuz},
      {"e4m3b11fnuz", Sign::bit, 4, 3, 11, Specials::fnuz},
      // The same rules at other widths and biases.
      {"e5m4b9fnuz", Sign::bit, 5, 4, 9, Specials::fnuz},
      {"e3m4b6fn", Sign::bit, 3, 4, 6, Specials::all_ones_nan},
      {"e4m1fin", Sign::bit, 4, 1, 7, Specials::none},
      p3109(8, 4, true, true),
      p3109(8, 3, true, true),
      p3109(8, 1, true, true),
      p3109(8, 3, true, false),
      p3109(8, 4, false, true),
      p3109(8, 5, false, false),
      p3109(8, 1, false, false),
      p3109(4, 2, true, false),
      p3109(3, 2, true, true),
      p3109(6, 3, false, true),
      p3109(15, 8, true, true),
  };
  return formats;
}

const OracleFormat* find_oracle_format(std::string_view name) {
  for (const OracleFormat& f : all_formats()) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

}  // namespace lowp::oracle
