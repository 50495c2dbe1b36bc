// SPDX-License-Identifier: Apache-2.0
// Errors of many results against exact ones: mergeable, independent of order, bounded in memory.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "lowp/exact/exact_sum.h"

namespace lowp {

// A number as the sum of two doubles: the nearest one and what it leaves, right to 2^-64 of the number or better.
struct Precise {
  double high = 0, low = 0;
};
Precise precise(const ExactSum& sum);

class ErrorStatistics {
 public:
  // A finite result and the exact one. Counts of equals need exact.low == 0.
  void add(double result, const Precise& exact);

  std::uint64_t count() const { return count_; }
  std::uint64_t exact_count() const { return exact_; }
  // Relative errors of results whose exact value is not zero, sorted: the one that a share q of them does not exceed,
  // rounded up by less than 0.8 % (from 2^-120 to 2^136). 0 where it is exact; nothing without such results.
  std::optional<double> relative_quantile(double q) const;
  std::optional<double> largest_relative() const;
  // The largest error over the mean magnitude of the exact values; nothing without a signal.
  std::optional<double> largest_of_mean() const;
  // Mean error in the direction of the exact values, over their mean magnitude: below 0 when sums come out too small.
  std::optional<double> bias() const;
  // Root of the sum of squared errors over that of the squared exact values; nothing without a signal.
  std::optional<double> relative_size() const;
  // 10 log10 of the sum of squares over the sum of squared errors; nothing without an error or a signal.
  std::optional<double> snr_db() const;

 private:
  // 128 bins a binade: doubles without their last 45 fraction bits, from 2^-120 to 2^136. A binade's bins exist once an
  // error falls into it. For example 0.3 = 2^-2 * 1.2 is in bin 25 of its binade: 1 + 25/128 <= 1.2 < 1 + 26/128.
  static constexpr int dropped_bits = 45;
  static constexpr std::uint64_t bins = 128, binades = 256, lowest_bin = (1023 - 120) * bins;
  std::array<std::vector<std::uint64_t>, binades> histogram_;
  std::uint64_t count_ = 0, exact_ = 0, nonzero_ = 0, nonzero_exact_ = 0;
  double largest_ = 0, largest_error_ = 0;
  ExactSum magnitude_, signed_error_, squares_, squared_errors_;
};

}  // namespace lowp
