// SPDX-License-Identifier: Apache-2.0
// From leaves told apart by eleven bits to the moments of every narrower rounding: a pyramid over one binade.
#include "lowp/summary/page_moments.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include "lowp/base/contract.h"

namespace lowp {
namespace {

// Sums of squares: 128 bits hold those of 23-bit tables (2^48 each, 2^40 elements), FP64 wants more. `times` is exact.
template <class Square>
Square times(uint128 a, std::uint64_t b) {
  if constexpr (std::is_same_v<Square, uint128>) {
    return a * b;
  } else {
    return product(a, b);
  }
}

// A cell with its leading bits, the implicit one included, as an integer.
template <class Square>
struct Placed {
  std::uint64_t leading;
  std::uint64_t count;
  std::uint64_t exact;
  uint128 tail;
  Square tail_squared;
};

// `count` elements whose bits below q fraction bits are `base` plus a rest that sums to `rest` and `rest_squared`.
template <class Square>
struct Part {
  std::uint64_t count;
  std::uint64_t base;
  uint128 rest;
  Square rest_squared;

  uint128 sum() const { return static_cast<uint128>(base) * count + rest; }
  Square sum_squared() const {
    return rest_squared + times<Square>(rest, 2 * base) + times<Square>(static_cast<uint128>(base) * base, count);
  }
};

// A Group while its sums are formed.
template <class Square>
struct Sums {
  std::uint64_t count = 0, exact = 0;
  uint128 error_up = 0, error_down = 0;
  Square error_squared{};
  uint128 sum = 0;
  Square sum_squared{};

  Group group() const {
    return {count, exact, error_up, error_down, Integer256(error_squared), sum, Integer256(sum_squared)};
  }
};
template <class Square>
using SumsByDistance = std::array<Sums<Square>, std::tuple_size_v<Distances>>;

// Adds a part to its group. All its elements round the same way. `truncated` is their common kept value, `unit` the
// distance to the next one, both in the units of the table.
template <class Square>
void add_part(SumsByDistance<Square>& distances, const Part<Square>& part, std::uint64_t kept, int unit_log2, int q,
              bool away) {
  if (part.count == 0) return;
  const std::uint64_t distance = (q < 0 ? 1 : std::uint64_t{2} << q) - kept - (away ? 1 : 0);
  Sums<Square>& group = distances[static_cast<std::size_t>(std::min<std::uint64_t>(distance, 3))];
  group.count += part.count;
  const uint128 unit = static_cast<uint128>(1) << unit_log2, tail = part.sum();
  const Square tail_squared = part.sum_squared();
  if (away) {
    group.error_up += unit * part.count - tail;
    Square squared = times<Square>(unit * unit, part.count) + tail_squared;  // sum (unit - tail)^2
    squared -= times<Square>(tail, static_cast<std::uint64_t>(unit)) << 1;
    group.error_squared += squared;
  } else {
    group.error_down += tail;
    group.error_squared += tail_squared;
  }
  const uint128 truncated = static_cast<uint128>(kept) << unit_log2;
  group.sum += truncated * part.count + tail;
  group.sum_squared += times<Square>(truncated * truncated, part.count) + tail_squared;
  group.sum_squared += times<Square>(tail, static_cast<std::uint64_t>(truncated)) << 1;
}

// Rounds the elements of one cell of q + 1 fraction bits to q. The bit that goes decides the side of the half: with it,
// a zero tail is the tie; without it, a zero tail is exact. Everything else rounds as one. (core decides, not we.)
template <class Square>
void round_cell(SumsByDistance<Square>& distances, const Placed<Square>& cell, int fraction_bits, int q, Rounding mode,
                bool negative) {
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  const std::uint64_t kept = cell.leading >> 1;
  const bool upper = (cell.leading & 1) != 0, odd = (kept & 1) != 0;
  const int unit_log2 = fraction_bits - q;
  const std::uint64_t base = upper ? std::uint64_t{1} << (unit_log2 - 1) : 0;
  const Part<Square> at_edge{cell.exact, base, 0, {}};
  const Part<Square> inside{cell.count - cell.exact, base, cell.tail, cell.tail_squared};
  const bool edge_away = rounds_away(mode, negative, odd, Tail{base != 0 ? half : 0, false});
  const bool inside_away = rounds_away(mode, negative, odd, Tail{base != 0 ? half : 0, true});
  if (!upper && cell.exact != 0) {
    const std::uint64_t distance = (q < 0 ? 1 : std::uint64_t{2} << q) - kept;
    distances[static_cast<std::size_t>(std::min<std::uint64_t>(distance, 3))].exact += cell.exact;
  }
  add_part(distances, at_edge, kept, unit_log2, q, edge_away);
  add_part(distances, inside, kept, unit_log2, q, inside_away);
}

// Cells of one bit less: neighbours join, the lost bit goes into the tails of the upper one.
template <class Square>
void coarsen(std::vector<Placed<Square>>& cells, int fraction_bits, int q) {
  std::size_t joined = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Placed<Square> cell = cells[i];  // a copy: what is written lies at or before what is read
    const bool upper = (cell.leading & 1) != 0;
    const std::uint64_t base = upper ? std::uint64_t{1} << (fraction_bits - q - 1) : 0;
    const Part<Square> part{cell.count, base, cell.tail, cell.tail_squared};
    if (joined == 0 || cells[joined - 1].leading != cell.leading >> 1)
      cells[joined++] = {cell.leading >> 1, 0, 0, 0, {}};
    Placed<Square>& into = cells[joined - 1];
    into.count += part.count;
    into.exact += upper ? 0 : cell.exact;
    into.tail += part.sum();
    into.tail_squared += part.sum_squared();
  }
  cells.resize(joined);
}

template <class Square>
void round_to_each_width(PageMoments& moments, const BinadeTable& table, const BinadeTable::Page& page,
                         Rounding rounding) {
  const int fraction_bits = table.fraction_bits();
  std::vector<Placed<Square>> cells;
  cells.reserve(page.end - page.begin);
  for (std::size_t i = page.begin; i < page.end; ++i) {
    const Cell128 cell = table.cell(i);
    Square tail_squared;
    if constexpr (std::is_same_v<Square, uint128>) {
      tail_squared = static_cast<uint128>(cell.tail_squared.limb[1]) << 64 | cell.tail_squared.limb[0];
    } else {
      tail_squared = cell.tail_squared;
    }
    const std::uint64_t leaf = table.cells(page)[i - page.begin].leaf;
    cells.push_back({BinadeTable::leaves | leaf, cell.count, cell.exact, cell.tail, tail_squared});
  }
  for (int q = leaf_bits - 1; q >= -1; --q) {
    SumsByDistance<Square> sums;
    for (const Placed<Square>& cell : cells) round_cell(sums, cell, fraction_bits, q, rounding, page.negative);
    Distances& distances = moments.by_fraction[static_cast<std::size_t>(q + 1)];
    std::ranges::transform(sums, distances.begin(), &Sums<Square>::group);
    coarsen(cells, fraction_bits, q);
  }
}

Group sum_of(const Distances& distances) {
  Group sum;
  for (const Group& group : distances) sum.add(group);
  return sum;
}

}  // namespace

const Distances& PageMoments::rounded_to(int q) const {
  if (q < static_cast<int>(by_fraction.size()) - 1) return by_fraction[static_cast<std::size_t>(q + 1)];
  const auto found = wide.find(q);
  contract(found != wide.end(), "a width that the table has recorded");
  return found->second;
}

Group PageMoments::all_rounded_to(int q) const {
  if (q < static_cast<int>(whole.size()) - 1) return whole[static_cast<std::size_t>(q + 1)];
  return sum_of(rounded_to(q));
}

void PageMoments::sum_up() {
  std::ranges::transform(by_fraction, whole.begin(), sum_of);
  all = whole[0];
  all.exact = all.count;
  all.error_up = all.error_down = 0;
  all.error_squared = {};
}

MomentTable moments_of(const BinadeTable& table, Rounding rounding) {
  MomentTable moments{table.census(), rounding, table.fraction_bits(), {}};
  moments.pages.reserve(table.pages().size());
  const bool same_mode = rounding == table.rounding();
  for (const BinadeTable::Page& page : table.pages()) {
    PageMoments& rounded = moments.pages.emplace_back(PageMoments{page.negative, page.binade, {}, {}, {}, {}});
    if (same_mode) rounded.wide = page.wide;
    if (moments.fraction_bits == narrow_fraction_bits) {
      round_to_each_width<uint128>(rounded, table, page, rounding);
    } else {
      round_to_each_width<Integer256>(rounded, table, page, rounding);
    }
    rounded.sum_up();
  }
  return moments;
}

}  // namespace lowp
