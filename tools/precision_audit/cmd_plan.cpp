// SPDX-License-Identifier: Apache-2.0
// precision-audit plan PATH...: the cheapest format or recipe for each tensor that is enough.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "lowp/recipes/plan.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/step_series.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::vector<std::string> paths, select;
  recipes::PlanPolicy policy;
  std::string output = "text";
  int threads = 0;
};

int fail(std::string_view message, int code) {
  complain(message);
  return code;
}

bool is_share(double x) {
  return x >= 0 && x <= 1;
}

}  // namespace

int cmd_plan(int argc, char** argv) {
  Words words;
  CLI::App app{"The cheapest format or recipe for each tensor that keeps a ratio of signal to noise and range.", argv[0]};
  app.add_option("PATH", words.paths, "files, or directories with one file per step")->required();
  app.add_option("--snr", words.policy.snr_db, "at least this many dB")->capture_default_str();
  app.add_option("--flushed", words.policy.flushed, "at most this share of the values that are not zero")
      ->capture_default_str();
  app.add_option("--saturated", words.policy.saturated, "at most this share beyond the largest number and half a unit")
      ->capture_default_str();
  app.add_option("--select", words.select, "only tensors whose name matches, for example 'grad/*'; may be repeated")
      ->expected(1);
  app.add_option("--threads", words.threads, "0: one per processor")->capture_default_str();
  app.add_option("--output", words.output, "text, json, csv, markdown")->capture_default_str();
  app.footer("Exit codes: 0 fine, 2 usage, 3 input.");
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  const Writer* writer = find_writer(words.output);
  if (writer == nullptr || writer->name == "svg") {
    return fail(fmt::format("--output: wanted text, json, csv or markdown, found '{}'", words.output), exit_usage);
  }
  if (!std::isfinite(words.policy.snr_db)) return fail("--snr: wanted a number", exit_usage);
  if (!is_share(words.policy.flushed) || !is_share(words.policy.saturated)) {
    return fail("--flushed, --saturated: wanted shares from 0 to 1", exit_usage);
  }
  if (words.threads < 0 || words.threads > 1024) return fail("--threads: wanted 0 to 1024", exit_usage);
  OpenOptions how;
  how.select = words.select;
  auto series = open_series(words.paths, how);
  if (!series) return fail(series.error().message(), exit_input);
  auto plan = recipes::make_plan(*series, words.policy, words.threads);
  if (!plan) return fail(plan.error().message(), exit_input);
  Report report = recipes::plan_report(*series, *plan);
  report.tables.insert(report.tables.begin(),
                       Table{"tool",
                             {"name", "version"},
                             {{Cell{std::string("precision-audit")}, Cell{std::string(version)}}},
                             true});
  std::string document;
  writer->write(report, stdout_style(), document);
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error, exit_input);
  return exit_fine;
}

}  // namespace lowp::tool
