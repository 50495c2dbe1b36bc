// SPDX-License-Identifier: Apache-2.0
// precision-audit monitor LOG...: what a training log says about its loss scaler.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "lowp/logs/monitor_report.h"
#include "lowp/report/writers.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::vector<std::string> paths, fail_on;
  std::string lines, output = "text", plot;
};

// "12:40", "12:" and ":40"
std::optional<LineRange> parse_lines(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value == 0) return {};
    return value;
  };
  LineRange range;
  if (colon > 0) {
    const auto first = number(text.substr(0, colon));
    if (!first) return {};
    range.first = *first;
  }
  if (colon + 1 < text.size()) {
    range.last = number(text.substr(colon + 1));
    if (!range.last || *range.last < range.first) return {};
  }
  return range;
}

void declare_options(CLI::App& app, Words& words) {
  app.add_option("LOG", words.paths, "text logs, JSON lines or CSV tables of a training run")->required();
  app.add_option("--lines", words.lines, "look at these lines only, FIRST:LAST, counted from 1, both included");
  app.add_option("--fail-on", words.fail_on, "exit 1 if a section gets this verdict: " + names_of(scaler_states()))
      ->expected(1);
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str();
  app.add_option("--plot", words.plot, "also write the picture to this SVG file");
  app.footer("Exit codes: 0 fine, 1 a --fail-on verdict, 2 usage, 3 input.");
}

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

int answer(const Words& words, const LineRange& lines, const Writer& writer) {
  std::vector<LogSection> sections;
  for (const std::string& path : words.paths) {
    auto found = read_log(path, lines);
    if (!found) return fail(found.error().message());
    sections.insert(sections.end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
  }
  const Report report = monitor_report(sections, version);
  std::string document, plot;
  writer.write(report, stdout_style(), document);
  if (!words.plot.empty()) {
    find_writer("svg")->write(report, {}, plot);
    if (const std::string error = write_file(words.plot, plot); !error.empty()) return fail(error);
  }
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  const auto named = [&](const LogSection& section) {
    return std::ranges::find(words.fail_on, name_of(section.verdict.state).name) != words.fail_on.end();
  };
  return std::ranges::any_of(sections, named) ? exit_finding : exit_fine;
}

}  // namespace

int cmd_monitor(int argc, char** argv) {
  Words words;
  CLI::App app{"What a training log says about its loss scaler: healthy, sinking, stuck, a NaN, and from which step.",
               argv[0]};
  declare_options(app, words);
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  const auto refuse = [](std::string_view what) {
    complain(what);
    return exit_usage;
  };
  const auto lines = words.lines.empty() ? LineRange{} : parse_lines(words.lines);
  if (!lines) return refuse(fmt::format("--lines: wanted FIRST:LAST, found '{}'", words.lines));
  const Writer* writer = find_writer(words.output);
  if (writer == nullptr) return refuse(fmt::format("--output: unknown '{}'", words.output));
  for (const std::string& word : words.fail_on) {
    if (std::ranges::find(scaler_states(), word, &ScalerStateName::name) == scaler_states().end())
      return refuse(fmt::format("--fail-on: unknown verdict '{}'", word));
  }
  return answer(words, *lines, *writer);
}

}  // namespace lowp::tool
