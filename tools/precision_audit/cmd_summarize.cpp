// SPDX-License-Identifier: Apache-2.0
// precision-audit summarize PATH... -o OUT: a dump becomes evidence a hundredth of its size.
#include <fmt/format.h>

#include <utility>

#include "commands.h"
#include "keep_options.h"
#include "lowp/report/humanize.h"
#include "lowp/tensor/binades_run.h"

namespace lowp::tool {
namespace {

struct SummarizeTask final : Task {
  std::string out;
  KeepOptions what;
  std::uint64_t elements = 0, bytes = 0, tensors = 0;

  explicit SummarizeTask(Options& o) {
    o.value({.name = "--out",
             .value = "OUT",
             .help = "file, or directory with one file per step",
             .letter = 'o',
             .required = true},
            out, [](std::string_view word) { return Result<std::string>(std::string(word)); });
    what.declare(o);
  }

  Result<Answer> run(Job& job) override {
    auto run = BinadesRun::open(out, job.series.inputs.size());
    if (!run) return run.error();
    const auto done = what.summarize(job, [&](StepSummary& step) -> Result<Done> {
      note(step);
      return run->add(std::exchange(step, {}));
    });
    if (!done) return done.error();
    return told(*run);
  }

 private:
  void note(const StepSummary& step) {
    tensors += step.tensors.size();
    for (const TensorSummary& tensor : step.tensors) {
      const std::uint64_t here = census_of(tensor.evidence).elements;
      elements += here;
      bytes += here * static_cast<std::uint64_t>(tensor.dtype->bytes);
    }
  }

  Answer told(const BinadesRun& run) const {
    Answer answer;
    const std::string where =
        run.files() == 1 ? out : fmt::format("{} ({})", out, counted(run.files(), "file", "files"));
    answer.report.story.push_back(Paragraph{
        fmt::format("wrote {}: {} of {}, level {}, {} for {} of elements.", where,
                    counted(tensors, "tensor", "tensors"), counted(elements, "value", "values"),
                    level_name(what.keep.tensors), counted(run.bytes(), "byte", "bytes"), counted(bytes, "byte", "bytes")),
        0, 2});
    answer.report.tables.push_back(
        {"summary",
         {"path", "files", "level", "part", "tensors", "elements", "bytes", "bytes_of_elements"},
         {{Cell{out}, Cell{static_cast<std::uint64_t>(run.files())}, Cell{std::string(level_name(what.keep.tensors))},
           Cell{what.keep.part.text()}, Cell{tensors}, Cell{elements}, Cell{run.bytes()}, Cell{bytes}}},
         true});
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_summarize(Options& options) {
  return std::make_unique<SummarizeTask>(options);
}

}  // namespace lowp::tool
