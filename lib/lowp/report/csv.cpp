// SPDX-License-Identifier: Apache-2.0
// One record per line. Cells are escaped to one line each, so a line that begins with "# " is always a table's name.
#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <type_traits>

#include "lowp/report/escape.h"
#include "lowp/report/humanize.h"
#include "lowp/report/nested.h"
#include "lowp/report/provenance.h"
#include "lowp/report/report.h"
#include "lowp/report/sink.h"

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
          return {};  // a table of its own
        } else if constexpr (requires { value.least; }) {
          return field_of(Cell{value.least}) + ".." + field_of(Cell{value.most});
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

}  // namespace

void write_csv(const Report& report, const TextStyle&, Sink& sink) {
  const std::vector<Table> before = provenance(report), inside = nested_tables(report.tables);
  const bool several = before.size() + report.tables.size() + inside.size() > 1;
  bool first = true;
  const auto append = [&](const Table& table) {
    if (!first) sink.text.push_back('\n');
    if (several) sink.text += "# " + visible(table.name) + "\n";
    append_record(sink.text, table.keys, csv_text);
    each_row(table, [&sink](const Row& row) {
      append_record(sink.text, row, field_of);
      return sink.go_on();
    });
    first = false;
  };
  for (const Table& table : before) append(table);
  for (const Table& table : report.tables) append(table);
  for (const Table& table : inside) append(table);
}

}  // namespace lowp
