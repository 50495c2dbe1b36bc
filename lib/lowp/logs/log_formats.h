// SPDX-License-Identifier: Apache-2.0
// THE TABLE of log formats: one row per kind of line that says something about a loss scaler.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lowp/logs/log_event.h"

namespace lowp {

// The columns of the CSV table that the lines before belong to; empty outside of one.
struct CsvColumns {
  std::size_t count = 0;
  std::size_t scale = 0;
  std::optional<std::size_t> step = {};
  bool after_update = false;             // the scale is read after the update of the step
  std::vector<std::size_t> losses = {};  // columns that are NaN where the loss or the gradient is
};

// A row reads one line. It fills `event` and returns true where the line is of its kind; `csv` changes only in the row
// that reads tables.
struct LogFormat {
  std::string_view framework;  // as in reports
  std::string_view what;       // which lines
  bool (*read)(std::string_view line, CsvColumns& csv, LogEvent& event);
};

std::span<const LogFormat> log_formats();

// The first row that knows the line; nothing where none does.
std::optional<LogEvent> read_log_line(std::string_view line, CsvColumns& csv);

}  // namespace lowp
