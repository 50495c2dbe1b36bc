// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/difference_measures.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>

namespace lowp::compare {
namespace {

using Unit = Measure::Unit;

Measured missing(std::string why) {
  return {Measured::Kind::missing, {}, 0, 0, std::move(why)};
}
Measured count_of(std::uint64_t count) {
  return {Measured::Kind::count, Interval::exactly(count), 0, 0, {}};
}
Measured number_of(double value) {
  if (!std::isfinite(value)) return missing("beyond the range of a double");
  return {Measured::Kind::number, {}, value, value, {}};
}

template <std::uint64_t Differences::* count>
Measured counted(const Differences& d) {
  return count_of(d.*count);
}
template <std::uint64_t Differences::* part>
Measured share(const Differences& d) {
  if (d.elements == 0) return missing("no elements");
  return number_of(static_cast<double>(d.*part) / static_cast<double>(d.elements));
}
template <double Differences::* number>
Measured numbered(const Differences& d) {
  return number_of(d.*number);
}

constexpr std::string_view nothing_finite = "no pair of finite values", no_signal = "A has no finite value but zeros";

Measured as_measured(std::uint64_t key, bool is_double) {
  return is_double ? number_of(std::bit_cast<double>(key)) : count_of(key);
}
// Quantiles of several tensors together would need all of their elements at once.
template <Quantiles Differences::* quantiles, std::size_t which, bool is_double>
Measured quantile(const Differences& d) {
  if ((d.*quantiles).count == 0) return missing(std::string(quantiles == &Differences::relative ? no_signal : nothing_finite));
  if (!d.is_one_tensor) return missing("of single tensors only");
  return as_measured((d.*quantiles).at[which], is_double);
}
template <Quantiles Differences::* quantiles, bool is_double>
Measured most(const Differences& d) {
  if ((d.*quantiles).count == 0) return missing(std::string(quantiles == &Differences::relative ? no_signal : nothing_finite));
  return as_measured((d.*quantiles).most, is_double);
}

// What NaN and Inf on one side have done is in no sum.
Measured snr_db(const Differences& d) {
  if (d.one_sided() != 0) return missing(fmt::format("{} NaN or Inf on one side only", d.one_sided()));
  if (d.snr_db) return number_of(*d.snr_db);
  if (d.finite == 0) return missing(std::string(nothing_finite));
  return missing(d.largest_a == 0 ? std::string(no_signal) : "no difference");
}

constexpr std::array table{
    DifferenceMeasure{"elements", "elements", "pairs of elements", Unit::count, counted<&Differences::elements>},
    DifferenceMeasure{"finite", "finite", "pairs of which both are finite", Unit::count, counted<&Differences::finite>},
    DifferenceMeasure{"differing", "differing", "further apart than the tolerance, or NaN or Inf that the other is not",
                      Unit::count, counted<&Differences::differing>},
    DifferenceMeasure{"differing_of_all", "differing_of_all", "differing, of all pairs", Unit::share,
                      share<&Differences::differing>},
    DifferenceMeasure{"equal_bits", "equal_bits", "the same code; of two dtypes or loss scales, the same value",
                      Unit::count, counted<&Differences::equal_bits>},
    DifferenceMeasure{"sign_flips", "sign_flips", "both not zero, of opposite signs", Unit::count,
                      counted<&Differences::sign_flips>},
    DifferenceMeasure{"lost", "lost", "zero in B, a number other than zero in A", Unit::count, counted<&Differences::lost>},
    DifferenceMeasure{"gained", "gained", "zero in A, a number other than zero in B", Unit::count,
                      counted<&Differences::gained>},
    DifferenceMeasure{"nan_a", "nan_a", "NaN in A", Unit::count, counted<&Differences::nan_a>},
    DifferenceMeasure{"nan_b", "nan_b", "NaN in B", Unit::count, counted<&Differences::nan_b>},
    DifferenceMeasure{"nan_only_a", "nan_only_a", "NaN in A, and not in B", Unit::count,
                      counted<&Differences::nan_only_a>},
    DifferenceMeasure{"nan_only_b", "nan_only_b", "NaN in B, and not in A", Unit::count,
                      counted<&Differences::nan_only_b>},
    DifferenceMeasure{"inf_only_a", "inf_only_a", "Inf in A, and not in B", Unit::count,
                      counted<&Differences::inf_only_a>},
    DifferenceMeasure{"inf_only_b", "inf_only_b", "Inf in B, and not in A", Unit::count,
                      counted<&Differences::inf_only_b>},
    DifferenceMeasure{"ulps_p50", "ulps.p50", "half of the finite pairs are at most so many ulps apart", Unit::count,
                      quantile<&Differences::ulps, 0, false>},
    DifferenceMeasure{"ulps_p90", "ulps.p90", "90 % of them", Unit::count, quantile<&Differences::ulps, 1, false>},
    DifferenceMeasure{"ulps_p99", "ulps.p99", "99 % of them", Unit::count, quantile<&Differences::ulps, 2, false>},
    DifferenceMeasure{"ulps_max", "ulps.max", "all of them", Unit::count, most<&Differences::ulps, false>},
    DifferenceMeasure{"absolute_p50", "absolute.p50", "likewise |b - a|, in FP64", Unit::number,
                      quantile<&Differences::absolute, 0, true>},
    DifferenceMeasure{"absolute_p90", "absolute.p90", "likewise", Unit::number,
                      quantile<&Differences::absolute, 1, true>},
    DifferenceMeasure{"absolute_p99", "absolute.p99", "likewise", Unit::number,
                      quantile<&Differences::absolute, 2, true>},
    DifferenceMeasure{"absolute_max", "absolute.max", "the largest of them", Unit::number,
                      most<&Differences::absolute, true>},
    DifferenceMeasure{"relative_p50", "relative.p50", "likewise |b - a| / |a|, in FP64, where a is not zero",
                      Unit::number, quantile<&Differences::relative, 0, true>},
    DifferenceMeasure{"relative_p90", "relative.p90", "likewise", Unit::number,
                      quantile<&Differences::relative, 1, true>},
    DifferenceMeasure{"relative_p99", "relative.p99", "likewise", Unit::number,
                      quantile<&Differences::relative, 2, true>},
    DifferenceMeasure{"relative_max", "relative.max", "the largest of them", Unit::number,
                      most<&Differences::relative, true>},
    DifferenceMeasure{"largest_a", "largest_a", "largest finite magnitude of the finite pairs in A", Unit::number,
                      numbered<&Differences::largest_a>},
    DifferenceMeasure{"largest_b", "largest_b", "likewise in B", Unit::number, numbered<&Differences::largest_b>},
    DifferenceMeasure{"sum_squared", "sum_squared", "sum of a^2 over the finite pairs, rounded once", Unit::number,
                      numbered<&Differences::squares>},
    DifferenceMeasure{"sum_squared_difference", "sum_squared_difference", "sum of (b - a)^2, likewise", Unit::number,
                      numbered<&Differences::squared_differences>},
    DifferenceMeasure{"snr_db", "snr_db", "10 log10 of their ratio; none where NaN or Inf is on one side only",
                      Unit::decibels, snr_db},
    DifferenceMeasure{"unmatched", "unmatched", "tensors that only one side has", Unit::count,
                      counted<&Differences::unmatched>},
    DifferenceMeasure{"mismatched", "mismatched", "tensors with two shapes", Unit::count,
                      counted<&Differences::mismatched>},
};

}  // namespace

std::span<const DifferenceMeasure> difference_measures() {
  return table;
}

}  // namespace lowp::compare
