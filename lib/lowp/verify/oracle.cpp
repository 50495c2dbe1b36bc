// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/oracle.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lowp::oracle {
namespace {

constexpr int listed_width = 16;

// Numbers from the upper neighbour on, not from the lower one: what the mode's definition says of a number strictly
// between its neighbours (IEEE 754-2019 4.3; round to odd: Boldo and Melquiond 2008).
bool takes_upper(Mode mode, bool negative, std::uint64_t lower, Relation relation) {
  const bool lower_is_even = lower % 2 == 0;
  const bool nearer_upper = relation == Relation::nearer_upper;
  const bool midway = relation == Relation::midway;
  switch (mode) {
    case Mode::nearest_even: return nearer_upper || (midway && !lower_is_even);
    case Mode::nearest_away: return nearer_upper || midway;
    case Mode::nearest_to_zero: return nearer_upper;
    case Mode::toward_zero: return false;
    case Mode::toward_positive: return !negative;
    case Mode::toward_negative: return negative;
    case Mode::to_odd: return lower_is_even;
  }
  return false;
}

// IEEE 754-2019 7.4: a result that was rounded towards zero stays finite. Round to odd takes the odd one of the largest
// number and the code after it.
bool overflow_keeps_largest(Mode mode, bool negative, std::uint64_t largest) {
  switch (mode) {
    case Mode::toward_zero: return true;
    case Mode::toward_positive: return negative;
    case Mode::toward_negative: return !negative;
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::nearest_to_zero: return false;
    case Mode::to_odd: return largest % 2 == 1;
  }
  return false;
}

std::uint64_t not_a_number(const OracleFormat& f, std::uint64_t largest) {
  return has_nan(f) ? nan_code(f) : finite_code(f, false, largest);
}

std::uint64_t infinite(const OracleFormat& f, std::uint64_t largest, bool negative) {
  if (has_infinity(f)) return infinity_code(f, negative);
  return has_nan(f) ? nan_code(f) : finite_code(f, negative, largest);
}

bool lies_between(Place place) {
  return place.relation == Relation::nearer_lower || place.relation == Relation::midway ||
         place.relation == Relation::nearer_upper;
}

// The code of a magnitude that was chosen with the exponent unbounded.
std::uint64_t code_of_choice(const OracleFormat& f, std::uint64_t largest, bool stays_finite, bool negative,
                             std::uint64_t fields) {
  if (negative && f.sign == Sign::none) return not_a_number(f, largest);
  if (fields <= largest) return finite_code(f, negative, fields);
  return stays_finite ? finite_code(f, negative, largest) : infinite(f, largest, negative);
}

// P3109 v4.0 4.7.4 with the fraction numerator / denominator of the way to the upper neighbour.
bool draw_takes_upper(Stochastic mode, const Integer& numerator, const Integer& denominator, Draw draw) {
  const Integer unit = Integer(1) << draw.count;
  const Integer random = Integer(draw.bits) & (unit - 1);
  switch (mode) {
    case Stochastic::a: return numerator * unit / denominator + random >= unit;
    case Stochastic::b: return numerator * (2 * unit) / denominator + 2 * random + 1 >= 2 * unit;
    case Stochastic::c: {
      const Integer below = numerator * unit / denominator;
      const Integer rest_twice = 2 * (numerator * unit - below * denominator);
      const bool up = rest_twice > denominator || (rest_twice == denominator && below % 2 == 1);
      return below + (up ? 1 : 0) + random >= unit;
    }
  }
  return false;
}

}  // namespace

Real real_of_code(const OracleFormat& f, std::uint64_t code) {
  CodeValue v = value_of_code(f, code);
  return {v.meaning, v.negative, std::move(v.magnitude)};
}

Grid::Grid(const OracleFormat& format) : format_(format), largest_(largest_fields(format)) {
  if (width_of(format) > listed_width) return;
  for (std::uint64_t fields = 0; fields <= largest_ + 1; ++fields) values_.push_back(magnitude_value(format_, fields));
}

Dyadic Grid::value(std::uint64_t fields) const {
  return values_.empty() ? magnitude_value(format_, fields) : values_[fields];
}

Place locate(const Grid& grid, const Dyadic& magnitude) {
  std::uint64_t low = 0;
  std::uint64_t high = grid.largest() + 1;
  if (compare(magnitude, grid.value(low)) < 0) return {low, Relation::below_all};
  if (compare(magnitude, grid.value(high)) >= 0) return {high, Relation::beyond_all};
  while (high - low > 1) {  // value(low) <= magnitude < value(high)
    const std::uint64_t middle = low + (high - low) / 2;
    (compare(magnitude, grid.value(middle)) < 0 ? high : low) = middle;
  }
  if (compare(magnitude, grid.value(low)) == 0) return {low, Relation::exact};
  const int order = compare(times_power_of_two(magnitude, 1), sum(grid.value(low), grid.value(high)));
  if (order == 0) return {low, Relation::midway};
  return {low, order < 0 ? Relation::nearer_lower : Relation::nearer_upper};
}

std::uint64_t decide(const OracleFormat& f, std::uint64_t largest, Mode mode, Saturation saturation, bool negative,
                     Place place) {
  const bool upper = lies_between(place) && takes_upper(mode, negative, place.fields, place.relation);
  return code_of_choice(f, largest, saturation.finite || overflow_keeps_largest(mode, negative, largest), negative,
                        place.fields + (upper ? 1 : 0));
}

std::uint64_t decide_special(const OracleFormat& f, std::uint64_t largest, Saturation saturation, Meaning meaning,
                             bool negative) {
  if (meaning == Meaning::zero) {
    return negative && negative_zero_exists(f) ? finite_code(f, true, 0) : finite_code(f, false, 0);
  }
  if (meaning == Meaning::nan || (negative && f.sign == Sign::none)) return not_a_number(f, largest);
  return saturation.infinite ? finite_code(f, negative, largest) : infinite(f, largest, negative);
}

std::uint64_t oracle_encode(const Grid& grid, Mode mode, Saturation saturation, const Real& x) {
  if (x.meaning != Meaning::number) {
    return decide_special(grid.format(), grid.largest(), saturation, x.meaning, x.negative);
  }
  return decide(grid.format(), grid.largest(), mode, saturation, x.negative, locate(grid, x.magnitude));
}

std::uint64_t oracle_encode(const Grid& grid, Stochastic mode, Draw draw, Saturation saturation, const Real& x) {
  if (x.meaning != Meaning::number) {
    return decide_special(grid.format(), grid.largest(), saturation, x.meaning, x.negative);
  }
  const Place place = locate(grid, x.magnitude);
  bool upper = false;
  if (lies_between(place)) {
    const Dyadic lower = grid.value(place.fields);
    const Dyadic above = difference(x.magnitude, lower);
    const Dyadic gap = difference(grid.value(place.fields + 1), lower);
    const int common = std::min(above.exponent, gap.exponent);
    upper = draw_takes_upper(mode, above.significand << (above.exponent - common),
                             gap.significand << (gap.exponent - common), draw);
  }
  return code_of_choice(grid.format(), grid.largest(), saturation.finite, x.negative, place.fields + (upper ? 1 : 0));
}

bool find_mode(std::string_view name, Mode& mode) {
  constexpr std::array<std::pair<std::string_view, Mode>, 7> names{{{"nearest_even", Mode::nearest_even},
                                                                    {"nearest_away", Mode::nearest_away},
                                                                    {"nearest_to_zero", Mode::nearest_to_zero},
                                                                    {"toward_zero", Mode::toward_zero},
                                                                    {"toward_positive", Mode::toward_positive},
                                                                    {"toward_negative", Mode::toward_negative},
                                                                    {"to_odd", Mode::to_odd}}};
  for (const auto& [known, value] : names) {
    if (known == name) {
      mode = value;
      return true;
    }
  }
  return false;
}

}  // namespace lowp::oracle
