// SPDX-License-Identifier: Apache-2.0
// precision-audit monitor LOG...: what a training log says about its loss scaler.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "arguments.h"
#include "commands.h"
#include "lowp/logs/monitor_report.h"

namespace lowp::tool {
namespace {

// "12:40", "12:" and ":40"
Result<LineRange> line_range(std::string_view word) {
  const Error wrong{"", std::nullopt, "FIRST:LAST, lines from 1", fmt::format("'{}'", word)};
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return wrong;
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value == 0) return {};
    return value;
  };
  LineRange range;
  if (colon > 0) {
    const auto first = number(word.substr(0, colon));
    if (!first) return wrong;
    range.first = *first;
  }
  if (colon + 1 < word.size()) {
    range.last = number(word.substr(colon + 1));
    if (!range.last || *range.last < range.first) return wrong;
  }
  return range;
}

struct MonitorTask final : Task {
  std::vector<std::string> paths;
  std::vector<ScalerState> fails_on;
  LineRange lines;
  std::vector<LogSection> sections;  // what the answer refers to, until it is written

  explicit MonitorTask(Options& o) {
    o.repeated({.name = "LOG",
                .help = "text logs, JSON lines, CSV tables, TensorBoard event files or .wandb files of a training run",
                .required = true},
               paths, any_text)
        .is_file = true;
    o.value({.name = "--lines", .value = "FIRST:LAST", .help = "look at these lines only, from 1, both included"},
            lines, line_range);
    o.choices({.name = "--fail-on", .help = "exit 1 if a section gets one of these verdicts"}, fails_on,
              one_of<ScalerState>(scaler_states(), &ScalerStateName::state));
  }

  Result<Answer> run(Job&) override {
    Answer answer;
    for (const std::string& path : paths) {
      auto found = read_log(path, lines);
      if (!found) return found.error();
      sections.insert(sections.end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
      answer.report.sources.push_back({path, "log", {}, 0, 0, 0, {}});
    }
    Report report = monitor_report(sections);
    report.sources = std::move(answer.report.sources);
    answer.report = std::move(report);
    answer.is_finding = std::ranges::any_of(sections, [&](const LogSection& section) {
      return std::ranges::find(fails_on, section.verdict.state) != fails_on.end();
    });
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_monitor(Options& options) {
  return std::make_unique<MonitorTask>(options);
}

}  // namespace lowp::tool
