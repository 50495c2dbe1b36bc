// SPDX-License-Identifier: Apache-2.0
// A .binades file from anywhere: a checked safetensors header, lists in its metadata, columns with their checksums.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>

#include "lowp/base/crc32c.h"
#include "lowp/summary/evidence_columns.h"
#include "lowp/tensor/binades.h"
#include "lowp/tensor/checked.h"
#include "lowp/tensor/json_scan.h"
#include "lowp/tensor/reader_rows.h"
#include "lowp/tensor/safetensors.h"

namespace lowp {
namespace {

// A JSON list of texts, of numbers, or of lists of numbers.
class ListScan final : public JsonScan {
 public:
  std::vector<std::string> texts;
  std::vector<std::uint64_t> numbers;
  std::vector<std::vector<std::uint64_t>> lists;

  bool start_array(std::size_t) override {
    if (lists.size() == most_items) return refuse("more");
    if (++depth_ == 2) lists.emplace_back();
    return depth_ <= 2 || refuse("a list in a list in a list");
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ != 1) return refuse("a string");
    if (texts.size() == most_items) return refuse("more");
    texts.push_back(std::move(text));
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (depth_ == 0) return refuse("a number");
    if (numbers.size() == most_items) return refuse("more");
    (depth_ == 2 ? lists.back() : numbers).push_back(number);
    return depth_ == 1 || lists.back().size() <= 64 || refuse("a shape of more than 64 axes");
  }

 private:
  static constexpr std::size_t most_items = std::size_t{1} << 21;  // tensors in a file
  std::string expected() const override { return "a list of at most 2^21"; }
  int depth_ = 0;
};

std::optional<std::uint64_t> number_of(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (fault != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::optional<Part> part_of(std::string_view text) {
  if (text == "whole") return Part{};
  Part part;
  for (const auto& [word, kind] : {std::pair("part ", Part::Kind::part), {"rank ", Part::Kind::rank}}) {
    if (!text.starts_with(word)) continue;
    const std::string_view rest = text.substr(5);
    const std::size_t of = rest.find(" of ");
    if (of == std::string_view::npos) return std::nullopt;
    const auto index = number_of(rest.substr(0, of)), count = number_of(rest.substr(of + 4));
    const std::uint64_t first = kind == Part::Kind::part ? 1 : 0;
    if (!index || !count || *count == 0 || *count > 1u << 24 || *index < first || *index >= *count + first)
      return std::nullopt;
    part = {kind, static_cast<std::uint32_t>(*index), static_cast<std::uint32_t>(*count)};
    if (part.text() == text) return part;
  }
  return std::nullopt;
}

class Reading {
 public:
  explicit Reading(const File& file, const SafetensorsHeader& header) : file_(file), header_(header) {}

  // Everything but evidence.
  Result<StepSummary> step() const {
    StepSummary step;
    step.path = file_.path();
    step.dump = text("dump");
    step.reader = "binades";
    step.bytes = file_.size();
    if (text("binades") != "1") return wrong("binades", "1, the version of the format");
    if (const auto number = integer("step")) step.step = *number;
    const auto scale = integer("dump_scale_log2");
    if (!scale || *scale < -scale_log2_limit || *scale > scale_log2_limit)
      return wrong("dump_scale_log2", "a loss scale");
    step.dump_scale_log2 = static_cast<int>(*scale);
    if (header_.metadata.contains("loss_dtype")) step.loss_dtype = printable(text("loss_dtype"));
    auto entries = entries_of();
    if (!entries) return entries.error();
    step.tensors = *std::move(entries);
    auto sources = sources_of();
    if (!sources) return sources.error();
    step.sources = *std::move(sources);
    return step;
  }

  Result<Done> read_evidence(StepSummary& step) const {
    const auto size = static_cast<std::size_t>(file_.size() - header_.data_begin);
    const auto held = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span<std::byte> data(held.get(), size);
    if (const auto done = data.empty() ? Result<Done>(Done{}) : file_.read(header_.data_begin, data); !done)
      return done.error();
    auto crcs = list("crc32c");
    if (!crcs) return crcs.error();
    const std::set<std::string> known(crcs->texts.begin(), crcs->texts.end());
    ColumnViews views;
    for (const SafetensorsEntry& entry : header_.entries) {
      const int width = entry.dtype == "U8"    ? 1
                        : entry.dtype == "U16" ? 2
                        : entry.dtype == "U32" ? 4
                        : entry.dtype == "U64" ? 8
                                               : 0;
      const std::span<const std::byte> bytes =
          data.subspan(static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(entry.end - entry.begin));
      const std::string want = fmt::format("{}:{:08x}", entry.name, crc32c(bytes));
      if (width == 0) return wrong(entry.name, "a column of unsigned integers");
      if (!known.contains(want)) {
        return Error{file_.path(), header_.data_begin + entry.begin,
                     fmt::format("column '{}' with the CRC-32C that the header gives", entry.name), "other bytes"};
      }
      views.emplace(entry.name, ColumnView{bytes, width});
    }
    auto taken = take_columns(views, step.tensors);
    if (!taken) {
      Error error = taken.error();
      error.file = file_.path();
      return error;
    }
    return Done{};
  }

 private:
  std::string text(const char* key) const {
    const auto found = header_.metadata.find(key);
    return found == header_.metadata.end() ? std::string() : found->second;
  }
  std::optional<std::int64_t> integer(const char* key) const {
    const std::string word = text(key);
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (word.empty() || fault != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return number;
  }
  Error wrong(std::string_view key, std::string wanted) const {
    return {file_.path(), std::nullopt, fmt::format("{} as '{}'", wanted, key), "something else"};
  }
  Result<ListScan> list(const char* key) const {
    ListScan scan;
    const std::string words = text(key);
    if (!nlohmann::json::sax_parse(words, &scan)) {
      Error error = scan.error(file_.path(), 0);
      error.offset.reset();
      error.wanted += fmt::format(" as '{}'", key);
      return error;
    }
    return scan;
  }

  Result<std::vector<TensorSummary>> entries_of() const {
    const auto names = list("names"), dtypes = list("dtypes"), shapes = list("shapes"), parts = list("parts"),
               digests = list("digests");
    for (const auto* each : {&names, &dtypes, &shapes, &parts, &digests}) {
      if (!*each) return each->error();
    }
    const std::size_t count = names->texts.size();
    if (dtypes->texts.size() != count || shapes->lists.size() != count || parts->texts.size() != count ||
        digests->texts.size() != count) {
      return wrong("names", "as many dtypes, shapes, parts and digests");
    }
    std::vector<TensorSummary> entries(count);
    for (std::size_t i = 0; i < count; ++i) {
      TensorSummary& entry = entries[i];
      entry.name = names->texts[i];
      entry.dtype = find_dtype(dtypes->texts[i]);
      entry.shape = shapes->lists[i];
      const auto part = part_of(parts->texts[i]);
      const auto elements = element_count(entry.shape);
      if (entry.dtype == nullptr || entry.dtype->name != dtypes->texts[i]) return wrong("dtypes", "known dtypes");
      if (!part) return wrong("parts", "'whole', 'part I of N' or 'rank I of N'");
      if (!elements || *elements > max_elements) return wrong("shapes", "at most 2^40 elements in a tensor");
      entry.part = *part;
      for (std::string_view rest = digests->texts[i]; !rest.empty();) {
        const auto digest = number_of(rest.substr(0, std::min<std::size_t>(8, rest.size())), 16);
        if (!digest || rest.size() < 8 || (rest.size() > 8 && rest[8] != ' ')) return wrong("digests", "checksums");
        entry.digests.push_back(static_cast<std::uint32_t>(*digest));
        rest.remove_prefix(std::min<std::size_t>(9, rest.size()));
      }
      const bool follows = i == 0 || std::pair(std::string_view(entries[i - 1].name), entries[i - 1].part) <
                                         std::pair(std::string_view(entry.name), entry.part);
      if (!follows) return wrong("names", "names in order, each part once");
    }
    return entries;
  }

  Result<std::vector<SourceStamp>> sources_of() const {
    const auto names = list("source_names"), bytes = list("source_bytes"), crcs = list("source_crc32c");
    for (const auto* each : {&names, &bytes, &crcs}) {
      if (!*each) return each->error();
    }
    if (names->texts.size() != bytes->numbers.size() || names->texts.size() != crcs->texts.size())
      return wrong("source_names", "as many sizes and checksums");
    std::vector<SourceStamp> sources;
    for (std::size_t i = 0; i < names->texts.size(); ++i) {
      const auto crc = number_of(crcs->texts[i], 16);
      if (!crc || *crc >> 32 != 0) return wrong("source_crc32c", "checksums");
      sources.push_back({names->texts[i], bytes->numbers[i], static_cast<std::uint32_t>(*crc)});
    }
    return sources;
  }

  const File& file_;
  const SafetensorsHeader& header_;
};

// In place of elements: whoever wants them is told that there are none.
class NoElements final : public ByteSource {
 public:
  NoElements(std::shared_ptr<const std::string> path, std::uint64_t size) : path_(std::move(path)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t) const override {
    return Error{*path_, std::nullopt, "elements", "a summary of them: this question needs the dump itself"};
  }

 private:
  std::shared_ptr<const std::string> path_;
  std::uint64_t size_;
};

// All of a step but its evidence.
Input described(const StepSummary& step) {
  Input input;
  input.path = step.path;
  input.format = step.reader;
  input.bytes = step.bytes;
  input.step = step.step;
  input.dump_scale_log2 = step.dump_scale_log2;
  input.loss_dtype = step.loss_dtype;
  input.dump = step.dump;
  input.notes = step.notes;
  const auto path = std::make_shared<const std::string>(step.path);
  for (const TensorSummary& entry : step.tensors) {
    if (!input.tensors.empty() && input.tensors.back().name == entry.name) continue;  // another part
    TensorView view;
    view.name = entry.name;
    view.dtype = entry.dtype;
    view.shape = entry.shape;
    view.elements = *element_count(entry.shape);
    view.source = std::make_shared<NoElements>(path, view.elements * static_cast<std::uint64_t>(entry.dtype->bytes));
    input.tensors.push_back(std::move(view));
  }
  return input;
}

}  // namespace

Result<StepSummary> read_binades(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  const Reading reading(**file, *header);
  auto step = reading.step();
  if (!step) return step;
  if (auto done = reading.read_evidence(*step); !done) return done.error();
  return step;
}

Result<Input> open_binades(const std::string& path, const OpenOptions&) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  const auto step = Reading(**file, *header).step();
  if (!step) return step.error();
  Input input = described(*step);
  input.bytes = (*file)->size();
  input.files = {(*file)->stamp()};
  input.summary = [path]() -> Result<StepSummary> {
    auto read = read_binades(path);
    if (!read) return read;
    return joined_parts(*std::move(read));
  };
  return input;
}

Input input_of(std::shared_ptr<const StepSummary> step) {
  Input input = described(*step);
  input.summary = [step]() -> Result<StepSummary> {
    StepSummary read = *step;
    read.notes.clear();  // those of the input
    return joined_parts(std::move(read));
  };
  return input;
}

}  // namespace lowp
