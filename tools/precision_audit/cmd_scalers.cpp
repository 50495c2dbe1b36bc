// SPDX-License-Identifier: Apache-2.0
// precision-audit scalers [NAME...] [--diff A B]: the table of loss scalers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "lowp/report/writers.h"
#include "lowp/scaling/maxima_file.h"
#include "lowp/scaling/scaler_report.h"
#include "replay_words.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::vector<std::string> names, diff;
  ScalerWords settings;
  std::string maxima, output = "text";
};

int fail(ExitCode code, std::string_view message) {
  complain(message);
  return code;
}

int print(Report report, const Writer& writer) {
  const std::vector<Cell> tool{Cell{std::string("precision-audit")}, Cell{std::string(version)}};
  report.tables.insert(report.tables.begin(), Table{"tool", {"name", "version"}, {tool}, true});
  std::string document;
  writer.write(report, stdout_style(), document);
  if (const std::string error = write_stdout(document); !error.empty()) return fail(exit_input, error);
  return exit_fine;
}

int list(const std::vector<std::string>& names, const Writer& writer) {
  std::vector<const scaling::Scaler*> rows;
  for (const std::string& name : names) {
    const scaling::Scaler* row = scaling::find_scaler(name);
    if (row == nullptr) return fail(exit_usage, fmt::format("unknown scaler '{}'; known: {}", name, scaler_names()));
    rows.push_back(row);
  }
  if (names.empty()) {
    for (const scaling::Scaler& row : scaling::scalers()) rows.push_back(&row);
  }
  return print(scaling::scalers_report(rows), writer);
}

// On a run of the user's with the frameworks' defaults; else on examples, from 2^10 with an interval of 10.
int compare(Words words, const Writer& writer) {
  words.settings.scalers = words.diff[0] + "," + words.diff[1];
  std::vector<scaling::NamedRun> runs;
  if (words.maxima.empty()) {
    runs = scaling::example_runs();
    if (words.settings.init.empty()) words.settings.init = "2^10";
    if (words.settings.interval.empty()) words.settings.interval = "10";
  }
  std::vector<scaling::Setup> setups;
  if (const auto wrong = read_setups(words.settings, setups)) return fail(exit_usage, *wrong);
  if (setups.size() != 2) return fail(exit_usage, "--diff: wanted two names");
  if (!words.maxima.empty()) {
    auto run = scaling::read_maxima(words.maxima);
    if (!run) return fail(exit_input, run.error().message());
    runs.push_back({words.maxima, std::move(*run)});
  }
  return print(scaling::difference_report(setups[0], setups[1], runs, {}), writer);
}

}  // namespace

int run_scalers_command(int argc, char** argv) {
  Words words;
  CLI::App app{"The loss scalers of the frameworks: rules, defaults, sources, differences.", argv[0]};
  app.add_option("NAME", words.names, "all of what the table says about these");
  app.add_option("--diff", words.diff, "two names: the first step at which they differ")->expected(2);
  app.add_option("--maxima", words.maxima,
                 "the run to compare them on: CSV or JSON lines of step,largest; default: examples");
  app.add_option("--init", words.settings.init, "first scale of both");
  app.add_option("--growth-interval", words.settings.interval, "of both");
  app.add_option("--param", words.settings.parameters, "NAME=VALUE in the framework's own words; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--output", words.output, "text, json, csv, markdown")->capture_default_str();
  app.footer("Exit codes: 0 fine, 2 usage, 3 input.");
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  const Writer* writer = find_writer(words.output);
  if (writer == nullptr || writer->name == "svg")
    return fail(exit_usage, fmt::format("--output: wanted text, json, csv or markdown, found '{}'", words.output));
  return words.diff.empty() ? list(words.names, *writer) : compare(std::move(words), *writer);
}

}  // namespace lowp::tool
