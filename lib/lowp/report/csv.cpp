// SPDX-License-Identifier: Apache-2.0
// One record per line. Cells are escaped to one line each, so a line that begins with "# " is always a table's name.
#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <type_traits>

#include "lowp/report/escape.h"
#include "lowp/report/humanize.h"
#include "lowp/report/report.h"

namespace lowp {
namespace {

std::string field_of(const Cell& cell) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Null>) {
          return {};
        } else if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else if constexpr (std::is_same_v<T, double>) {
          return std::isfinite(value) ? shortest(value) : std::string();
        } else if constexpr (std::is_same_v<T, std::string>) {
          return csv_text(value);
        } else if constexpr (std::is_same_v<T, CellList>) {
          std::string joined;
          for (std::size_t i = 0; i < value.size(); ++i) joined += (i > 0 ? ";" : "") + field_of(value[i]);
          return joined;
        } else if constexpr (std::is_same_v<T, Nested>) {
          return fmt::format("{}", value->rows.size());
        } else {
          return fmt::format("{}", value);
        }
      },
      cell.value);
}

// A record of one empty field is quoted: a line with nothing on it separates tables.
template <class Values, class ToField>
void append_record(std::string& out, const Values& values, ToField to_field) {
  const std::size_t begin = out.size();
  bool first = true;
  for (const auto& value : values) {
    if (!first) out.push_back(',');
    append_csv_field(out, to_field(value));
    first = false;
  }
  if (out.size() == begin) out += "\"\"";
  out.push_back('\n');
}

// What one column of `table` holds of nested records, all records together; no rows where it holds none.
Table unnested(const Table& table, std::size_t column) {
  Table all{table.name + "." + table.keys[column], {}, {}, false};
  for (const std::vector<Cell>& row : table.rows) {
    const Nested* nested = std::get_if<Nested>(&row[column].value);
    if (nested == nullptr) continue;
    if (all.keys.empty()) {
      all.keys = (*nested)->keys;
      all.keys.insert(all.keys.begin(), table.keys.front());
    }
    for (const std::vector<Cell>& inner : (*nested)->rows) {
      std::vector<Cell>& outer = all.rows.emplace_back(inner);
      outer.insert(outer.begin(), row.front());
    }
  }
  return all;
}

void append_table(std::string& out, const Table& table, bool named) {
  if (!out.empty()) out.push_back('\n');
  if (named) out += "# " + visible(table.name) + "\n";
  append_record(out, table.keys, csv_text);
  for (const std::vector<Cell>& row : table.rows) append_record(out, row, field_of);
}

}  // namespace

void write_csv(const Report& report, const TextStyle&, std::string& out) {
  std::vector<Table> inside;
  for (const Table& table : report.tables) {
    for (std::size_t column = 0; column < table.keys.size(); ++column) {
      if (Table found = unnested(table, column); !found.keys.empty()) inside.push_back(std::move(found));
    }
  }
  const bool named = report.tables.size() + inside.size() > 1;
  for (const Table& table : report.tables) append_table(out, table, named);
  for (const Table& table : inside) append_table(out, table, named);
}

}  // namespace lowp
