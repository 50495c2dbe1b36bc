// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/binade_table.h"

#include <algorithm>
#include <ranges>
#include <tuple>

#include "lowp/base/contract.h"

namespace lowp {
namespace {

using Page = BinadeTable::Page;
using Parts = BinadeTable::Parts;

auto place_of(const Page& page) {
  return std::tuple(!page.negative, page.binade);
}

Group widened(const Group& group, int bits) {
  Group wide = group;
  wide.error_up <<= bits;
  wide.error_down <<= bits;
  wide.error_squared = group.error_squared << 2 * bits;
  wide.sum <<= bits;
  wide.sum_squared = group.sum_squared << 2 * bits;
  return wide;
}

// A copy of a page's cells, counted in smaller units by `widen` bits.
void append_page(Parts& to, const BinadeTable& from, const Page& page, int widen) {
  Page& copy = to.pages.emplace_back(page);
  copy.begin = to.cells.size();
  for (std::size_t i = page.begin; i < page.end; ++i) {
    const Cell128 cell = from.cell(i);
    const uint128 tail = cell.tail << widen;
    const Integer256 squared = cell.tail_squared << 2 * widen;
    to.cells.push_back({cell.count, cell.exact, static_cast<std::uint64_t>(tail), squared.limb[0],
                        from.cells(page)[i - page.begin].leaf});
    if (to.fraction_bits == wide_fraction_bits) {
      to.highs.push_back({static_cast<std::uint64_t>(tail >> 64), squared.limb[1]});
    }
  }
  copy.end = to.cells.size();
  for (auto& [q, distances] : copy.wide) {
    for (Group& group : distances) group = widened(group, widen);
  }
}

void add_cell(Parts& to, std::size_t at, const Parts& from, std::size_t index) {
  BinadeTable::Cell& cell = to.cells[at];
  const BinadeTable::Cell& more = from.cells[index];
  cell.count += more.count;
  cell.exact += more.exact;
  cell.tail += more.tail;
  cell.tail_squared += more.tail_squared;
  if (to.highs.empty()) return;
  to.highs[at].tail += from.highs[index].tail + (cell.tail < more.tail ? 1 : 0);
  to.highs[at].tail_squared += from.highs[index].tail_squared + (cell.tail_squared < more.tail_squared ? 1 : 0);
}

void append_cell(Parts& to, const Parts& from, std::size_t index) {
  to.cells.push_back(from.cells[index]);
  if (!from.highs.empty()) to.highs.push_back(from.highs[index]);
}

// Two pages of one sign and binade, both in the units of `to`.
void append_joined(Parts& to, const Parts& a, const Page& left, const Parts& b, const Page& right) {
  Page& page = to.pages.emplace_back(Page{left.negative, left.binade, to.cells.size(), 0, left.wide});
  for (std::size_t i = left.begin, j = right.begin; i < left.end || j < right.end;) {
    const bool from_left = j == right.end || (i < left.end && a.cells[i].leaf <= b.cells[j].leaf);
    const bool both = from_left && j < right.end && i < left.end && a.cells[i].leaf == b.cells[j].leaf;
    from_left ? append_cell(to, a, i++) : append_cell(to, b, j++);
    if (both) add_cell(to, to.cells.size() - 1, b, j++);
  }
  page.end = to.cells.size();
  for (const auto& [q, distances] : right.wide) {
    for (std::size_t d = 0; d < distances.size(); ++d) page.wide[q][d].add(distances[d]);
  }
}

// Whether two tables may be added: where both have a page it must have recorded the same widths in the same mode. A
// page that one of them has alone stands for itself.
bool record_alike(const BinadeTable& a, const BinadeTable& b) {
  if (!a.has_wide() && !b.has_wide()) return true;
  if (!a.pages().empty() && !b.pages().empty() && a.rounding() != b.rounding()) return false;
  if (a.fraction_bits() != b.fraction_bits()) return false;
  for (const Page& page : a.pages()) {
    const auto same =
        std::ranges::find_if(b.pages(), [&](const Page& other) { return place_of(other) == place_of(page); });
    if (same == b.pages().end()) continue;
    const auto keys = [](const Page& of) { return of.wide | std::views::keys; };
    if (!std::ranges::equal(keys(page), keys(*same))) return false;
  }
  return true;
}

// A narrow table in the units of wide ones.
Parts in_units_of(const BinadeTable& table, int fraction_bits) {
  Parts parts{fraction_bits, table.rounding(), table.census(), {}, {}, {}};
  const int widen = fraction_bits - table.fraction_bits();
  for (const Page& page : table.pages()) append_page(parts, table, page, widen);
  return parts;
}

}  // namespace

BinadeTable::BinadeTable(Parts parts) : parts_(std::move(parts)) {
  const bool wide = parts_.fraction_bits == wide_fraction_bits;
  if (!has_wide()) parts_.rounding = Rounding::nearest_even;
  contract(parts_.highs.size() == (wide ? parts_.cells.size() : 0), "as many carries as a table's width asks for");
}

bool BinadeTable::has_wide() const {
  return std::ranges::any_of(parts_.pages, [](const Page& page) { return !page.wide.empty(); });
}

Cell128 BinadeTable::cell(std::size_t index) const {
  const Cell& held = parts_.cells[index];
  Cell128 cell{held.count, held.exact, held.tail, Integer256{held.tail_squared}};
  if (!parts_.highs.empty()) {
    cell.tail |= static_cast<uint128>(parts_.highs[index].tail) << 64;
    cell.tail_squared.limb[1] = parts_.highs[index].tail_squared;
  }
  return cell;
}

// Two tables in the same units.
BinadeTable BinadeTable::sum_of(const Parts& left, const Parts& right) {
  Parts parts{left.fraction_bits, left.pages.empty() ? right.rounding : left.rounding, left.census, {}, {}, {}};
  add(parts.census, right.census);
  parts.cells.reserve(left.cells.size() + right.cells.size());
  for (auto i = left.pages.begin(), j = right.pages.begin(); i != left.pages.end() || j != right.pages.end();) {
    if (j == right.pages.end() || (i != left.pages.end() && place_of(*i) < place_of(*j))) {
      append_joined(parts, left, *i++, right, Page{});
    } else if (i == left.pages.end() || place_of(*j) < place_of(*i)) {
      append_joined(parts, right, *j++, left, Page{});
    } else {
      append_joined(parts, left, *i++, right, *j++);
    }
  }
  return BinadeTable(std::move(parts));
}

Result<BinadeTable> merged(const BinadeTable& a, const BinadeTable& b) {
  if (!record_alike(a, b)) return Error{"", std::nullopt, "tables that recorded the same widths", "different ones"};
  if (a.fraction_bits() == b.fraction_bits()) return BinadeTable::sum_of(a.parts_, b.parts_);
  return BinadeTable::sum_of(in_units_of(a, wide_fraction_bits), in_units_of(b, wide_fraction_bits));
}

}  // namespace lowp
