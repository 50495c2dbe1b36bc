// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/measures.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace lowp {
namespace {

using Unit = Measure::Unit;

Measured missing(std::string why) {
  return {Measured::Kind::missing, {}, 0, 0, std::move(why)};
}
Measured count_of(Interval count) {
  return {Measured::Kind::count, count, 0, 0, {}};
}
// A sum of squares may leave double's range although every element is inside.
Measured number_of(double value) {
  if (!std::isfinite(value)) return missing("beyond the range of a double");
  return {Measured::Kind::number, {}, value, value, {}};
}
// A part of a whole: the least share where the part is least and the whole is most.
Measured share_of(Interval part, Interval whole) {
  if (whole.most == 0) return missing("no elements");
  const auto ratio = [](std::uint64_t a, std::uint64_t b) {
    return b == 0 ? 1.0 : std::min(1.0, static_cast<double>(a) / static_cast<double>(b));
  };
  return {Measured::Kind::number, {}, ratio(part.least, whole.most), ratio(part.most, whole.least), {}};
}

template <ElementClass c>
Measured class_count(const Outcome& o) {
  return count_of(o.counts[c]);
}
template <ElementClass c>
Measured share_of_nonzero(const Outcome& o) {
  return share_of(o.counts[c], o.nonzero());
}

Measured exact_count(const Outcome& o) {
  return o.exact ? count_of(*o.exact) : missing("not counted");
}

template <double ErrorMoments::* sum>
Measured error_sum(const Outcome& o) {
  return o.error ? number_of((*o.error).*sum) : missing("errors were not kept");
}
template <std::size_t c>
Measured error_share(const Outcome& o) {
  return o.error ? number_of(o.error->share_of_squared[c]) : missing("errors were not kept");
}
Measured bias(const Outcome& o) {
  if (!o.error) return missing("errors were not kept");
  return o.error->bias ? number_of(*o.error->bias) : missing("no elements");
}
// The ratio of what did not overflow would rise with every element that does.
Measured snr_db(const Outcome& o) {
  const Interval overflowed = o.counts[ElementClass::overflowed];
  if (overflowed.least != 0) return missing(fmt::format("{} overflowed", overflowed.least));
  if (!o.error) return missing("errors were not kept");
  if (o.error->snr_db) return number_of(*o.error->snr_db);
  return missing(o.nonzero() == 0 ? "no signal" : "no error");
}

constexpr std::array table{
    Measure{"elements", "elements", "all elements, of every kind", Unit::count, Level::peak, true, false,
            [](const Outcome& o) { return count_of(Interval::exactly(o.elements)); }},
    Measure{"zero_in", "zero_in", "x was zero, of either sign, before anything happened", Unit::count, Level::flushed,
            true, false, [](const Outcome& o) { return count_of(o.zero_in); }},
    Measure{"nan_in", "nan_in", "x was NaN", Unit::count, Level::flushed, true, false,
            [](const Outcome& o) { return count_of(Interval::exactly(o.nan_in)); }},
    Measure{"inf_in", "inf_in", "x was infinite", Unit::count, Level::flushed, true, false,
            [](const Outcome& o) { return count_of(Interval::exactly(o.inf_in)); }},
    Measure{"flushed", "counts.flushed", "x was not zero but r is: lost", Unit::count, Level::flushed, false, false,
            class_count<ElementClass::flushed>},
    Measure{"subnormal", "counts.subnormal", "r is below the smallest normal number", Unit::count, Level::counts, false,
            false, class_count<ElementClass::subnormal>},
    Measure{"normal", "counts.normal", "r is an ordinary number of the format", Unit::count, Level::counts, false, true,
            class_count<ElementClass::normal>},
    Measure{"saturated", "counts.saturated", "beyond the largest number, and given that number", Unit::count,
            Level::counts, false, false, class_count<ElementClass::saturated>},
    Measure{"overflowed", "counts.overflowed", "beyond the largest number, and given Inf or NaN", Unit::count,
            Level::counts, false, false, class_count<ElementClass::overflowed>},
    Measure{"exact", "counts.exact", "r = y: nothing was lost", Unit::count, Level::counts, false, true, exact_count},
    Measure{"flushed_of_all", "rates.flushed_of_all", "flushed, of all elements", Unit::share, Level::flushed, false,
            false,
            [](const Outcome& o) { return share_of(o.counts[ElementClass::flushed], Interval::exactly(o.elements)); }},
    Measure{"flushed_of_nonzero", "rates.flushed_of_nonzero", "flushed, of finite elements but zeros", Unit::share,
            Level::flushed, false, false, share_of_nonzero<ElementClass::flushed>},
    Measure{"subnormal_of_nonzero", "rates.subnormal_of_nonzero", "subnormal, of finite elements but zeros",
            Unit::share, Level::counts, false, false, share_of_nonzero<ElementClass::subnormal>},
    Measure{"normal_of_nonzero",
            {},
            "normal, of finite elements but zeros",
            Unit::share,
            Level::counts,
            false,
            true,
            share_of_nonzero<ElementClass::normal>},
    Measure{"saturated_of_nonzero",
            {},
            "saturated, of finite elements but zeros",
            Unit::share,
            Level::counts,
            false,
            false,
            share_of_nonzero<ElementClass::saturated>},
    Measure{"overflowed_of_nonzero", "rates.overflowed_of_nonzero", "overflowed, of finite elements but zeros",
            Unit::share, Level::counts, false, false, share_of_nonzero<ElementClass::overflowed>},
    Measure{"error_sum_abs", "error.sum_abs", "sum of |r/S - x|, over what did not overflow", Unit::number,
            Level::errors, false, false, error_sum<&ErrorMoments::sum_abs>},
    Measure{"error_sum_squared", "error.sum_squared", "sum of (r/S - x)^2, over what did not overflow", Unit::number,
            Level::errors, false, false, error_sum<&ErrorMoments::sum_squared>},
    Measure{"bias", "error.bias", "mean of r/S - x, over what did not overflow", Unit::number, Level::errors, false,
            false, bias},
    Measure{"snr_db", "error.snr_db", "10 log10(sum x^2 / sum (r/S - x)^2); none where something overflowed",
            Unit::decibels, Level::errors, false, true, snr_db},
    Measure{"error_share_flushed", "error.share_of_squared.flushed", "share of the squared error in flushed elements",
            Unit::share, Level::errors, false, false, error_share<0>},
    Measure{"error_share_subnormal", "error.share_of_squared.subnormal",
            "share of the squared error in subnormal elements", Unit::share, Level::errors, false, false,
            error_share<1>},
    Measure{"error_share_normal", "error.share_of_squared.normal", "share of the squared error in normal elements",
            Unit::share, Level::errors, false, false, error_share<2>},
    Measure{"error_share_saturated", "error.share_of_squared.saturated",
            "share of the squared error in saturated elements", Unit::share, Level::errors, false, false,
            error_share<3>},
};

}  // namespace

std::optional<double> Measured::at_least() const {
  if (kind == Kind::missing) return {};
  return kind == Kind::count ? static_cast<double>(count.least) : least;
}

std::optional<double> Measured::at_most() const {
  if (kind == Kind::missing) return {};
  return kind == Kind::count ? static_cast<double>(count.most) : most;
}

std::span<const Measure> measures() {
  return table;
}

const Measure* find_measure(std::string_view name) {
  for (const Measure& row : table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace lowp
