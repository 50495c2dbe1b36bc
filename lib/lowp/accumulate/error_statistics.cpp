// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/error_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);

Exact exact_of(double x) {
  return decode(fp64, std::bit_cast<std::uint64_t>(x));
}

}  // namespace

Precise precise(const ExactSum& sum) {
  Precise p{sum.to_double(), 0};
  if (!std::isfinite(p.high) || p.high == 0) return p;
  ExactSum rest = sum;
  rest.add(-p.high);
  p.low = rest.to_double();
  return p;
}

void ErrorStatistics::add(double result, const Precise& exact) {
  const double error = (result - exact.high) - exact.low;  // both subtractions exact or harmless: the terms are close
  ++count_;
  exact_ += error == 0 ? 1 : 0;
  largest_error_ = std::max(largest_error_, std::abs(error));
  squares_.add_product(exact_of(exact.high), exact_of(exact.high));
  squared_errors_.add_product(exact_of(error), exact_of(error));
  magnitude_.add(std::abs(exact.high));
  signed_error_.add(exact.high < 0 ? -error : error);
  if (exact.high == 0) return;
  ++nonzero_;
  nonzero_exact_ += error == 0 ? 1 : 0;
  if (error == 0) return;
  const double relative = std::abs(error / exact.high);
  largest_ = std::max(largest_, relative);
  const std::uint64_t bin = std::bit_cast<std::uint64_t>(relative) >> dropped_bits;
  const std::uint64_t at = std::clamp(bin, lowest_bin, lowest_bin + bins * binades - 1) - lowest_bin;
  std::vector<std::uint64_t>& binade = histogram_[at / bins];
  if (binade.empty()) binade.resize(bins);
  ++binade[at % bins];
}

std::optional<double> ErrorStatistics::relative_quantile(double q) const {
  if (nonzero_ == 0) return {};
  const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(nonzero_)));
  std::uint64_t seen = nonzero_exact_;
  if (seen >= wanted) return 0;
  // The upper end of a bin: no error in it is larger, and the largest of all is known.
  for (std::size_t i = 0; i < histogram_.size(); ++i) {
    for (std::size_t j = 0; j < histogram_[i].size(); ++j) {
      seen += histogram_[i][j];
      if (seen < wanted) continue;
      const std::uint64_t next = i * bins + j + 1;
      if (next == bins * binades) return largest_;
      return std::min(largest_, std::bit_cast<double>((lowest_bin + next) << dropped_bits));
    }
  }
  return largest_;
}

std::optional<double> ErrorStatistics::largest_relative() const {
  if (nonzero_ == 0) return {};
  return largest_;
}

std::optional<double> ErrorStatistics::largest_of_mean() const {
  const double sum = magnitude_.to_double();
  if (sum == 0) return {};
  return largest_error_ / (sum / static_cast<double>(count_));
}

std::optional<double> ErrorStatistics::bias() const {
  const double magnitude = magnitude_.to_double();
  if (magnitude == 0 || !std::isfinite(magnitude)) return {};
  return signed_error_.to_double() / magnitude;
}

std::optional<double> ErrorStatistics::relative_size() const {
  if (squares_.value().kind != Kind::finite) return {};
  const auto snr = snr_db();
  return snr ? std::pow(10, -*snr / 20) : 0;
}

std::optional<double> ErrorStatistics::snr_db() const {
  const Exact signal = squares_.value(), noise = squared_errors_.value();
  if (signal.kind != Kind::finite || noise.kind != Kind::finite) return {};
  const double ratio = static_cast<double>(signal.significand) / static_cast<double>(noise.significand);
  return 10 * (std::log10(ratio) + (signal.exponent - noise.exponent) * std::log10(2.0));
}

}  // namespace lowp
