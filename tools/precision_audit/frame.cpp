// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "arguments.h"
#include "ask.h"
#include "commands.h"
#include "help.h"
#include "lowp/report/nested.h"
#include "lowp/report/provenance.h"
#include "safe_file.h"
#include "standard_options.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

int fail(const std::string& message) {
  complain(message);
  return exit_input;
}

int print_help(std::string_view text) {
  const std::string error = write_stdout(text);
  return error.empty() ? exit_fine : fail(error);
}

std::uint64_t bytes_of(const Job& job) {
  std::uint64_t bytes = 0;
  for (const Input* input : inputs_of(job)) {
    for (const TensorView& view : input->tensors) {
      if (view.source && view.source->size() != unknown_size) bytes += view.source->size();
    }
  }
  return bytes;
}

std::vector<std::string> paths_of(const Job& job) {
  std::vector<std::string> paths;
  for (const Input* input : inputs_of(job)) {
    paths.push_back(input->path);
    for (const FileStamp& file : input->files) paths.push_back(file.path);
  }
  return paths;
}

// Leaves one table: alone in CSV, after tool and inputs in JSON.
std::optional<Error> keep_table(const std::string& name, const Writer& writer, Report& report) {
  std::vector<Table> before = provenance(report);
  std::vector<std::string> known;
  std::optional<Table> kept;
  const bool in_json = writer.name == "json";
  std::vector<Table> nested;
  if (!in_json) nested = take_nested(report.tables);
  for (std::vector<Table>* tables : {&before, &report.tables, &nested}) {
    for (Table& table : *tables) {
      known.push_back(table.name);
      if (same_word(table.name, name)) kept = std::move(table);
    }
  }
  if (!kept) return unknown_word(name, known);
  if (!in_json) report.tool = {};
  report.tables.clear();
  if (!in_json || (kept->name != "tool" && kept->name != "inputs")) report.tables.push_back(std::move(*kept));
  return {};
}

int write_file(const std::string& path, std::string_view what, std::string_view text) {
  if (auto done = replace_file(path, text); !done) return fail(done.error().message());
  complain(fmt::format("{} written to {}", what, absolute_path(path)));
  return exit_fine;
}

int write_answer(std::string_view path, Asked& asked) {
  const StandardOptions& standard = *asked.declared.standard;
  Report& report = asked.answer.report;
  if (!standard.page.empty()) {
    if (const int code = write_file(standard.page, "page", page_of(asked, path)); code != exit_fine) return code;
  }
  if (!standard.plot.empty()) {
    std::string picture;
    standard.plot_writer()->write(report, {}, picture);
    if (const int code = write_file(standard.plot, "picture", picture); code != exit_fine) return code;
  }
  if (!standard.table.empty()) {
    if (auto wrong = keep_table(standard.table, *standard.writer, report)) {
      wrong->file = "--table";
      return refuse(path, *wrong);
    }
  }
  const std::string error = print_report(*standard.writer, report);
  return error.empty() ? exit_fine : fail(error);
}

// Says what is doubtful, each time what has come since the last.
void complain_of(std::vector<std::string>& doubts) {
  for (const std::string& doubt : doubts) complain(doubt);
  doubts.clear();
}

int run_asked(std::string_view path, const Uses& uses, Asked& asked) {
  const StandardOptions& standard = *asked.declared.standard;
  Job& job = asked.job;
  if (auto done = open_job(uses, asked); !done) return fail(done.error().message());
  complain_of(asked.doubts);
  if (const auto wrong = standard.why_not_written(paths_of(job))) return refuse(path, *wrong);
  const Result<Done> done = [&] {
    Progress bar(bytes_of(job), standard.shows_progress());
    job.progress = [&bar](std::uint64_t bytes) { bar.add(bytes); };
    auto result = answer_job(asked);
    job.progress = {};
    return result;
  }();
  if (!done) return fail(done.error().message());
  complain_of(asked.doubts);
  if (const int code = write_answer(path, asked); code != exit_fine) return code;
  for (const std::string& line : asked.answer.said) complain(line);
  return asked.answer.is_finding ? exit_finding : exit_fine;
}

int run_below(const Command& command, const std::string& path, std::vector<std::string> words) {
  if (command.modernise != nullptr) {
    if (const auto wrong = command.modernise(words)) return refuse(path, *wrong);
  }
  const std::string first = words.empty() ? "" : words.front();
  if (first == "--help" || first == "-h") return print_help(help_of(command, path));
  if (first.empty() || first.starts_with('-')) {
    if (command.first_is_default) return run_command(command.below.front(), path, std::move(words));
    return refuse(path, fault("wanted one of " + names_of(command.below)));
  }
  const Command* next = find_command(command.below, first);
  if (next == nullptr) {
    Error wrong = unknown_word(first, names_in(command.below));
    wrong.file = command.name;
    return refuse(path, wrong);
  }
  words.erase(words.begin());
  return run_command(*next, fmt::format("{} {}", path, first), std::move(words));
}

}  // namespace

int refuse(std::string_view path, const Error& error) {
  complain(fmt::format("{} (see {} --help)", error.message(), path));
  return exit_usage;
}

Declared declared_by(const Command& command) {
  Declared declared;
  declared.options = std::make_unique<Options>();
  declared.options->group("What to ask");
  declared.task = command.make(*declared.options);
  declared.standard = std::make_shared<StandardOptions>();
  declared.standard->declare(command.uses, *declared.options);
  return declared;
}

int run_command(const Command& command, const std::string& path, std::vector<std::string> words) {
  if (!command.below.empty()) return run_below(command, path, std::move(words));
  Asked asked;
  asked.declared = declared_by(command);
  const auto wrong = take_words(command, words, false, asked.declared);
  if (asked.declared.options->wants_help()) return print_help(help_of(command, path));
  if (wrong) return refuse(path, *wrong);
  return run_asked(path, command.uses, asked);
}

}  // namespace lowp::tool
