// SPDX-License-Identifier: Apache-2.0
// The formats as the standards print them: fields and special codes, told again without a look at lib/lowp/core.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/verify/dyadic.h"

namespace lowp::oracle {

enum class Meaning : std::uint8_t { zero, number, infinity, nan };

// Which codes are not numbers.
enum class Specials : std::uint8_t {
  none,            // every code is a number
  ieee,            // exponent field all ones: fraction 0 is Inf, the others NaN
  all_ones_nan,    // exponent and fraction all ones: NaN; no Inf
  fnuz,            // sign bit alone: NaN; no Inf, no -0
  p3109_extended,  // signed: sign bit alone is NaN, all ones are +-Inf. Unsigned: all ones NaN, one below +Inf
  p3109_finite,    // signed: sign bit alone is NaN. Unsigned: all ones NaN. No Inf
};

enum class Sign : std::uint8_t { bit, none, twos_complement };

struct OracleFormat {
  std::string name;
  Sign sign;
  int exponent_bits;
  int fraction_bits;
  int bias;  // value = 1.fraction * 2^(field - bias), and 0.fraction * 2^(1 - bias) for field 0
  Specials specials;
  bool field_zero_is_normal = false;  // E8M0: exponent field 0 is 2^-bias, there is no zero
};

struct CodeValue {
  Meaning meaning = Meaning::zero;
  bool negative = false;
  Dyadic magnitude;  // for Meaning::number
};

int width_of(const OracleFormat& f);
bool negative_zero_exists(const OracleFormat& f);

// What `code` (below 2^width) stands for.
CodeValue value_of_code(const OracleFormat& f, std::uint64_t code);

// Value of exponent and fraction field read as one integer, which may run past the largest code: there the exponent
// field goes on counting, as if it were unbounded.
Dyadic magnitude_value(const OracleFormat& f, std::uint64_t fields);

// Largest fields (exponent and fraction) of a finite number.
std::uint64_t largest_fields(const OracleFormat& f);

// The codes to write for NaN, Inf and a finite magnitude; `has_*` say whether there is one.
bool has_nan(const OracleFormat& f);
bool has_infinity(const OracleFormat& f);
std::uint64_t nan_code(const OracleFormat& f);
std::uint64_t infinity_code(const OracleFormat& f, bool negative);
std::uint64_t finite_code(const OracleFormat& f, bool negative, std::uint64_t fields);

const std::vector<OracleFormat>& all_formats();
// By the project's name for the format; null where the oracle does not know it.
const OracleFormat* find_oracle_format(std::string_view name);

}  // namespace lowp::oracle
