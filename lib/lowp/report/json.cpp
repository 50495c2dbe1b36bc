// SPDX-License-Identifier: Apache-2.0
// One record per line, written straight from the cells: the nesting of a table is worked out once, from its keys.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>
#include <set>
#include <type_traits>

#include "lowp/report/escape.h"
#include "lowp/report/humanize.h"
#include "lowp/report/provenance.h"
#include "lowp/report/report.h"
#include "lowp/report/sink.h"

namespace lowp {
namespace {

// What stands before the value of one column, and before the reason of its Null.
struct Column {
  std::string opening;  // ,"counts":{"flushed":
  std::string reason;   // ,"flushed_reason":
};
struct Shape {
  std::vector<Column> columns;
  std::string closing;
};

std::vector<std::string_view> segments_of(std::string_view key) {
  std::vector<std::string_view> segments;
  for (std::size_t dot = key.find('.'); dot != key.npos; dot = key.find('.')) {
    segments.push_back(key.substr(0, dot));
    key.remove_prefix(dot + 1);
  }
  segments.push_back(key);
  return segments;
}

void append_key(std::string& out, std::string_view key) {
  append_json_string(out, key);
  out.push_back(':');
}

Shape shape_of(const std::vector<std::string>& keys) {
  Shape shape;
  [[maybe_unused]] std::set<std::vector<std::string_view>> objects_opened;
  std::vector<std::string_view> open;  // the objects around the previous value
  bool first_in_object = true;
  for (const std::string& key : keys) {
    const std::vector<std::string_view> path = segments_of(key);
    const auto last = path.end() - 1;
    const auto split = std::mismatch(open.begin(), open.end(), path.begin(), last);
    std::string opening(static_cast<std::size_t>(open.end() - split.first), '}');
    if (!first_in_object) opening.push_back(',');
    for (auto object = split.second; object != last; ++object) {
      assert(objects_opened.insert({path.begin(), object + 1}).second && "columns of one object must be adjacent");
      append_key(opening, *object);
      opening.push_back('{');
    }
    append_key(opening, *last);
    std::string reason = ",";
    append_key(reason, std::string(*last) + "_reason");
    shape.columns.push_back({std::move(opening), std::move(reason)});
    open.assign(path.begin(), last);
    first_in_object = false;
  }
  shape.closing.assign(open.size(), '}');
  return shape;
}

void append_value(Sink& sink, const Cell& cell);
void append_records(Sink& sink, const Table& table, std::string_view before, std::string_view after);

void append_list(Sink& sink, const CellList& list) {
  sink.text.push_back('[');
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) sink.text.push_back(',');
    append_value(sink, list[i]);
  }
  sink.text.push_back(']');
}

void append_value(Sink& sink, const Cell& cell) {
  std::visit(
      [&sink, &out = sink.text](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Null>) {
          out += "null";
        } else if constexpr (std::is_same_v<T, bool>) {
          out += value ? "true" : "false";
        } else if constexpr (std::is_same_v<T, double>) {
          out += std::isfinite(value) ? shortest(value) : "null";
        } else if constexpr (std::is_same_v<T, std::string>) {
          append_json_string(out, value);
        } else if constexpr (std::is_same_v<T, CellList>) {
          append_list(sink, value);
        } else if constexpr (std::is_same_v<T, Nested>) {
          append_records(sink, *value, "", "");
        } else if constexpr (requires { value.least; }) {
          sink.text += "{\"least\":";
          append_value(sink, Cell{value.least});
          sink.text += ",\"most\":";
          append_value(sink, Cell{value.most});
          sink.text.push_back('}');
        } else {
          fmt::format_to(std::back_inserter(out), "{}", value);
        }
      },
      cell.value);
}

void append_record(Sink& sink, const Shape& shape, const Row& row) {
  assert(row.size() == shape.columns.size());
  sink.text.push_back('{');
  for (std::size_t i = 0; i < row.size(); ++i) {
    sink.text += shape.columns[i].opening;
    append_value(sink, row[i]);
    const Null* null = std::get_if<Null>(&row[i].value);
    if (null && !null->reason.empty()) {
      sink.text += shape.columns[i].reason;
      append_json_string(sink.text, null->reason);
    }
  }
  sink.text += shape.closing;
  sink.text.push_back('}');
}

// All rows; `before` stands before each of an array, `after` behind the last.
void append_records(Sink& sink, const Table& table, std::string_view before, std::string_view after) {
  const Shape shape = shape_of(table.keys);
  if (table.single) {
    assert(table.rows.size() == 1);
    append_record(sink, shape, table.rows.front());
    return;
  }
  sink.text.push_back('[');
  bool first = true;
  each_row(table, [&](const Row& row) {
    if (!first) sink.text.push_back(',');
    sink.text += before;
    first = false;
    append_record(sink, shape, row);
    return sink.go_on();
  });
  if (!first) sink.text += after;
  sink.text.push_back(']');
}

void append_table(Sink& sink, const Table& table) {
  append_key(sink.text, table.name);
  sink.text.push_back(' ');
  append_records(sink, table, "\n", "\n");
}

}  // namespace

void write_json(const Report& report, const TextStyle&, Sink& sink) {
  fmt::format_to(std::back_inserter(sink.text), "{{\n\"schema_version\": {}", report.schema_version);
  const auto append = [&sink](const std::vector<Table>& tables) {
    for (const Table& table : tables) {
      sink.text += ",\n";
      append_table(sink, table);
    }
  };
  append(provenance(report));
  append(report.tables);
  sink.text += "\n}\n";
}

}  // namespace lowp
