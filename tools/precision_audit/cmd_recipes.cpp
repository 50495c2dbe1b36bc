// SPDX-License-Identifier: Apache-2.0
// precision-audit recipes PATH...: what FP8, FP6 and FP4 recipes make of a dump.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "arguments.h"
#include "command_line.h"
#include "commands.h"
#include "lowp/recipes/delayed_audit.h"
#include "lowp/recipes/recipe_report.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/step_series.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

using recipes::Recipe;

struct Words {
  std::vector<std::string> paths, select, diff;
  std::string recipes, by, output = "text", plot;
  std::string delayed, windows = "1,16,1024", algorithm = "max";
  bool list = false;
  int threads = 0, margin = 0;
};

struct Settings {
  std::vector<const Recipe*> recipes;
  std::vector<const Recipe*> diff;
  recipes::DelayedAuditOptions delayed;
  const Writer* writer = nullptr;
};

// A name, or the front of several: "mx-rceil" is every recipe whose name begins so.
std::vector<const Recipe*> named(std::string_view word) {
  if (const Recipe* one = recipes::find_recipe(word)) return {one};
  std::vector<const Recipe*> all;
  for (const Recipe& recipe : recipes::all_recipes()) {
    if (recipe.name.starts_with(word)) all.push_back(&recipe);
  }
  return all;
}

std::optional<std::string> read_delayed(const Words& words, Settings& settings) {
  const auto by = std::ranges::find(recipes::delayed_names, words.delayed, &recipes::DelayedName::name);
  if (by == recipes::delayed_names.end()) {
    return fmt::format("--delayed: unknown '{}'; known: {}", words.delayed, names_of(recipes::delayed_names));
  }
  settings.delayed.by = by->by;
  settings.delayed.margin = words.margin;
  settings.delayed.threads = words.threads;
  if (words.margin < -30 || words.margin > 30) return "--margin: wanted -30 to 30";
  if (words.algorithm != "max" && words.algorithm != "most_recent") {
    return fmt::format("--algorithm: wanted max or most_recent, found '{}'", words.algorithm);
  }
  if (words.algorithm == "most_recent") settings.delayed.algorithm = recipes::FromHistory::most_recent;
  for (const std::string& window : split(words.windows, ',')) {
    std::uint32_t length = 0;
    const auto [end, error] = std::from_chars(window.data(), window.data() + window.size(), length);
    if (error != std::errc{} || end != window.data() + window.size() || length < 1 || length > 65536) {
      return fmt::format("--windows: wanted lengths from 1 to 65536, found '{}'", window);
    }
    settings.delayed.windows.push_back(length);
  }
  return {};
}

std::optional<std::string> read_words(const Words& words, Settings& settings) {
  settings.writer = find_writer(words.output);
  if (!settings.writer) return fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  if (words.paths.empty() != words.list) return "wanted a PATH, or --list alone";
  if (!words.by.empty() && words.by != "tensor") return fmt::format("--by: wanted tensor, found '{}'", words.by);
  if (words.threads < 0 || words.threads > 1024) return "--threads: wanted 0 to 1024";
  for (const std::string& name : words.diff) {
    const Recipe* recipe = recipes::find_recipe(name);
    if (recipe == nullptr) return fmt::format("--diff: unknown recipe '{}' (see --list)", name);
    settings.diff.push_back(recipe);
  }
  if (!words.delayed.empty()) {
    if (const auto wrong = read_delayed(words, settings)) return wrong;
  }
  settings.recipes = recipes::default_recipes();
  if (words.recipes.empty()) return {};
  settings.recipes.clear();
  for (const std::string& word : split(words.recipes, ',')) {
    const auto found = named(word);
    if (found.empty()) return fmt::format("--recipes: unknown '{}' (see --list)", word);
    settings.recipes.insert(settings.recipes.end(), found.begin(), found.end());
  }
  return {};
}

Result<Report> ask(const Words& words, const Settings& settings) {
  if (words.list) return recipes::recipe_list_report();
  OpenOptions how;
  how.select = words.select;
  auto series = open_series(words.paths, how);
  if (!series) return series.error();
  std::uint64_t bytes = 0;
  for (const Input& input : series->inputs) bytes += 2 * input.bytes;
  if (!words.delayed.empty()) {
    auto audit = recipes::audit_delayed(*series, settings.delayed);
    if (!audit) return audit.error();
    return recipes::delayed_report(*series, settings.delayed, *audit);
  }
  if (!settings.diff.empty()) return recipes::recipe_difference_report(*series, *settings.diff[0], *settings.diff[1]);
  Progress progress(bytes, stderr_is_terminal());
  auto audit = recipes::audit_recipes(
      *series, {settings.recipes, words.threads, [&](std::uint64_t read) { progress.add(read); }});
  if (!audit) return audit.error();
  for (const Input& input : series->inputs) {
    if (const auto doubt = changed_since_open(input)) complain(*doubt);
  }
  return recipes::recipes_report(*series, *audit, words.by == "tensor");
}

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

int answer(const Words& words, const Settings& settings) {
  auto report = ask(words, settings);
  if (!report) return fail(report.error().message());
  report->tables.insert(report->tables.begin(), Table{"tool",
                                                      {"name", "version"},
                                                      {{Cell{std::string("precision-audit")}, Cell{std::string(version)}}},
                                                      true});
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

int cmd_recipes(int argc, char** argv) {
  Words words;
  CLI::App app{"What FP8, FP6 and FP4 recipes, each named after the implementation it equals, make of a dump.", argv[0]};
  app.add_option("PATH", words.paths, "files, or directories with one file per step");
  const char* group = "The question";
  app.add_option("--recipes", words.recipes, "recipes, or fronts of their names, separated by commas; see --list")
      ->group(group);
  app.add_flag("--list", words.list, "every recipe: rule, special values, source")->group(group);
  app.add_option("--diff", words.diff, "two recipes: how many bytes differ, and the first block that does")
      ->expected(2)
      ->group(group);
  app.add_option("--delayed", words.delayed,
                 "replay delayed scaling over the steps, as updated by " + names_of(recipes::delayed_names))
      ->group(group);
  const char* delayed = "Of --delayed";
  app.add_option("--windows", words.windows, "lengths of the history to compare")->capture_default_str()->group(delayed);
  app.add_option("--algorithm", words.algorithm, "max or most_recent")->capture_default_str()->group(delayed);
  app.add_option("--margin", words.margin, "binades kept free")->capture_default_str()->group(delayed);
  app.add_option("--by", words.by, "tensor: each tensor too")->group(group);
  app.add_option("--select", words.select, "only tensors whose name matches, for example 'grad/*'; may be repeated")
      ->expected(1)
      ->group(group);
  app.add_option("--threads", words.threads, "0: one per processor")->capture_default_str()->group("How it is computed");
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str()->group("How to answer");
  app.add_option("--plot", words.plot, "also write the picture to this SVG file")->group("How to answer");
  app.footer("Exit codes: 0 fine, 2 usage, 3 input.");
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  Settings settings;
  if (const auto wrong = read_words(words, settings)) {
    complain(*wrong);
    return exit_usage;
  }
  return answer(words, settings);
}

}  // namespace lowp::tool
