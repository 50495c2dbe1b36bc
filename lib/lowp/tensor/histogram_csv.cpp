// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/histogram_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include "lowp/tensor/histogram_json.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 30;
constexpr std::size_t max_columns = 65536;

using Row = std::vector<std::string>;

// RFC 4180: cells in quotation marks may hold commas, line ends and doubled quotation marks.
bool next_row(std::istream& in, Row& row) {
  row.clear();
  std::string cell;
  bool quoted = false, any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    if (quoted) {
      if (c != '"') {
        cell += static_cast<char>(c);
      } else if (in.peek() == '"') {
        cell += static_cast<char>(in.get());
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' && row.size() < max_columns) {
      row.push_back(std::move(cell));
      cell.clear();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      cell += static_cast<char>(c);
    }
  }
  row.push_back(std::move(cell));
  return any;
}

std::optional<double> as_number(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

struct Columns {
  std::optional<std::size_t> left, right, count, name, step;
};

Columns columns_of(const Row& header) {
  Columns columns;
  const auto set = [](std::optional<std::size_t>& column, std::size_t i) {
    if (!column) column = i;
  };
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string word = lower(header[i]);
    if (names_counts(word)) set(columns.count, i);
    if (names_edges(word) || word == "left" || word == "low" || word == "bin_left" || word == "left_edge")
      set(columns.left, i);
    if (word == "right" || word == "high" || word == "bin_right" || word == "right_edge") set(columns.right, i);
    if (word == "name" || word == "tensor" || word == "tag") set(columns.name, i);
    if (word == "step" || word == "_step") set(columns.step, i);
  }
  return columns;
}

// A histogram as its rows come in.
struct Gathered {
  LoggedHistogram histogram;
  std::vector<double> counts;
  bool ended = false;  // the last edge has come
};

class CsvReader {
 public:
  CsvReader(std::istream& in, std::string file) : in_(in), file_(std::move(file)) {}

  Result<LoggedRun> read() {
    Row row;
    if (!next_row(in_, row)) return Error{file_, 0, "a CSV header", "nothing"};
    header_ = row;
    columns_ = columns_of(header_);
    while (next_row(in_, row)) {
      ++line_;
      if (row.size() == 1 && row[0].empty()) continue;
      if (auto done = columns_.count && columns_.left ? take_bin(row) : take_cells(row); !done) return done.error();
    }
    if (auto done = finish(); !done) return done.error();
    if (run_.histograms.empty() && run_.notes.empty()) {
      return Error{file_, {}, "columns left, right and count, or edge and count, or histograms as JSON", "none"};
    }
    return std::move(run_);
  }

 private:
  Error fault(std::string wanted, std::string found) const {
    return {file_, {}, std::move(wanted), fmt::format("{} in row {}", found, line_)};
  }

  Result<Done> take_bin(const Row& row) {
    const auto cell = [&](std::size_t column) {
      return column < row.size() ? std::string_view(row[column]) : std::string_view{};
    };
    const auto left = as_number(cell(*columns_.left));
    if (!left) return fault("a number for the edge", fmt::format("'{}'", cell(*columns_.left).substr(0, 40)));
    std::optional<double> step;
    if (columns_.step) step = as_number(cell(*columns_.step));
    const std::string name = columns_.name ? std::string(cell(*columns_.name)) : "histogram";
    Gathered& gathered = all_[{name, step.value_or(-1)}];
    LoggedHistogram& h = gathered.histogram;
    if (h.edges.empty()) order_.push_back({name, step.value_or(-1)});
    h.name = name;
    if (step && std::fabs(*step) < 9e15) h.step = static_cast<std::int64_t>(*step);
    if (gathered.ended) return fault("one row per bin", "a row after the last edge");
    if (columns_.right) {
      const auto right = as_number(cell(*columns_.right));
      if (!right) return fault("a number for the right edge", fmt::format("'{}'", cell(*columns_.right).substr(0, 40)));
      if (h.edges.empty()) h.edges.push_back(*left);
      if (h.edges.back() != *left) return fault("bins that touch", fmt::format("a bin that begins at {}", *left));
      h.edges.push_back(*right);
    } else {
      h.edges.push_back(*left);
    }
    const auto count = as_number(cell(*columns_.count));
    if (count) gathered.counts.push_back(*count);
    if (!count && (columns_.right || !cell(*columns_.count).empty()))
      return fault("a count", fmt::format("'{}'", cell(*columns_.count).substr(0, 40)));
    if (!count) gathered.ended = true;
    return Done{};
  }

  // Cells with JSON, each under its column's name.
  Result<Done> take_cells(const Row& row) {
    std::optional<double> step;
    if (columns_.step && *columns_.step < row.size()) step = as_number(row[*columns_.step]);
    for (std::size_t i = 0; i < std::min(row.size(), header_.size()); ++i) {
      if (!row[i].starts_with('{')) continue;
      std::istringstream cell(row[i]);
      auto found = parse_histogram_json(cell, file_);
      if (!found) return fault("JSON", "a cell that is none");
      for (LoggedHistogram& histogram : found->histograms) {
        histogram.name = header_[i];
        if (step && std::fabs(*step) < 9e15) histogram.step = static_cast<std::int64_t>(*step);
        run_.histograms.push_back(std::move(histogram));
      }
    }
    return Done{};
  }

  Result<Done> finish() {
    for (const auto& key : order_) {
      Gathered& gathered = all_.at(key);
      const auto counts = whole_counts(gathered.counts);
      if (!counts) return Error{file_, {}, "whole counts", "densities"};
      gathered.histogram.counts = *counts;
      if (const auto wrong = fault_of(gathered.histogram)) return Error{file_, {}, "bins", *wrong};
      run_.histograms.push_back(std::move(gathered.histogram));
    }
    return Done{};
  }

  std::istream& in_;
  const std::string file_;
  Row header_;
  Columns columns_;
  std::uint64_t line_ = 1;
  std::map<std::pair<std::string, double>, Gathered> all_;
  std::vector<std::pair<std::string, double>> order_;
  LoggedRun run_;
};

}  // namespace

Result<LoggedRun> parse_histogram_csv(std::istream& in, const std::string& name) {
  return CsvReader(in, name).read();
}

Result<LoggedRun> read_histogram_csv(const File& file) {
  if (file.size() > max_file_bytes)
    return Error{file.path(), {}, "at most 1 GiB of CSV", fmt::format("{} bytes", file.size())};
  std::ifstream in(file.path(), std::ios::binary);
  if (!in) return Error{file.path(), {}, "a readable file", "none"};
  return parse_histogram_csv(in, file.path());
}

}  // namespace lowp
