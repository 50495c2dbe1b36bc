// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/histogram_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <utility>

#include "lowp/tensor/json_scan.h"
#include "lowp/tensor/skip_log.h"

namespace lowp {
namespace {

constexpr std::size_t max_depth = 64;
constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 30;

template <std::size_t n>
bool is_one_of(std::string_view key, const std::string_view (&names)[n]) {
  return std::ranges::find(names, key) != std::end(names);
}

// One object: the lists and numbers directly in it, and the histograms found below it.
struct Frame {
  std::string name;  // path of keys
  std::vector<double> counts, edges;
  std::map<std::string, double, std::less<>> numbers;
  bool wandb = false;
  std::vector<LoggedHistogram> found;

  std::optional<double> number(std::string_view key) const {
    const auto at = numbers.find(key);
    return at == numbers.end() ? std::nullopt : std::optional(at->second);
  }
};

// Equal widths as far as float32 tells.
bool is_uniform(const std::vector<double>& edges) {
  const double width = (edges.back() - edges.front()) / static_cast<double>(edges.size() - 1);
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    if (std::fabs(edges[i + 1] - edges[i] - width) > 1e-3 * width + float32_slack(edges, 4)) return false;
  }
  return true;
}

class HistogramScan final : public JsonScan {
 public:
  explicit HistogramScan(LoggedRun& run, SkipLog& skips) : run_(run), skips_(skips) {}

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    if (lists_ == 0 && !frames_.empty() && key_ == "_type" && value == "histogram") frames_.back().wandb = true;
    return other();
  }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool start_object(std::size_t) override {
    if (frames_.size() + lists_ >= max_depth) return refuse("deeper nesting");
    Frame frame;
    if (!frames_.empty()) frame.name = frames_.back().name + (frames_.back().name.empty() ? "" : "/") + key_;
    opened_in_.push_back(std::exchange(lists_, 0));
    frames_.push_back(std::move(frame));
    return true;
  }
  bool end_object() override {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    lists_ = opened_in_.back();
    opened_in_.pop_back();
    close(std::move(frame));
    return true;
  }
  bool start_array(std::size_t) override {
    if (frames_.size() + lists_ >= max_depth) return refuse("deeper nesting");
    if (++lists_ == 1) {
      list_.clear();
      flat_ = true;
    } else {
      flat_ = false;
    }
    return true;
  }
  bool end_array() override {
    if (--lists_ > 0 || frames_.empty() || !flat_) return true;
    Frame& frame = frames_.back();
    if (names_counts(key_)) frame.counts = std::move(list_);
    if (names_edges(key_)) frame.edges = std::move(list_);
    list_.clear();
    return true;
  }

 protected:
  std::string expected() const override { return "JSON nested less than 64 deep"; }

 private:
  bool number(double value) {
    if (lists_ > 0) {
      if (lists_ == 1) list_.push_back(value);
    } else if (!frames_.empty()) {
      frames_.back().numbers[key_] = value;
    }
    return true;
  }
  bool other() {
    if (lists_ > 0) flat_ = false;
    return true;
  }

  void close(Frame frame) {
    if (frame.name.ends_with("packedBins") && !frames_.empty()) return unpack(frame, frames_.back());
    if (!frame.counts.empty() && !frame.edges.empty()) add(frame);
    auto step = frame.number("_step");
    if (!step) step = frame.number("step");
    if (!step) step = frame.number("global_step");
    for (LoggedHistogram& histogram : frame.found) {
      if (!histogram.step && step && std::fabs(*step) < 9e15) histogram.step = static_cast<std::int64_t>(*step);
    }
    auto& into = frames_.empty() ? run_.histograms : frames_.back().found;
    into.insert(into.end(), std::make_move_iterator(frame.found.begin()), std::make_move_iterator(frame.found.end()));
  }

  // {"min": first edge, "size": width, "count": number of bins}
  void unpack(const Frame& packed, Frame& parent) {
    const auto first = packed.number("min"), width = packed.number("size"), bins = packed.number("count");
    if (!first || !width || !bins || !(*bins >= 1 && *bins <= 1e6) ||
        *bins != static_cast<double>(parent.counts.size()))
      return;
    for (double i = 0; i <= *bins; ++i) parent.edges.push_back(*first + i * *width);
  }

  void add(Frame& frame) {
    LoggedHistogram histogram;
    histogram.name = frame.name.empty() ? "histogram" : frame.name;
    const auto counts = whole_counts(frame.counts);
    if (!counts) return skips_.skip(histogram.name, "a count is not a whole number: densities cannot be read");
    histogram.counts = *counts;
    histogram.edges = std::move(frame.edges);
    histogram.min = frame.number("min");
    histogram.max = frame.number("max");
    if (const auto fault = fault_of(histogram)) return skips_.skip(histogram.name, *fault);
    if (const auto total = frame.number("number");
        total && *total > static_cast<double>(histogram.total()) && *total <= 0x1p40) {
      histogram.dropped = static_cast<std::uint64_t>(*total) - histogram.total();
    }
    if (frame.wandb) {
      histogram.slack = float32_slack(histogram.edges, 4);
      if (is_uniform(histogram.edges)) {
        if (histogram.counts.front() > 0) histogram.min = histogram.edges.front();
        if (histogram.counts.back() > 0) histogram.max = histogram.edges.back();
      }
    }
    frame.found.push_back(std::move(histogram));
  }

  LoggedRun& run_;
  SkipLog& skips_;
  std::vector<Frame> frames_;
  std::vector<std::size_t> opened_in_;  // lists open around each frame
  std::string key_;
  std::vector<double> list_;
  std::size_t lists_ = 0;  // open in the innermost frame
  bool flat_ = false;      // the open list holds numbers alone
};

}  // namespace

bool names_counts(std::string_view key) {
  static constexpr std::string_view names[] = {"counts", "count", "hist", "values", "histogram", "n"};
  return is_one_of(key, names);
}

bool names_edges(std::string_view key) {
  static constexpr std::string_view names[] = {"edges", "bin_edges", "bins", "edge"};
  return is_one_of(key, names);
}

Result<LoggedRun> parse_histogram_json(std::istream& in, const std::string& name) {
  LoggedRun run;
  SkipLog skips;
  std::uint64_t documents = 0;
  while ((in >> std::ws) && in.peek() != std::istream::traits_type::eof()) {
    HistogramScan scan(run, skips);
    if (!nlohmann::json::sax_parse(in, &scan, nlohmann::json::input_format_t::json, false)) {
      if (documents == 0 || !in.eof()) return scan.error(name, 0);
      run.notes.push_back("the last line is not complete: the file was cut or is still being written");
      break;
    }
    ++documents;
  }
  if (documents == 0) return Error{name, 0, "JSON", "nothing"};
  const auto notes = skips.notes();
  run.notes.insert(run.notes.begin(), notes.begin(), notes.end());
  return run;
}

Result<LoggedRun> read_histogram_json(const File& file) {
  if (file.size() > max_file_bytes)
    return Error{file.path(), {}, "at most 1 GiB of JSON", fmt::format("{} bytes", file.size())};
  std::ifstream in(file.path(), std::ios::binary);
  if (!in) return Error{file.path(), {}, "a readable file", "none"};
  return parse_histogram_json(in, file.path());
}

}  // namespace lowp
