// SPDX-License-Identifier: Apache-2.0
// Random codes that visit what random bits seldom do: specials, zeros, subnormals, cancellation, close exponents.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::testing {

inline Format code_format(std::string_view name) {
  return find_format(name == "tf32" ? "fp32" : name).format;  // tf32 codes are FP32 patterns
}

enum class Draw { bits, finite, near_one, landmarks };
inline constexpr Draw draws[] = {Draw::bits, Draw::finite, Draw::near_one, Draw::landmarks};

class CodeSource {
 public:
  explicit CodeSource(std::uint64_t seed) : random_(seed) {}

  std::uint64_t bits() { return random_(); }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }
  std::uint64_t code(Format f, Draw draw) {
    switch (draw) {
      case Draw::bits: return random_() & code_mask(f);
      case Draw::finite: return (random_() % (max_finite_code(f) + 1)) | (random_() & sign_bit(f));
      case Draw::near_one: {
        const std::uint64_t fraction = random_() & low_bits(fraction_bits(f));
        const int exponent = static_cast<int>(random_() % 5) - 2;
        const Exact x = exact_finite(chance(2), min_normal_ordinal(f) | fraction, exponent - fraction_bits(f));
        return encode(f, Conversion{.overflow = {true, true}}, x);
      }
      case Draw::landmarks: {
        const std::uint64_t marks[] = {0,
                                       1,
                                       min_normal_ordinal(f) - 1,
                                       min_normal_ordinal(f),
                                       max_finite_code(f),
                                       max_finite_code(f) + 1,
                                       encode(f, Conversion{}, exact_finite(false, 1, 0))};
        return (marks[random_() % std::size(marks)] | (random_() & sign_bit(f))) & code_mask(f);
      }
    }
    return 0;
  }
  // A row of codes; now and then the negative of the one before, so that large terms cancel.
  std::vector<std::uint64_t> codes(Format f, std::size_t count, Draw draw) {
    std::vector<std::uint64_t> row;
    for (std::size_t i = 0; i < count; ++i) {
      row.push_back(i > 0 && chance(4) ? row.back() ^ sign_bit(f) : code(f, chance(8) ? Draw::finite : draw));
    }
    return row;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace lowp::testing
