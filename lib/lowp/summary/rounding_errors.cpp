// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/rounding_errors.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "lowp/summary/varint.h"

namespace lowp {
namespace {

constexpr int lowest_width = -1, widths = 12;

uint128 low_half(const Integer256& value) {
  return static_cast<uint128>(value.limb[1]) << 64 | value.limb[0];
}

auto place_of(const ErrorGroup& group) {
  return std::tuple(!group.negative, group.binade, group.width, group.distance);
}

Integer256 square_of(uint128 x) {
  return product(x, x);
}

// The number that a group's elements become, in the units of the table.
uint128 result_of(int fraction_bits, int width, std::size_t distance) {
  return (uint128{2} << fraction_bits) - (static_cast<uint128>(distance) << (fraction_bits - width));
}

// sum (r - x) = up - down and sum (r - x)^2 = squared give both sums of a group whose elements become r.
void find_sums(Group& group, uint128 result) {
  group.sum = result * group.count + group.error_down - group.error_up;
  group.sum_squared = group.error_squared + (product(group.sum, result) << 1);
  const Integer256 results = square_of(result) * group.count;
  if (results <= group.sum_squared) group.sum_squared -= results;  // as it is for sums that some elements have
}

// All sums of a page: those of its elements follow from width -1, where there is no farthest group; of the farthest
// group at the other widths they are what the nearer ones leave.
void find_sums(PageMoments& page, int fraction_bits) {
  Group all;
  for (int width = lowest_width; width < lowest_width + widths; ++width) {
    Distances& distances = page.by_fraction[static_cast<std::size_t>(width + 1)];
    Group nearer;
    for (std::size_t d = 0; d < 3; ++d) {
      if (distances[d].count == 0) continue;
      find_sums(distances[d], result_of(fraction_bits, width, d));
      nearer.add(distances[d]);
    }
    if (width == lowest_width) {
      all = nearer;
    } else if (distances[3].count != 0) {
      distances[3].sum = all.sum - nearer.sum;
      if (nearer.sum_squared <= all.sum_squared) distances[3].sum_squared = all.sum_squared;
      if (nearer.sum_squared <= all.sum_squared) distances[3].sum_squared -= nearer.sum_squared;
    }
  }
  page.sum_up();
}

std::vector<ErrorGroup> groups_of(const MomentTable& table) {
  std::vector<ErrorGroup> groups;
  for (const PageMoments& page : table.pages) {
    for (int width = lowest_width; width < lowest_width + widths; ++width) {
      const Distances& distances = page.rounded_to(width);
      for (std::size_t d = 0; d < distances.size(); ++d) {
        const Group& group = distances[d];
        if (group.count == 0) continue;
        groups.push_back({page.negative, page.binade, width, static_cast<int>(d), group.count, group.exact,
                          group.error_up, group.error_down, group.error_squared});
      }
    }
  }
  return groups;
}

// Groups in the units of tables with 52 fraction bits.
std::vector<ErrorGroup> widened(std::vector<ErrorGroup> groups, int bits) {
  for (ErrorGroup& group : groups) {
    group.error_up <<= bits;
    group.error_down <<= bits;
    group.error_squared = group.error_squared << 2 * bits;
  }
  return groups;
}

}  // namespace

namespace {

// Whether n numbers of at most `largest` can have this sum and this sum of squares.
bool can_be(std::uint64_t n, uint128 sum, const Integer256& squared, uint128 largest) {
  return Integer256{sum} <= product(largest, n) && square_of(sum) <= squared * n && squared <= product(sum, largest);
}

// Whether some elements have these sums; only then do differences of them stay above zero.
bool can_be(const ErrorGroup& group, int fraction_bits) {
  const uint128 largest = uint128{1} << (fraction_bits - group.width - 1);
  return group.error_up >> 99 == 0 && group.error_down >> 99 == 0 && group.count <= max_elements &&
         can_be(group.count, group.error_up + group.error_down, group.error_squared, largest);
}
bool can_be(const PageMoments& page, int fraction_bits) {
  const uint128 least = uint128{1} << fraction_bits;
  for (const Distances& distances : page.by_fraction) {
    for (const Group& group : distances) {
      if (group.count == 0) continue;
      if (group.sum < least * group.count || group.sum > 2 * least * group.count) return false;
      if (square_of(group.sum) > group.sum_squared * group.count) return false;
      if (group.sum_squared > product(group.sum, 2 * least)) return false;
    }
  }
  return true;
}

}  // namespace

// A page is its sign, its distance from the binade before, and its groups by a mask of those that are there.
void RoundingErrors::pack(std::span<const ErrorGroup> groups) {
  packed_.clear();
  int before = 0;
  for (std::size_t begin = 0; begin < groups.size();) {
    const ErrorGroup& first = groups[begin];
    std::size_t end = begin;
    std::uint64_t mask = 0;
    for (; end < groups.size() && groups[end].negative == first.negative && groups[end].binade == first.binade; ++end) {
      mask |= std::uint64_t{1} << (4 * (groups[end].width - lowest_width) + groups[end].distance);
    }
    packed_.push_back(first.negative ? 1 : 0);
    const int step = first.binade - before;
    put_varint(packed_, Integer256{static_cast<std::uint64_t>(step < 0 ? -2 * step - 1 : 2 * step)});
    before = first.binade;
    put_varint(packed_, Integer256{mask});
    for (const ErrorGroup& group : groups.subspan(begin, end - begin)) {
      for (const Integer256& number : {Integer256{group.count}, Integer256{group.exact}, Integer256{group.error_up},
                                       Integer256{group.error_down}, group.error_squared}) {
        put_varint(packed_, number);
      }
    }
    begin = end;
  }
  packed_.shrink_to_fit();
}

std::vector<ErrorGroup> RoundingErrors::groups() const {
  std::vector<ErrorGroup> groups;
  int binade = 0;
  VarintReader from{packed_};
  while (!from.is_done()) {
    const bool negative = from.word() != 0;
    const std::uint64_t step = from.word() & 0xffff;
    binade += static_cast<int>((step & 1) != 0 ? -static_cast<std::int64_t>(step / 2) - 1
                                               : static_cast<std::int64_t>(step / 2));
    for (std::uint64_t mask = from.word() & low_bits(4 * widths); mask != 0; mask &= mask - 1) {
      const int place = std::countr_zero(mask);
      ErrorGroup& group = groups.emplace_back();
      group.negative = negative;
      group.binade = binade;
      group.width = place / 4 + lowest_width;
      group.distance = place % 4;
      group.count = from.word();
      group.exact = from.word();
      group.error_up = low_half(from.number());
      group.error_down = low_half(from.number());
      group.error_squared = from.number();
    }
  }
  return groups;
}

RoundingErrors::RoundingErrors(const BinadeTable& table)
    : counts_(binade_counts_of(table)), fraction_bits_(table.fraction_bits()) {
  pack(groups_of(moments_of(table, Rounding::nearest_even)));
}

Result<RoundingErrors> RoundingErrors::of_packed(BinadeCounts counts, int fraction_bits,
                                                 std::span<const std::byte> packed) {
  RoundingErrors errors;
  errors.fraction_bits_ = fraction_bits;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(packed.data());
  errors.packed_.assign(bytes, bytes + packed.size());
  const std::vector<ErrorGroup> groups = errors.groups();
  const auto wrong = [](const char* wanted) { return Error{"", std::nullopt, wanted, "others"}; };
  if (!std::ranges::is_sorted(groups, std::less_equal{}, place_of) && groups.size() > 1)
    return wrong("groups of errors in order, each once");
  std::size_t at = 0;
  for (const BinadeCountsRow& row : counts.counted().rows) {
    for (int width = lowest_width; width < lowest_width + widths; ++width) {
      std::uint64_t count = 0, exact = 0;
      for (; at < groups.size() && groups[at].negative == row.negative && groups[at].binade == row.binade &&
             groups[at].width == width;
           ++at) {
        const bool fits = groups[at].distance >= 0 && groups[at].distance < (width < 1 ? 2 : 4) &&
                          groups[at].count != 0 && groups[at].exact <= groups[at].count;
        if (!fits) return wrong("groups of errors that fit their widths");
        count += groups[at].count;
        exact += groups[at].exact;
      }
      const std::uint64_t on_grid = width < 0 ? 0 : row.on_grid[static_cast<std::size_t>(width)];
      if (count != row.count || exact != on_grid) return wrong("errors of the elements that were counted");
    }
  }
  if (at != groups.size()) return wrong("errors of the binades that were counted");
  errors.counts_ = std::move(counts);
  errors.pack(groups);
  if (!std::ranges::equal(errors.packed_, std::span(bytes, packed.size())))
    return wrong("errors packed in the shortest way");
  const auto fits = [&](const auto& part) { return can_be(part, fraction_bits); };
  if (!std::ranges::all_of(groups, fits) || !std::ranges::all_of(errors.moments().pages, fits))
    return wrong("sums of errors that some elements have");
  return errors;
}

MomentTable RoundingErrors::moments() const {
  MomentTable table{counts_, Rounding::nearest_even, fraction_bits_, {}};
  for (const ErrorGroup& group : groups()) {
    const bool same = !table.pages.empty() && table.pages.back().negative == group.negative &&
                      table.pages.back().binade == group.binade;
    PageMoments& page =
        same ? table.pages.back() : table.pages.emplace_back(PageMoments{group.negative, group.binade, {}, {}, {}, {}});
    page.by_fraction[static_cast<std::size_t>(group.width + 1)][static_cast<std::size_t>(group.distance)] = {
        group.count, group.exact, group.error_up, group.error_down, group.error_squared, 0, {}};
  }
  for (PageMoments& page : table.pages) find_sums(page, fraction_bits_);
  return table;
}

RoundingErrors merged(const RoundingErrors& a, const RoundingErrors& b) {
  const int fraction_bits = std::max(a.fraction_bits(), b.fraction_bits());
  const auto left = widened(a.groups(), fraction_bits - a.fraction_bits()),
             right = widened(b.groups(), fraction_bits - b.fraction_bits());
  std::vector<ErrorGroup> sum;
  for (auto i = left.begin(), j = right.begin(); i != left.end() || j != right.end();) {
    if (j == right.end() || (i != left.end() && place_of(*i) < place_of(*j))) {
      sum.push_back(*i++);
    } else if (i == left.end() || place_of(*j) < place_of(*i)) {
      sum.push_back(*j++);
    } else {
      ErrorGroup& group = sum.emplace_back(*i++);
      group.count += j->count;
      group.exact += j->exact;
      group.error_up += j->error_up;
      group.error_down += j->error_down;
      group.error_squared += j->error_squared;
      ++j;
    }
  }
  RoundingErrors errors;
  errors.counts_ = merged(a.counts(), b.counts());
  errors.fraction_bits_ = fraction_bits;
  errors.pack(sum);
  return errors;
}

}  // namespace lowp
