// SPDX-License-Identifier: Apache-2.0
// Values under names of their own: CSV tables, JSON lines, "loss_scale: 65536" anywhere in a line.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lowp/logs/log_rows.h"
#include "lowp/logs/log_text.h"

namespace lowp {
namespace {

constexpr std::size_t max_columns = 4096;

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() <= max_columns) {
    const std::size_t comma = line.find(',');
    fields.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    line.remove_prefix(comma + 1);
  }
  return fields;
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// The header of a table with a column for the scale. Lightning writes an epoch too; DeepSpeed's monitor has the two
// columns step and loss_scale, written after the update.
bool read_csv_header(std::string_view line, CsvColumns& csv) {
  if (line.find(',') == std::string_view::npos || line.find_first_of("{}=") != std::string_view::npos) return false;
  const auto names = fields_of(line);
  CsvColumns columns{.count = names.size()};
  bool found = false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = unquoted(names[i]);
    if (leading_number(name)) return false;  // a row of numbers is no header
    if (!found && names_loss_scale(name)) {
      found = true;
      columns.scale = i;
    }
    if (!columns.step && names_step(name)) columns.step = i;
    if (names_loss_or_norm(name)) columns.losses.push_back(i);
  }
  if (!found || columns.count > max_columns) return false;
  columns.after_update = columns.count == 2;
  csv = std::move(columns);
  return true;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

// "loss_scale: 65536", "loss scale 512.0 (512.0)", "loss-scale=64"
std::optional<double> named_scale(std::string_view line) {
  for (const std::string_view key : {"loss_scale", "loss scale", "loss-scale", "lossscale", "loss_scaling",
                                     "loss scaling", "grad_scale", "grad scale", "amp_scale", "scaler_scale"}) {
    if (const auto scale = as_scale(number_after(line, key))) return scale;
  }
  return {};
}

// "global_step: 12", "Iter 12/100", "[  12/1000]"
std::optional<std::int64_t> named_step(std::string_view line) {
  for (const std::string_view key : {"global_step", "global step", "num_updates", "iteration", "step", "iter"}) {
    for (std::size_t at = line.find(key); at != std::string_view::npos; at = line.find(key, at + 1)) {
      std::string_view rest = line.substr(at + key.size());
      rest = rest.substr(std::min(rest.find_first_not_of(" :=#[("), rest.size()));
      rest = rest.substr(0, rest.find_first_of("/]),: |"));
      if (const auto step = as_integer(leading_number(rest)); step && *step >= 0) return step;
    }
  }
  return {};
}

}  // namespace

bool read_csv(std::string_view line, CsvColumns& csv, LogEvent& event) {
  if (trimmed(line).empty()) {
    csv = {};
    return false;
  }
  if (csv.count == 0) {
    event.kind = LogEventKind::table;
    event.in_table = true;
    return read_csv_header(line, csv);
  }
  const auto fields = fields_of(line);
  if (fields.size() != csv.count) {
    csv = {};
    return false;
  }
  event.in_table = true;
  if (csv.after_update) event.framework = "DeepSpeed";
  const auto scale = as_scale(leading_number(unquoted(fields[csv.scale])));
  if (!scale) {  // a row of other metrics, or the header of the next table
    if (read_csv_header(line, csv)) event.kind = LogEventKind::table;
    return true;
  }
  event.kind = LogEventKind::step;
  (csv.after_update ? event.after : event.used) = scale;
  if (csv.step) event.step = as_integer(leading_number(unquoted(fields[*csv.step])));
  if (!event.step) event.numbers = StepNumbers::none;
  event.nan = std::ranges::any_of(csv.losses, [&](std::size_t column) {
    const auto number = leading_number(unquoted(fields[column]));
    return number && std::isnan(*number);
  });
  return true;
}

bool read_json_line(std::string_view line, CsvColumns&, LogEvent& event) {
  const std::size_t at = line.find("{\"");
  if (at == std::string_view::npos) return false;
  bool scaled = false;
  std::optional<double> norm;
  each_pair(line.substr(at), [&](std::string_view key, std::string_view value) {
    const auto number = leading_number(value);
    if (names_loss_scale(key) && as_scale(number)) event.after = number, scaled = true;
    if (!event.step && names_step(key)) event.step = as_integer(number);
    if (names_loss_or_norm(key)) {
      event.nan |= number && std::isnan(*number);
      if (!key.ends_with("loss")) norm = number;
    }
  });
  if (!scaled && !norm) return false;
  event.kind = LogEventKind::step;
  if (!event.step) event.numbers = StepNumbers::none;
  if (norm) event.skipped = std::isfinite(*norm) ? 0 : 1;
  return true;
}

bool read_named_values(std::string_view line, CsvColumns&, LogEvent& event) {
  const std::string text = lower(line.substr(0, 4096));
  event.after = named_scale(text);
  if (!event.after) return false;
  event.kind = LogEventKind::step;
  event.step = named_step(text);
  if (!event.step) event.numbers = StepNumbers::none;
  const auto is_nan = [&](std::string_view key) {
    const auto number = number_after(text, key);
    return number && std::isnan(*number);
  };
  event.nan = is_nan("loss") || is_nan("grad_norm") || is_nan("grad norm");
  return true;
}

}  // namespace lowp
