// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/nested.h"

#include <utility>

namespace lowp {
namespace {

// Each nested table with the first cell of its row.
using Parts = std::vector<std::pair<Cell, Nested>>;

Parts parts_of(const Table& table, std::size_t column) {
  Parts parts;
  for (const Row& row : table.rows) {
    if (const Nested* nested = std::get_if<Nested>(&row[column].value)) parts.emplace_back(row.front(), *nested);
  }
  return parts;
}

Table joined(const Table& table, std::size_t column, Parts parts) {
  Table all{table.name + "." + table.keys[column], parts.front().second->keys, {}};
  all.keys.insert(all.keys.begin(), table.keys.front());
  all.more = [parts = std::move(parts)](const TakeRow& take) {
    for (const auto& [first, nested] : parts) {
      bool wanted = true;
      each_row(*nested, [&](const Row& inner) {
        Row row = inner;
        row.insert(row.begin(), first);
        return wanted = take(row);
      });
      if (!wanted) return;
    }
  };
  return all;
}

}  // namespace

std::vector<Table> nested_tables(const std::vector<Table>& tables) {
  std::vector<Table> found;
  for (const Table& table : tables) {
    for (std::size_t column = 0; column < table.keys.size(); ++column) {
      if (Parts parts = parts_of(table, column); !parts.empty())
        found.push_back(joined(table, column, std::move(parts)));
    }
  }
  return found;
}

std::vector<Table> take_nested(std::vector<Table>& tables) {
  std::vector<Table> found = nested_tables(tables);
  for (Table& table : tables) {
    for (Row& row : table.rows) {
      for (Cell& cell : row) {
        if (std::holds_alternative<Nested>(cell.value)) cell = Cell{Null{}};
      }
    }
  }
  return found;
}

}  // namespace lowp
