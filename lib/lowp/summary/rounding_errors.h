// SPDX-License-Identifier: Apache-2.0
// Evidence of level `errors`: what rounding to nearest, ties to even, does at every width, packed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/binade_counts.h"
#include "lowp/summary/page_moments.h"

namespace lowp {

// One group of a MomentTable with what cannot be computed from the others. Sums of the elements and of their squares
// follow from the errors, since all elements of a group but the farthest from the binade's end become one number.
struct ErrorGroup {
  bool negative = false;
  int binade = 0;
  int width = 0;     // fraction bits rounded to: -1 .. 10
  int distance = 0;  // 0 .. 3
  std::uint64_t count = 0, exact = 0;
  uint128 error_up = 0, error_down = 0;
  Integer256 error_squared;

  friend bool operator==(const ErrorGroup&, const ErrorGroup&) = default;
};

// A plain value of about a tenth of a MomentTable's size. Equal contents are equal bytes.
class RoundingErrors {
 public:
  RoundingErrors() = default;
  explicit RoundingErrors(const BinadeTable& table);
  // From packed(), which may come from a stranger, and the counts of the same elements. An Error where they contradict
  // each other, or where no elements have such errors.
  static Result<RoundingErrors> of_packed(BinadeCounts counts, int fraction_bits, std::span<const std::byte> packed);

  const BinadeCounts& counts() const { return counts_; }
  std::span<const std::uint8_t> packed() const { return packed_; }
  int fraction_bits() const { return fraction_bits_; }
  std::vector<ErrorGroup> groups() const;  // by sign (negative first), binade, width and distance
  MomentTable moments() const;             // of nearest-even, without widths beyond the leaves

  friend bool operator==(const RoundingErrors&, const RoundingErrors&) = default;
  friend RoundingErrors merged(const RoundingErrors& a, const RoundingErrors& b);

 private:
  void pack(std::span<const ErrorGroup> groups);

  BinadeCounts counts_;
  int fraction_bits_ = narrow_fraction_bits;
  std::vector<std::uint8_t> packed_;
};
RoundingErrors merged(const RoundingErrors& a, const RoundingErrors& b);

}  // namespace lowp
