// SPDX-License-Identifier: Apache-2.0
#include "oracle.h"

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

// IEEE 754-2019 7.4: a result that was rounded towards zero stays finite.
bool overflow_keeps_largest(Mode mode, bool negative) {
  switch (mode) {
    case Mode::toward_zero: return true;
    case Mode::toward_positive: return negative;
    case Mode::toward_negative: return !negative;
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::nearest_to_zero:
    case Mode::to_odd: return false;
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
  if (negative && f.sign == Sign::none) return not_a_number(f, largest);
  std::uint64_t fields = place.fields;
  const bool between = place.relation != Relation::exact && place.relation != Relation::below_all &&
                       place.relation != Relation::beyond_all;
  if (between && takes_upper(mode, negative, place.fields, place.relation)) ++fields;
  if (fields <= largest) return finite_code(f, negative, fields);
  if (saturation.finite || overflow_keeps_largest(mode, negative)) return finite_code(f, negative, largest);
  return infinite(f, largest, negative);
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
