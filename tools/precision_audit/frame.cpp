// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "arguments.h"
#include "commands.h"
#include "help.h"
#include "lowp/base/version.h"
#include "lowp/report/html.h"
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

std::vector<const Input*> inputs_of(const Job& job) {
  std::vector<const Input*> inputs;
  for (const StepSeries* series : {&job.series, &job.other}) {
    for (const Input& input : series->inputs) inputs.push_back(&input);
  }
  return inputs;
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

Source source_of(const Input& input) {
  Source source{input.path, input.format, {}, input.tensors.size(), 0, input.bytes, input.notes};
  if (input.step) source.steps.push_back(*input.step);
  for (const TensorView& view : input.tensors) source.elements += view.elements;
  return source;
}

// What was read, where the task does not know better, with what reading showed to be doubtful, which is said too.
void add_sources(const Job& job, Report& report) {
  const std::vector<const Input*> inputs = inputs_of(job);
  if (report.sources.empty()) {
    for (const Input* input : inputs) add_source(report.sources, source_of(*input));
  }
  for (const Input* input : inputs) {
    const auto source = std::ranges::find(report.sources, input->path, &Source::path);
    if (source == report.sources.end()) continue;
    std::vector<std::string>& notes = source->notes;
    for (const std::string& doubt : doubts_of(*input)) {
      complain(doubt);
      if (std::ranges::find(notes, doubt) == notes.end()) notes.push_back(doubt);
    }
  }
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

int write_answer(std::string_view path, const StandardOptions& standard, Answer& answer) {
  Report& report = answer.report;
  if (!standard.page.empty()) {
    const std::string page = answer.page.empty() ? report_page(report, path) : std::move(answer.page);
    if (const int code = write_file(standard.page, "page", page); code != exit_fine) return code;
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

// Leaves out what holds nothing but largest magnitudes; an Error where nothing else is there.
std::optional<Error> leave_out_peaks(StepSeries& series) {
  const auto holds_peaks = [](const Input& input) { return !input.counts_elements; };
  const auto first = std::ranges::find_if(series.inputs, holds_peaks);
  if (first == series.inputs.end()) return {};
  const std::string path = first->path;
  if (std::ranges::all_of(series.inputs, holds_peaks))
    return Error{path, std::nullopt, "a dump", "largest magnitudes alone, which do not answer this"};
  std::erase_if(series.inputs, holds_peaks);
  complain(printable(path + ": largest magnitudes have no part in this answer"));
  return {};
}

std::optional<Error> open_dumps(const Uses& uses, const StandardOptions& standard, Job& job) {
  for (const auto& [paths, target] : {std::pair(&standard.paths, &job.series), {&standard.paths_b, &job.other}}) {
    if (paths->empty()) continue;
    auto series = open_series(*paths, standard.open);
    if (!series) return series.error();
    *target = std::move(*series);
    if (const auto nothing = uses.peaks ? std::nullopt : leave_out_peaks(*target)) return nothing;
  }
  return {};
}

int run_task(std::string_view path, Task& task, const Uses& uses, const StandardOptions& standard) {
  Job job;
  if (const auto wrong = open_dumps(uses, standard, job)) return fail(wrong->message());
  if (const auto wrong = standard.why_not_written(paths_of(job))) return refuse(path, *wrong);
  job.threads = standard.threads;
  job.chunk_bytes = standard.chunk_bytes;
  job.wants_page = !standard.page.empty();
  job.wants_figures = !standard.plot.empty() || !standard.page.empty() || standard.writer->reads_figures;
  job.wants_records = standard.writer->reads_tables;
  Result<Answer> answer = [&] {
    Progress bar(bytes_of(job), standard.shows_progress());
    job.progress = [&bar](std::uint64_t bytes) { bar.add(bytes); };
    auto result = task.run(job);
    job.progress = {};
    return result;
  }();
  if (!answer) return fail(answer.error().message());
  for (const StepSeries* series : {&job.series, &job.other}) {
    if (const auto changed = changed_while_read(*series)) return fail(changed->message());
  }
  Report& report = answer->report;
  report.tool = {"precision-audit", std::string(version)};
  add_sources(job, report);
  if (const int code = write_answer(path, standard, *answer); code != exit_fine) return code;
  for (const std::string& line : answer->said) complain(line);
  return answer->is_finding ? exit_finding : exit_fine;
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
  const Declared declared = declared_by(command);
  const auto wrong = declared.options->parse(words);
  if (declared.options->wants_help()) return print_help(help_of(command, path));
  if (wrong) return refuse(path, *wrong);
  if (const auto fault = declared.standard->check()) return refuse(path, *fault);
  if (const auto fault = declared.task->check()) return refuse(path, *fault);
  if (!declared.standard->page.empty()) {
    if (const auto fault = declared.task->why_no_page()) return refuse(path, *fault);
  }
  if (command.uses.may_lack_dump && declared.task->needs_dump() == declared.standard->paths.empty())
    return refuse(path,
                  fault(declared.standard->paths.empty() ? "no PATH given" : "PATH and another input: wanted one"));
  return run_task(path, *declared.task, command.uses, *declared.standard);
}

}  // namespace lowp::tool
