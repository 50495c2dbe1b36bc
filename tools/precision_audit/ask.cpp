// SPDX-License-Identifier: Apache-2.0
#include "ask.h"

#include <algorithm>
#include <utility>

#include "lowp/base/version.h"
#include "lowp/report/html.h"

namespace lowp::tool {
namespace {

Source source_of(const Input& input) {
  Source source{input.path, input.format, {}, input.tensors.size(), 0, input.bytes, input.notes};
  if (input.step) source.steps.push_back(*input.step);
  for (const TensorView& view : input.tensors) source.elements += view.elements;
  return source;
}

// What was read, where the task does not know better, with what reading showed to be doubtful.
void add_sources(const Job& job, Report& report, std::vector<std::string>& doubts) {
  const std::vector<const Input*> inputs = inputs_of(job);
  if (report.sources.empty()) {
    for (const Input* input : inputs) add_source(report.sources, source_of(*input));
  }
  for (const Input* input : inputs) {
    const auto source = std::ranges::find(report.sources, input->path, &Source::path);
    if (source == report.sources.end()) continue;
    std::vector<std::string>& notes = source->notes;
    for (const std::string& doubt : doubts_of(*input)) {
      doubts.push_back(doubt);
      if (std::ranges::find(notes, doubt) == notes.end()) notes.push_back(doubt);
    }
  }
}

// Leaves out what holds nothing but largest magnitudes; an Error where nothing else is there.
std::optional<Error> leave_out_peaks(StepSeries& series, std::vector<std::string>& doubts) {
  const auto holds_peaks = [](const Input& input) { return !input.counts_elements; };
  const auto first = std::ranges::find_if(series.inputs, holds_peaks);
  if (first == series.inputs.end()) return {};
  const std::string path = first->path;
  if (std::ranges::all_of(series.inputs, holds_peaks))
    return Error{path, std::nullopt, "a dump", "largest magnitudes alone, which do not answer this"};
  std::erase_if(series.inputs, holds_peaks);
  doubts.push_back(printable(path + ": largest magnitudes have no part in this answer"));
  return {};
}

}  // namespace

std::optional<Error> take_words(const Command& command, const std::vector<std::string>& words, bool has_dump,
                                const Declared& declared) {
  Options& options = *declared.options;
  StandardOptions& standard = *declared.standard;
  if (has_dump) {
    for (const char* place : {"PATH", "A", "B"}) options.provide(place);
  }
  if (auto wrong = options.parse(words)) return wrong;
  if (options.wants_help()) return {};
  if (auto wrong = standard.check()) return wrong;
  if (auto wrong = declared.task->check()) return wrong;
  if (!standard.page.empty()) {
    if (auto wrong = declared.task->why_no_page()) return wrong;
  }
  const bool lacks_dump = standard.paths.empty() && !has_dump;
  if (command.uses.may_lack_dump && declared.task->needs_dump() == lacks_dump)
    return fault(lacks_dump ? "no PATH given" : "PATH and another input: wanted one");
  return {};
}

std::vector<const Input*> inputs_of(const Job& job) {
  std::vector<const Input*> inputs;
  for (const StepSeries* series : {&job.series, &job.other}) {
    for (const Input& input : series->inputs) inputs.push_back(&input);
  }
  return inputs;
}

Result<Done> open_job(const Uses& uses, Asked& asked) {
  const StandardOptions& standard = *asked.declared.standard;
  Job& job = asked.job;
  for (const auto& [paths, target] : {std::pair(&standard.paths, &job.series), {&standard.paths_b, &job.other}}) {
    if (paths->empty()) continue;
    auto series = open_series(*paths, standard.open);
    if (!series) return series.error();
    *target = std::move(*series);
    if (auto nothing = uses.peaks ? std::nullopt : leave_out_peaks(*target, asked.doubts)) return *std::move(nothing);
  }
  job.threads = standard.threads;
  job.chunk_bytes = standard.chunk_bytes;
  job.wants_page = !standard.page.empty();
  job.wants_figures = !standard.plot.empty() || !standard.page.empty() || standard.writer->reads_figures;
  job.wants_records = standard.writer->reads_tables;
  return Done{};
}

Result<Done> answer_job(Asked& asked) {
  auto answer = asked.declared.task->run(asked.job);
  if (!answer) return answer.error();
  for (const StepSeries* series : {&asked.job.series, &asked.job.other}) {
    if (auto changed = changed_while_read(*series)) return *std::move(changed);
  }
  asked.answer = *std::move(answer);
  Report& report = asked.answer.report;
  report.tool = {"precision-audit", std::string(version)};
  add_sources(asked.job, report, asked.doubts);
  return Done{};
}

std::string page_of(const Asked& asked, std::string_view path) {
  return asked.answer.page.empty() ? report_page(asked.answer.report, path) : asked.answer.page;
}

}  // namespace lowp::tool
