// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/maxima_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "lowp/tensor/file.h"

namespace lowp::scaling {
namespace {

constexpr std::uint64_t file_cap = std::uint64_t{2} << 30;

struct Entry {
  std::int64_t step = 0;
  Kind kind = Kind::grad;
  double largest = 0;
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

template <class T>
bool whole_word(std::string_view word, T& value) {
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size();
}

// "12" or "12.0".
std::optional<std::int64_t> step_of(std::string_view word) {
  std::int64_t step = 0;
  if (whole_word(word, step)) return step;
  double real = 0;
  if (whole_word(word, real) && std::fabs(real) < 0x1p53 && real == std::floor(real))
    return static_cast<std::int64_t>(real);
  return {};
}

// "0.5", "inf", "nan" in any case; not negative.
std::optional<double> magnitude_of(std::string_view word) {
  double x = 0;
  if (!whole_word(word, x) || x < 0) return {};
  return x;
}

// Where the columns of a line are.
struct Columns {
  std::size_t step = 0, largest = 1, kind = 0, count = 2;
  bool has_kind = false;
};

void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (std::size_t begin = 0;;) {
    const std::size_t comma = line.find(',', begin);
    fields.push_back(trimmed(line.substr(begin, comma == line.npos ? line.npos : comma - begin)));
    if (comma == line.npos) return;
    begin = comma + 1;
  }
}

// Reads one file line by line; every refusal names the byte where the line begins.
class MaximaReader {
 public:
  MaximaReader(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  Result<RunSeries> run() {
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      offset_ = begin;
      const std::string_view line = trimmed(text_.substr(begin, end - begin));
      if (!line.empty() && line.front() != '#' && !(line.front() == '{' ? take_object(line) : take_line(line)))
        return *error_;
      begin = end + 1;
    }
    if (entries_.empty()) return Error{path_, std::nullopt, "lines of step,largest", "none"};
    return series();
  }

 private:
  bool refuse(std::string wanted, std::string_view found) {
    error_ = Error{path_, offset_, std::move(wanted), std::string(found.substr(0, 60))};
    return false;
  }

  bool take_line(std::string_view line) {
    split(line, fields_);
    if (first_line_) {
      first_line_ = false;
      if (std::ranges::find(fields_, "step") != fields_.end()) return take_header(line);
      if (fields_.size() == 4) columns_ = {0, 3, 2, 4, true};
    }
    if (fields_.size() != columns_.count) return refuse(fmt::format("{} columns", columns_.count), line);
    return take(fields_[columns_.step], fields_[columns_.largest],
                columns_.has_kind ? std::optional(fields_[columns_.kind]) : std::nullopt);
  }

  bool take_header(std::string_view line) {
    const auto place = [&](std::string_view name) {
      return static_cast<std::size_t>(std::ranges::find(fields_, name) - fields_.begin());
    };
    columns_ = {place("step"), place("largest"), place("kind"), fields_.size(), place("kind") < fields_.size()};
    return columns_.largest < fields_.size() || refuse("a column 'largest'", line);
  }

  bool take_object(std::string_view line) {
    first_line_ = false;
    nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_discarded()) object = nlohmann::json::parse(quoted_specials(line), nullptr, false);
    if (!object.is_object()) return refuse("a JSON object per line", line);
    const auto word = [&](const char* key) -> std::string {
      const auto found = object.find(key);
      if (found == object.end()) return {};
      if (found->is_structured()) return found->type_name();  // dump() recurses, and a hostile file nests deeply
      return found->is_string() ? found->get<std::string>()
                                : found->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    };
    const std::string kind = word("kind");
    return take(word("step"), word("largest"), kind.empty() ? std::nullopt : std::optional<std::string_view>(kind));
  }

  // Python writes NaN and Infinity, which are not JSON.
  static std::string quoted_specials(std::string_view line) {
    std::string text(line);
    for (const auto& [bare, quoted] : {std::pair{": NaN", ": \"nan\""},
                                       {": Infinity", ": \"inf\""},
                                       {":NaN", ":\"nan\""},
                                       {":Infinity", ":\"inf\""}}) {
      for (std::size_t at = text.find(bare); at != text.npos; at = text.find(bare, at + 1))
        text.replace(at, std::string_view(bare).size(), quoted);
    }
    return text;
  }

  bool take(std::string_view step, std::string_view largest, std::optional<std::string_view> kind) {
    Entry entry;
    const auto number = step_of(step);
    const auto magnitude = magnitude_of(largest);
    if (!number) return refuse("a step, a whole number", step.empty() ? "nothing" : step);
    if (!magnitude) return refuse("a magnitude from 0 on, inf or nan", largest.empty() ? "nothing" : largest);
    entry.step = *number;
    entry.largest = *magnitude;
    if (kind) {
      const auto known = find_kind(*kind);
      if (!known) return refuse("a kind: grad, act_grad, op_grad, act or loss_grad", *kind);
      entry.kind = *known;
      kinds_known_ = true;
    }
    entries_.push_back(entry);
    return true;
  }

  RunSeries series() {
    const auto before = [](const Entry& a, const Entry& b) { return a.step < b.step; };
    if (!std::ranges::is_sorted(entries_, before)) std::ranges::stable_sort(entries_, before);
    RunSeries run;
    run.source = path_;
    run.kinds_known = kinds_known_;
    std::size_t repeated = 0;
    for (const Entry& entry : entries_) {
      if (run.steps.empty() || run.steps.back().step != entry.step) {
        run.steps.push_back({.step = entry.step});
      } else {
        repeated += !kinds_known_;
      }
      run.steps.back().see(entry.kind, entry.largest);
    }
    if (repeated != 0) {
      run.notes.push_back(
          fmt::format("{}: {} of a step given before; the largest of each step counts, as all ranks share "
                      "one scale",
                      path_, repeated == 1 ? "1 line is" : fmt::format("{} lines are", repeated)));
    }
    return run;
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t offset_ = 0;
  bool first_line_ = true, kinds_known_ = false;
  Columns columns_;
  std::vector<std::string_view> fields_;
  std::vector<Entry> entries_;
  std::optional<Error> error_;
};

}  // namespace

Result<RunSeries> read_maxima(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > file_cap)
    return Error{path, std::nullopt, "at most 2 GiB", fmt::format("{} bytes", (*file)->size())};
  std::string text((*file)->size(), '\0');
  if (const auto done = (*file)->read(0, std::as_writable_bytes(std::span(text))); !done) return done.error();
  return MaximaReader(path, text).run();
}

}  // namespace lowp::scaling
