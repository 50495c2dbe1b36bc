// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/log_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <sstream>
#include <utility>

#include "lowp/logs/log_formats.h"
#include "lowp/logs/log_scalars.h"
#include "lowp/logs/log_text.h"
#include "lowp/tensor/file.h"

namespace lowp {
namespace {

constexpr std::size_t max_line = 1 << 20;  // bytes looked at; progress bars make long lines
constexpr std::size_t max_events = 5'000'000;

// Events of one section as they come in, and whether the next one can still belong to it.
class OpenSection {
 public:
  bool empty() const { return events_.empty(); }
  const std::vector<LogEvent>& events() const { return events_; }

  void add(const LogEvent& event) {
    events_.push_back(event);
    if (event.kind == LogEventKind::mention) return;
    says_something_ = true;
    ended_ |= event.kind == LogEventKind::ended;
    if (event.used || event.after) scale_ = event.after ? event.after : event.used;
    if (event.epoch) epoch_ = event.epoch;
    if (event.kind != LogEventKind::step) return;
    last_line_end_ = events_.size();
    if (!event.step) return;
    auto& [first, last] = numbers_.try_emplace({event.framework, event.coarse}, *event.step, *event.step).first->second;
    single_steps_ = !event.coarse && *event.step - last == 1;
    last = *event.step;
  }

  // How many of the events stay here if `event` begins another section; nothing if it belongs to this one.
  std::optional<std::size_t> ends_before(const LogEvent& event) const {
    if (event.kind == LogEventKind::mention || events_.empty()) return {};
    if (event.line == events_.back().line) return {};  // sections share no line
    if (event.kind == LogEventKind::table) return events_.size();
    if (events_.back().in_table != event.in_table) return events_.size();
    if (ended_) return events_.size();
    if (event.kind == LogEventKind::overflow && single_steps_ && too_high(event)) return events_.size();
    if (event.kind != LogEventKind::step) return {};
    if (!event.step)
      return event.epoch && epoch_ && *event.epoch < *epoch_ ? std::optional(first_of_next()) : std::nullopt;
    const auto numbers = numbers_.find({event.framework, event.coarse});
    if (numbers == numbers_.end()) return {};
    const auto [first, last] = numbers->second;
    return *event.step <= first && *event.step < last ? std::optional(first_of_next()) : std::nullopt;
  }

  // The events from `keep` on, which belong to the next section.
  std::vector<LogEvent> split(std::size_t keep) {
    std::vector<LogEvent> rest(events_.begin() + static_cast<std::ptrdiff_t>(keep), events_.end());
    events_.resize(keep);
    return rest;
  }

 private:
  // An overflow lowers the scale: a message with a far higher one is of another run.
  bool too_high(const LogEvent& message) const {
    const auto scale = message.used ? message.used : message.after;
    return scale && scale_ && *scale > 2 * *scale_;
  }

  // Messages since the last step line belong to the next run unless they go on where the last line's scale was.
  std::size_t first_of_next() const {
    std::optional<double> scale;
    for (std::size_t i = 0; i < last_line_end_; ++i) {
      if (events_[i].used || events_[i].after) scale = events_[i].after ? events_[i].after : events_[i].used;
    }
    for (std::size_t i = last_line_end_; i < events_.size(); ++i) {
      const auto used = events_[i].used ? events_[i].used : events_[i].after;
      const bool begins_line = i == 0 || events_[i].line != events_[i - 1].line;
      if (used && scale && *used > *scale && begins_line) return i;
      if (events_[i].after) scale = events_[i].after;
    }
    return events_.size();
  }

  std::vector<LogEvent> events_;
  std::map<std::pair<std::string_view, bool>, std::pair<std::int64_t, std::int64_t>> numbers_;
  std::optional<double> scale_, epoch_;
  std::size_t last_line_end_ = 0;
  bool says_something_ = false, ended_ = false, single_steps_ = false;
};

class SectionReader {
 public:
  SectionReader(std::string file, LineRange lines) : file_(std::move(file)), lines_(lines) {}

  Result<std::vector<LogSection>> read(std::istream& in) {
    std::string line;
    std::uint64_t number = 0;
    while ((!lines_.last || number < *lines_.last) && std::getline(in, line)) {
      if (++number < lines_.first) continue;
      if (line.find('\0') != std::string::npos)
        return Error{file_, {}, "a log of lines of text", fmt::format("a NUL byte in line {}", number)};
      if (!take(line, number)) {
        return Error{file_, {}, fmt::format("at most {} lines about loss scales; see --lines", max_events), "more"};
      }
    }
    if (in.bad()) return Error{file_, {}, "a readable file", fmt::format("a failure after line {}", number)};
    if (number < lines_.first || (lines_.last && number < *lines_.last)) {
      const std::uint64_t wanted = std::max(lines_.first, lines_.last.value_or(0));
      return Error{file_, {}, fmt::format("line {}", wanted), fmt::format("{} lines", number)};
    }
    close();
    if (sections_.empty()) sections_.push_back(section_of({}, lines_.first, last_seen_));
    return std::move(sections_);
  }

 private:
  bool take(std::string_view line, std::uint64_t number) {
    const std::string_view text = trimmed(line.substr(0, max_line));
    if (text.starts_with('#')) {
      close();
      csv_ = {};
      return true;
    }
    if (!text.empty()) {
      last_seen_ = number;
      if (first_seen_ == 0) first_seen_ = number;
    }
    // Progress bars write many times into one line.
    std::string_view rest = line.substr(0, max_line);
    while (true) {
      const std::size_t end = rest.find('\r');
      const std::string_view part = rest.substr(0, end);
      if (!trimmed(part).empty() || end == std::string_view::npos) {
        if (auto event = read_log_line(part, csv_)) add(*event, number);
      }
      if (end == std::string_view::npos || end + 1 == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
    return events_ <= max_events;
  }

  void add(LogEvent event, std::uint64_t number) {
    event.line = number;
    ++events_;
    if (const auto keep = open_.ends_before(event)) {
      const std::vector<LogEvent> rest = open_.split(*keep);
      const std::uint64_t next = rest.empty() ? number : rest.front().line;
      close_before(next);
      for (const LogEvent& moved : rest) open_.add(moved);
    }
    open_.add(event);
  }

  void close_before(std::uint64_t next_line) {
    finish(next_line - 1);
    first_seen_ = next_line;
  }
  void close() {
    finish(last_seen_);
    first_seen_ = 0;
  }

  // A section ends with the last line that is about it; where no line says anything, with the last that is not blank.
  void finish(std::uint64_t last) {
    if (!open_.empty()) {
      const auto& events = open_.events();
      const bool says = std::ranges::any_of(events, [](const LogEvent& e) { return e.kind != LogEventKind::mention; });
      const bool table = events.front().kind == LogEventKind::table;
      const std::uint64_t first = table || first_seen_ == 0 ? events.front().line : first_seen_;
      sections_.push_back(section_of(events, first, says ? events.back().line : std::max(last, events.back().line)));
    }
    open_ = {};
  }

  LogSection section_of(const std::vector<LogEvent>& events, std::uint64_t first, std::uint64_t last) const {
    LogSection section;
    section.file = file_;
    section.first_line = first;
    section.last_line = std::max(first, last);
    section.framework = framework_of(events);
    judge_section(section, events);
    return section;
  }

  // Who wrote most of the lines about the scaler; of the others, if there are none.
  static std::string framework_of(const std::vector<LogEvent>& events) {
    std::map<std::string_view, std::uint64_t> weights;
    for (const LogEvent& event : events)
      weights[event.framework] += event.kind == LogEventKind::mention ? 1 : max_events;
    const auto most = std::ranges::max_element(weights, {}, [](const auto& pair) { return pair.second; });
    return most == weights.end() ? std::string{} : std::string(most->first);
  }

  const std::string file_;
  const LineRange lines_;
  CsvColumns csv_;
  OpenSection open_;
  std::uint64_t first_seen_ = 0, last_seen_ = 0, events_ = 0;
  std::vector<LogSection> sections_;
};

}  // namespace

std::string_view name_of(ScaleMeaning meaning) {
  switch (meaning) {
    case ScaleMeaning::of_this_step: return "of this step";
    case ScaleMeaning::of_the_next_step: return "of the next step";
    case ScaleMeaning::not_logged: return "not logged";
  }
  return {};
}

void judge_section(LogSection& section, std::span<const LogEvent> events) {
  section.run = scaler_run(events);
  section.verdict = judge(section.run);
  section.scale_meaning = !section.run.logs_scale          ? ScaleMeaning::not_logged
                          : section.run.scale_of_this_step ? ScaleMeaning::of_this_step
                                                           : ScaleMeaning::of_the_next_step;
}

Result<std::vector<LogSection>> parse_log(std::string_view text, const std::string& name, LineRange lines) {
  std::istringstream in{std::string(text)};
  return SectionReader(name, lines).read(in);
}

namespace {

Result<std::vector<LogSection>> read_scalars(const std::string& path, LineRange lines) {
  if (lines.first != 1 || lines.last) return Error{path, {}, "a text for --lines", "event files"};
  const auto inputs = open_logged(std::span(&path, 1), {});
  if (!inputs) return inputs.error();
  auto sections = scalar_sections(*inputs);
  if (sections.empty()) return Error{path, {}, "scalars named loss scale, loss or gradient norm", "none"};
  return sections;
}

}  // namespace

Result<std::vector<LogSection>> read_log(const std::string& path, LineRange lines) {
  const bool directory = std::filesystem::is_directory(path);
  if (directory && !is_logged_run(path))
    return Error{path, {}, "a log, or a directory of event files", "another directory"};
  if (directory || is_record_file(path)) return read_scalars(path, lines);
  std::ifstream in(path, std::ios::binary);
  if (!in) return system_error(path, errno);
  return SectionReader(path, lines).read(in);
}

}  // namespace lowp
