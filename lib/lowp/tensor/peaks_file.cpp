// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/peaks_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "lowp/tensor/file.h"
#include "lowp/tensor/sniff.h"

namespace lowp {
namespace {

constexpr std::uint64_t file_cap = std::uint64_t{2} << 30;
constexpr std::size_t name_cap = 4096;  // bytes

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

void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (std::size_t begin = 0;;) {
    const std::size_t comma = line.find(',', begin);
    fields.push_back(trimmed(line.substr(begin, comma == line.npos ? line.npos : comma - begin)));
    if (comma == line.npos) return;
    begin = comma + 1;
  }
}

// Where the columns of a line are.
struct Columns {
  std::size_t step = 0, largest = 1, count = 2;
  std::optional<std::size_t> name = {}, kind = {};
};
constexpr Columns four_columns{0, 3, 4, 1, 2};

// The columns that a header names; nothing of a line that is none. `largest` may be missing: then it is `count`.
std::optional<Columns> columns_of(const std::vector<std::string_view>& fields) {
  const auto place = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(fields, name);
    if (found == fields.end()) return {};
    return static_cast<std::size_t>(found - fields.begin());
  };
  const auto step = place("step");
  if (!step) return {};
  return Columns{*step, place("largest").value_or(fields.size()), fields.size(), place("name"), place("kind")};
}

bool is_remark(std::string_view line) {
  return line.empty() || line.front() == '#';
}

// Reads one file line by line.
class PeaksReader {
 public:
  PeaksReader(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  Result<PeaksFile> run() {
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      offset_ = begin;
      ++line_;
      const std::string_view line = trimmed(text_.substr(begin, end - begin));
      if (!is_remark(line) && !(line.front() == '{' ? take_object(line) : take_line(line))) return *error_;
      begin = end + 1;
    }
    if (file_.rows.empty()) return Error{path_, std::nullopt, "lines of step,largest", "none"};
    const auto before = [](const PeakRow& a, const PeakRow& b) { return a.step < b.step; };
    if (!std::ranges::is_sorted(file_.rows, before)) std::ranges::stable_sort(file_.rows, before);
    return std::move(file_);
  }

 private:
  bool refuse(std::string wanted, std::string_view found) {
    error_ = Error{path_, offset_, std::move(wanted), fmt::format("{} in line {}", found.substr(0, 60), line_)};
    return false;
  }

  bool take_line(std::string_view line) {
    split(line, fields_);
    if (first_line_) {
      first_line_ = false;
      if (const auto header = columns_of(fields_)) {
        columns_ = *header;
        return columns_.largest < fields_.size() || refuse("a column 'largest'", line);
      }
      if (fields_.size() == 4) columns_ = four_columns;
    }
    if (fields_.size() != columns_.count) return refuse(fmt::format("{} columns", columns_.count), line);
    const auto at = [&](const std::optional<std::size_t>& column) {
      return column ? std::optional(fields_[*column]) : std::nullopt;
    };
    return take(fields_[columns_.step], at(columns_.name).value_or(""), at(columns_.kind), fields_[columns_.largest]);
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
    return take(word("step"), word("name"), kind.empty() ? std::nullopt : std::optional<std::string_view>(kind),
                word("largest"));
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

  bool take(std::string_view step, std::string_view name, std::optional<std::string_view> kind,
            std::string_view largest) {
    PeakRow row;
    const auto number = step_of(step);
    const auto magnitude = magnitude_of(largest);
    if (!number) return refuse("a step, a whole number", step.empty() ? "nothing" : step);
    if (!magnitude) return refuse("a magnitude from 0 on, inf or nan", largest.empty() ? "nothing" : largest);
    if (name.size() > name_cap) return refuse(fmt::format("a name of at most {} bytes", name_cap), name);
    row.step = *number;
    row.largest = *magnitude;
    if (kind) {
      const auto known = find_magnitude_kind(*kind);
      if (!known) return refuse("a kind: grad, act_grad, op_grad, act or loss_grad", kind->empty() ? "nothing" : *kind);
      row.kind = *known;
      file_.kinds_known = true;
    }
    row.name = number_of(name);
    file_.rows.push_back(row);
    return true;
  }

  std::uint32_t number_of(std::string_view name) {
    const auto [known, is_new] = numbers_.try_emplace(std::string(name), static_cast<std::uint32_t>(file_.names.size()));
    if (is_new) file_.names.emplace_back(name);
    return known->second;
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t offset_ = 0;
  std::uint64_t line_ = 0;
  bool first_line_ = true;
  Columns columns_;
  std::vector<std::string_view> fields_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
  PeaksFile file_;
  std::optional<Error> error_;
};

}  // namespace

std::optional<MagnitudeKind> find_magnitude_kind(std::string_view name) {
  const auto found = std::ranges::find(magnitude_kind_names, name);
  if (found == magnitude_kind_names.end()) return {};
  return static_cast<MagnitudeKind>(found - magnitude_kind_names.begin());
}

Result<PeaksFile> read_peaks(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > file_cap)
    return Error{path, std::nullopt, "at most 2 GiB", fmt::format("{} bytes", (*file)->size())};
  std::string text((*file)->size(), '\0');
  if (const auto done = (*file)->read(0, std::as_writable_bytes(std::span(text))); !done) return done.error();
  auto peaks = PeaksReader(path, text).run();
  if (peaks) peaks->stamp = (*file)->stamp();
  return peaks;
}

// A first line without a header is one of numbers, or of numbers with a kind; histograms have other columns.
bool sniff_peaks(std::string_view path, std::span<const std::byte> head) {
  if (!has_extension(path, ".csv .jsonl")) return false;
  std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  std::string_view line;
  while (is_remark(line) && !text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (is_remark(line)) return false;
  if (line.front() == '{') return line.find("\"largest\"") != line.npos && line.find("\"step\"") != line.npos;
  std::vector<std::string_view> fields;
  split(line, fields);
  if (const auto header = columns_of(fields)) return header->largest < fields.size();
  if (fields.size() == 4) return find_magnitude_kind(fields[2]).has_value() && step_of(fields[0]).has_value();
  return fields.size() == 2 && step_of(fields[0]) && magnitude_of(fields[1]);
}

}  // namespace lowp
