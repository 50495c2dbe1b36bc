// SPDX-License-Identifier: Apache-2.0
// precision-audit verify scalers --vectors DIR: recorded trajectories of real loss scalers against the table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "lowp/report/writers.h"
#include "lowp/scaling/trajectory_report.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

int verify_folder(const std::string& folder, const Writer& writer) {
  const auto read = scaling::read_trajectories(folder);
  if (!read) return fail(read.error().message());
  std::vector<scaling::CheckedFile> checked;
  for (const scaling::TrajectoryFile& file : read->files) {
    checked.push_back(scaling::check_trajectories(file, read->inputs));
  }
  Report report = scaling::trajectory_report(checked, read->others);
  const std::vector<Cell> tool{Cell{std::string("precision-audit")}, Cell{std::string(version)}};
  report.tables.insert(report.tables.begin(), Table{"tool", {"name", "version"}, {tool}, true});
  std::string document;
  writer.write(report, stdout_style(), document);
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  return scaling::has_finding(checked) ? exit_finding : exit_fine;
}

}  // namespace

int run_verify_scalers(int argc, char** argv) {
  std::string folder, output = "text";
  CLI::App app{"Runs every recorded trajectory of a loss scaler through its row of the table and compares every bit.",
               argv[0]};
  app.add_option("--vectors", folder, "folder with *.json of the format scaler-trajectories/1 and their inputs.json")
      ->required();
  app.add_option("--output", output, "text, json, csv, markdown")->capture_default_str();
  app.footer("Exit codes: 0 fine, 1 a mismatch or an unknown scaler, 2 usage, 3 input.");
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  const Writer* writer = find_writer(output);
  if (writer == nullptr || writer->name == "svg") {
    complain(fmt::format("--output: wanted text, json, csv or markdown, found '{}'", output));
    return exit_usage;
  }
  return verify_folder(folder, *writer);
}

}  // namespace lowp::tool
