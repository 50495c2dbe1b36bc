// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate PATH...: what sums make of the numbers in a dump.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "accumulate_words.h"
#include "arguments.h"
#include "command_line.h"
#include "commands.h"
#include "lowp/core/formats.h"
#include "lowp/report/writers.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

using accumulate::Settings;
using accumulate::Words;

void declare_questions(CLI::App& app, Words& words) {
  const char* group = "The question (one of)";
  app.add_option("--over", words.over,
                 "add the same tensors of several dumps element by element: steps (micro-batches) or files (ranks)")
      ->group(group);
  accumulate::declare_modes(app, words, group);
}

void declare_options(CLI::App& app, Words& words) {
  app.add_option("PATH", words.paths, "files, or directories with one file per step or rank")->required();
  declare_questions(app, words);
  const char* group = "How it is computed";
  app.add_option("--formats", words.formats, "formats to keep sums in: " + names_of(format_table) + ", or any eXmY")
      ->group(group);
  app.add_option("--models", words.models, "orders of sums: " + names_of(sum_table))->group(group);
  app.add_option("--rounding", words.rounding, names_of(rounding_names))->capture_default_str()->group(group);
  app.add_option("--overflow", words.overflow, names_of(overflow_names))->capture_default_str()->group(group);
  app.add_option("--seed", words.seed, "of stochastic rounding")->capture_default_str()->group(group);
  app.add_option("--terms", words.terms, "round contributions to this format first; always to the sum's own")
      ->group(group);
  app.add_option("--block", words.block, "terms of a block of 'blocked', parts of 'split'")
      ->capture_default_str()
      ->group(group);
  app.add_option("--predivide", words.predivide, "divide each contribution by this before it is added")
      ->capture_default_str()
      ->group(group);
  app.add_option("--scales", words.scales, "multiply contributions by these powers of two, LOW:HIGH as log2")
      ->capture_default_str()
      ->group(group);
  app.add_option("--select", words.select, "only tensors whose name matches, for example 'grad/*'; may be repeated")
      ->expected(1)
      ->group(group);
  app.add_option("--threads", words.threads, "0: one per processor")->capture_default_str()->group(group);
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str()->group("How to answer");
  app.add_option("--plot", words.plot, "also write the picture to this SVG file")->group("How to answer");
  app.footer("Exit codes: 0 fine, 2 usage, 3 input.");
}

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

int answer(const Words& words, const Settings& settings) {
  auto series = open_series(words.paths, settings.open);
  if (!series) return fail(series.error().message());
  auto report = settings.question(*series, words, settings);
  if (!report) return fail(report.error().message());
  if (const auto changed = changed_while_read(*series)) return fail(changed->message());
  for (const Input& input : series->inputs) {
    for (const std::string& doubt : doubts_of(input)) complain(doubt);
  }
  std::string document, plot;
  settings.writer->write(*report, stdout_style(), document);
  if (!words.plot.empty()) {
    find_writer("svg")->write(*report, {}, plot);
    if (const std::string error = write_file(words.plot, plot); !error.empty()) return fail(error);
  }
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  return exit_fine;
}

}  // namespace

int run_accumulate_command(int argc, char** argv) {
  Words words;
  CLI::App app{"What sums and dot products make of the numbers in a dump.", argv[0]};
  declare_options(app, words);
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  Settings settings;
  if (const auto wrong = accumulate::read_words(words, settings)) {
    complain(*wrong);
    return exit_usage;
  }
  return answer(words, settings);
}

}  // namespace lowp::tool
