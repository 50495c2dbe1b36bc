// SPDX-License-Identifier: Apache-2.0
// Numbers as people write them, read and written without ever passing through a double.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/core/exact.h"

namespace lowp {

// A natural number of any size: 32-bit limbs, the lowest first, no zero limb on top. Zero has none.
class Natural {
 public:
  Natural() = default;
  explicit Natural(std::uint64_t value);

  bool is_zero() const { return limbs_.empty(); }
  int bit_length() const;
  void multiply_add(std::uint32_t factor, std::uint32_t addend);
  std::uint32_t divide(std::uint32_t divisor);  // the remainder is returned
  void shift_left(int count);
  bool at_least(const Natural& other) const;
  void subtract(const Natural& other);  // other must not be larger
  // The top 64 bits and how many bits were below them; `sticky` tells whether any of those was set.
  std::uint64_t top_bits(int& dropped, bool& sticky) const;
  std::string decimal() const;

 private:
  void trim();
  std::vector<std::uint32_t> limbs_;
};

// A decimal (1.2e-7), a hexadecimal float (0x1.8p-25), a power of two (2^-25, 3*2^-24), inf or nan, with a sign or not.
// The whole word or nothing. What 64 bits cannot hold is in `sticky`, so one rounding of the result is right in every
// mode. At most 4,000 characters and decimal exponents up to 20,000 on either side, beyond every format there is.
std::optional<Exact> parse_exact(std::string_view word);

// All digits of a value without sticky: "0.000000059604644775390625". Inf, NaN and -0 by those names.
std::string decimal_text(Exact x);
// The shortest exact form: "1.5", "2^-23", "683 * 2^-24".
std::string exact_text(Exact x);
// Eight significant digits: "1.1920929e-07"; exact_text where a double has no such exponent.
std::string short_text(Exact x);

}  // namespace lowp
