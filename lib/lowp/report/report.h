// SPDX-License-Identifier: Apache-2.0
// What an analysis has to say, as plain values: records for machines, a story for people, figures for eyes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lowp {

// A value that does not exist. JSON: null, with the reason beside it under "<key>_reason" when there is one.
struct Null {
  std::string reason;
  friend bool operator==(const Null&, const Null&) = default;
};

// A value that is known to lie between two bounds. JSON: {"least": .., "most": ..}; CSV: "least..most".
struct CountRange {
  std::uint64_t least = 0, most = 0;
};
struct NumberRange {
  double least = 0, most = 0;  // finite
};

// One typed value. A double must be finite: non-finite results are Null with a reason.
struct Cell;
struct Table;
using CellList = std::vector<Cell>;
// Records inside a record, never null: an array of objects in JSON (one object if the table is `single`); in CSV a
// table of its own, whose first column is that of the record.
using Nested = std::shared_ptr<const Table>;
struct Cell {
  std::variant<Null, bool, std::int64_t, std::uint64_t, double, std::string, CellList, Nested, CountRange, NumberRange> value;
};

// Records of one kind. A dot in a key nests in JSON ("counts.flushed" is {"counts":{"flushed":...}}) and stays a dot in
// CSV. `single` tables hold exactly one row and are a JSON object, others an array of objects. `more` makes rows after
// `rows` when a writer asks for them, so that nobody has to hold them all: it gives each to `take` and stops when that
// says false. It must give the same rows each time.
using Row = std::vector<Cell>;
using TakeRow = std::function<bool(const Row&)>;
struct Table {
  std::string name;
  std::vector<std::string> keys;
  std::vector<Row> rows;
  bool single = false;
  std::function<void(const TakeRow& take)> more = {};
};
// Every row of `table` in order, until `take` says false.
void each_row(const Table& table, const TakeRow& take);

struct Heading {
  std::string text;
};
// A paragraph is wrapped to the terminal; continuation lines are indented by `hanging` columns more than the first.
struct Paragraph {
  std::string text;
  int indent = 0;
  int hanging = 0;
};
// A compact table for people: cells are finished text, columns after the first `left_columns` are right-aligned.
// Where the width is short, long names lose their middle first; then columns are left out from the middle, evenly,
// never the first `left_columns`, the last or `key_column`.
struct GridRow {
  std::vector<std::string> cells;  // as many as header cells
  std::vector<double> spark;       // 0..1 (values outside are clamped); empty: no bar at the end of the row
};
struct Grid {
  std::string title;
  std::vector<std::string> header;
  int left_columns = 1;
  std::vector<GridRow> rows;
  int key_column = -1;  // what the rows are sorted by; -1: nothing
};
using Block = std::variant<Heading, Paragraph, Grid>;

// Shares of a whole over an axis of powers of two (log2 of the loss scale), stacked from the bottom in the order given.
struct Band {
  std::string label;          // "flushed to zero"
  std::vector<double> share;  // one per x, 0..1
};
// One model's quantity over the same axis, for a logarithmic axis of its own; 0 has a place below it. Negative, NaN and
// Inf: nothing there.
struct Line {
  std::string label;          // "nccl_ring"
  std::vector<double> value;  // one per x
};
// A power of two that stays the same from each of `from` until the next, over steps of training. A value that is no
// number leaves a gap. Marked steps get a cross.
struct Trace {
  std::string label;           // "torch"
  std::vector<double> from;    // steps, ascending
  std::vector<double> log2;    // one per step of `from`
  std::vector<double> marked;  // steps, ascending
};
// How much one tensor or step loses over the same axis; marked where something is worse than a loss. `chosen`: the x
// with a frame around it, -1 for none.
struct HeatRow {
  std::string label;
  std::vector<double> share;  // one per x, 0..1
  std::vector<bool> marked;   // one per x
  int chosen = -1;            // index of x
};
struct Panel {
  std::string title;      // "fp16"
  std::vector<double> x;  // ascending
  std::vector<Band> bands;
  std::vector<double> line = {};  // optional second quantity, one per x (NaN where there is none)
  std::string line_label = {};    // "signal to noise, dB"
  bool has_window = false;
  double window_low = 0, window_high = 0;  // clipped to the axis by the writer
  bool has_marker = false;
  double marker = 0;
  std::string marker_label = {};   // "init_scale 2^16"
  std::string remark = {};         // one line under the title: "no scale needed", "window empty"
  std::vector<Line> lines = {};    // in place of bands, line and window
  bool x_is_log2 = true;           // of lines; else plain numbers, such as steps
  std::vector<Trace> traces = {};  // likewise; x holds the first step and the last
  std::vector<HeatRow> heat = {};  // likewise
  std::vector<std::string> columns = {};  // of heat: names in place of the powers of two; x is then 0, 1, 2 and so on
};
struct Figure {
  std::string title;
  std::string subtitle;
  std::string x_label;
  std::string y_label;
  std::vector<Panel> panels;
  std::string marked_label = "beyond the largest number";  // of marked places of heat
};

// Who made the report, and of what. JSON and CSV print both before `tables`, as "tool" and "inputs", in one shape for
// every command; nothing of them where the tool has no name.
struct Tool {
  std::string name, version;
};
struct Source {
  std::string path, format;         // the kind of file: "safetensors"
  std::vector<std::int64_t> steps;  // of training; empty: not known
  std::uint64_t tensors = 0, elements = 0, bytes = 0;
  std::vector<std::string> notes;  // what was skipped or is doubtful
};

// A source without bytes of its own is more of the one before it: another step of the same file.
void add_source(std::vector<Source>& sources, Source source);

struct Report {
  int schema_version = 2;
  Tool tool = {};
  std::vector<Source> sources = {};
  std::vector<Table> tables;
  std::vector<Block> story;
  std::vector<Figure> figures;
};

// How a text writer may use the terminal. Colour only emphasises, it never carries meaning alone.
struct TextStyle {
  int width = 100;
  bool colour = false;
  bool unicode = true;
};

}  // namespace lowp
