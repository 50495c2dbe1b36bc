// SPDX-License-Identifier: Apache-2.0
// From leaves told apart by eleven bits to the moments of every narrower rounding: a pyramid over one binade.
#include <algorithm>
#include <cassert>
#include <cstddef>

#include "lowp/audit/binade_table.h"

namespace lowp {
namespace {

// A cell with its leading bits, the implicit one included, as an integer.
struct Placed {
  std::uint64_t leading;
  Cell128 cell;
};

// `count` elements whose bits below q fraction bits are `base` plus a rest that sums to `rest` and `rest_squared`.
struct Part {
  std::uint64_t count;
  std::uint64_t base;
  u128 rest;
  Integer256 rest_squared;

  u128 sum() const { return static_cast<u128>(base) * count + rest; }
  Integer256 sum_squared() const {
    return rest_squared + product(rest, 2 * base) + product(static_cast<u128>(base) * base, count);
  }
};

// Adds a part to its group. All its elements round the same way. `truncated` is their common kept value, `unit` the
// distance to the next one, both in the units of the table.
void add_part(Distances& distances, const Part& part, std::uint64_t kept, int unit_log2, int q, bool away) {
  if (part.count == 0) return;
  const std::uint64_t distance = (q < 0 ? 1 : std::uint64_t{2} << q) - kept - (away ? 1 : 0);
  Group& group = distances[static_cast<std::size_t>(std::min<std::uint64_t>(distance, 3))];
  group.count += part.count;
  const u128 unit = static_cast<u128>(1) << unit_log2, tail = part.sum();
  const Integer256 tail_squared = part.sum_squared();
  if (away) {
    group.error_up += unit * part.count - tail;
    Integer256 squared = product(unit * unit, part.count) + tail_squared;  // sum (unit - tail)^2
    squared -= product(tail, static_cast<std::uint64_t>(unit)) << 1;
    group.error_squared += squared;
  } else {
    group.error_down += tail;
    group.error_squared += tail_squared;
  }
  const u128 truncated = static_cast<u128>(kept) << unit_log2;
  group.sum += truncated * part.count + tail;
  group.sum_squared += product(truncated * truncated, part.count) + tail_squared;
  group.sum_squared += product(tail, static_cast<std::uint64_t>(truncated)) << 1;
}

// Rounds the elements of one cell of q + 1 fraction bits to q. The bit that goes decides the side of the half: with it,
// a zero tail is the tie; without it, a zero tail is exact. Everything else rounds as one. (core decides, not we.)
void round_cell(Distances& distances, const Placed& placed, int fraction_bits, int q, Rounding mode, bool negative) {
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  const Cell128& cell = placed.cell;
  const std::uint64_t kept = placed.leading >> 1;
  const bool upper = (placed.leading & 1) != 0, odd = (kept & 1) != 0;
  const int unit_log2 = fraction_bits - q;
  const std::uint64_t base = upper ? std::uint64_t{1} << (unit_log2 - 1) : 0;
  const Part at_edge{cell.exact, base, 0, {}};
  const Part inside{cell.count - cell.exact, base, cell.tail, cell.tail_squared};
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
std::vector<Placed> coarser(const std::vector<Placed>& cells, int fraction_bits, int q) {
  std::vector<Placed> joined;
  joined.reserve(cells.size());
  for (const Placed& placed : cells) {
    const bool upper = (placed.leading & 1) != 0;
    const std::uint64_t base = upper ? std::uint64_t{1} << (fraction_bits - q - 1) : 0;
    const Part part{placed.cell.count, base, placed.cell.tail, placed.cell.tail_squared};
    if (joined.empty() || joined.back().leading != placed.leading >> 1) joined.push_back({placed.leading >> 1, {}});
    Cell128& cell = joined.back().cell;
    cell.count += part.count;
    cell.exact += upper ? 0 : placed.cell.exact;
    cell.tail += part.sum();
    cell.tail_squared += part.sum_squared();
  }
  return joined;
}

}  // namespace

const Distances& PageMoments::rounded_to(int q) const {
  if (q < static_cast<int>(by_fraction.size()) - 1) return by_fraction[static_cast<std::size_t>(q + 1)];
  const auto found = wide.find(q);
  assert(found != wide.end());
  return found->second;
}

PageMoments moments_of(const BinadeTable& table, const BinadeTable::Page& page, Rounding rounding) {
  PageMoments moments{page.negative, page.binade, {}, {}, page.wide};
  const int fraction_bits = table.options().fraction_bits;
  std::vector<Placed> cells;
  page.for_each_cell(
      [&](std::size_t leaf, const Cell128& cell) { cells.push_back({BinadeTable::leaves | leaf, cell}); });
  for (int q = BinadeTable::leaf_bits - 1; q >= -1; --q) {
    Distances& distances = moments.by_fraction[static_cast<std::size_t>(q + 1)];
    for (const Placed& placed : cells) {
      round_cell(distances, placed, fraction_bits, q, rounding, page.negative);
    }
    cells = coarser(cells, fraction_bits, q);
  }
  for (const Group& group : moments.by_fraction[0]) moments.all.add(group);
  moments.all.exact = moments.all.count;
  moments.all.error_up = moments.all.error_down = 0;
  moments.all.error_squared = {};
  return moments;
}

}  // namespace lowp
