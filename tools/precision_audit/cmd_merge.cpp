// SPDX-License-Identifier: Apache-2.0
// precision-audit merge IN... -o OUT: summaries of parts, ranks and steps become one.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "commands.h"
#include "lowp/report/humanize.h"
#include "lowp/tensor/binades_run.h"

namespace lowp::tool {
namespace {

struct MergeTask final : Task {
  std::string out;

  explicit MergeTask(Options& o) {
    o.value({.name = "--out",
             .value = "OUT",
             .help = "file, or directory with one file per step",
             .letter = 'o',
             .required = true},
            out, [](std::string_view word) { return Result<std::string>(std::string(word)); });
  }

  // One step after the other: memory does not grow with their number.
  Result<Answer> run(Job& job) override {
    std::map<std::pair<std::optional<std::int64_t>, std::string>, std::vector<std::string>> steps;
    for (const Input& input : job.series.inputs) {
      if (!input.summary)
        return Error{input.path, std::nullopt, "a .binades file to merge", "a " + input.format + " file"};
      steps[{input.step, input.step ? std::string() : input.dump}].push_back(input.path);
    }
    auto run = BinadesRun::open(out, steps.size());
    if (!run) return run.error();
    std::size_t tensors = 0, incomplete = 0;
    for (const auto& [key, paths] : steps) {
      auto step = read_binades(paths.front());
      if (!step) return step.error();
      for (const std::string& path : std::span(paths).subspan(1)) {
        auto more = read_binades(path);
        if (!more) return more.error();
        auto sum = merged(*step, *more);
        if (!sum) return Error{path, sum.error().offset, sum.error().wanted, sum.error().found};
        step = std::move(sum);
      }
      for (const TensorSummary& entry : step->tensors) {
        (entry.part.kind == Part::Kind::whole ? tensors : incomplete) += 1;
      }
      if (auto done = run->add(*std::move(step)); !done) return done.error();
    }
    return told(job.series.inputs.size(), steps.size(), tensors, incomplete, *run);
  }

 private:
  Answer told(std::size_t files, std::size_t steps, std::size_t tensors, std::size_t incomplete,
              const BinadesRun& run) const {
    Answer answer;
    std::string text =
        fmt::format("wrote {}: {} of {}, {}.", out, counted(steps, "step", "steps"),
                    counted(files, "summary", "summaries"), counted(tensors, "whole tensor", "whole tensors"));
    if (incomplete != 0)
      text += fmt::format(" {} wait for others to become whole.", counted(incomplete, "part", "parts"));
    answer.report.story.push_back(Paragraph{text, 0, 2});
    answer.report.tables.push_back(
        {"summary",
         {"path", "files", "steps", "tensors", "waiting_parts", "bytes"},
         {{Cell{out}, Cell{static_cast<std::uint64_t>(run.files())}, Cell{static_cast<std::uint64_t>(steps)},
           Cell{static_cast<std::uint64_t>(tensors)}, Cell{static_cast<std::uint64_t>(incomplete)}, Cell{run.bytes()}}},
         true});
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_merge(Options& options) {
  return std::make_unique<MergeTask>(options);
}

}  // namespace lowp::tool
