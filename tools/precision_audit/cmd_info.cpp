// SPDX-License-Identifier: Apache-2.0
// precision-audit info FILE...: what a summary holds, and of what it was made.
#include <fmt/format.h>

#include <map>

#include "commands.h"
#include "lowp/report/humanize.h"
#include "lowp/tensor/binades.h"

namespace lowp::tool {
namespace {

struct InfoTask final : Task {
  explicit InfoTask(Options&) {}

  Result<Answer> run(Job& job) override {
    Answer answer;
    Table steps{
        "steps",
        {"path", "step", "dump_scale_log2", "loss_dtype", "tensors", "levels", "parts", "elements", "bytes", "sources"},
        {},
        false};
    for (const Input& input : job.series.inputs) {
      if (!input.summary) return Error{input.path, std::nullopt, "a .binades file", "a " + input.format + " file"};
      const auto step = read_binades(input.path);
      if (!step) return step.error();
      tell(*step, answer.report.story);
      steps.rows.push_back(row_of(*step));
    }
    answer.report.tables.push_back(std::move(steps));
    return answer;
  }

 private:
  static std::string listed(const std::map<std::string, std::size_t>& words) {
    std::string text;
    for (const auto& [word, count] : words) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, word);
    return text;
  }
  struct Facts {
    std::map<std::string, std::size_t> levels, parts;
    std::uint64_t elements = 0;
  };
  static Facts facts_of(const StepSummary& step) {
    Facts facts;
    for (const TensorSummary& entry : step.tensors) {
      ++facts.levels["at level " + std::string(level_name(level_of(entry.evidence)))];
      ++facts.parts[entry.part.text()];
      facts.elements += census_of(entry.evidence).elements;
    }
    return facts;
  }

  static void tell(const StepSummary& step, std::vector<Block>& story) {
    const Facts facts = facts_of(step);
    std::string text = fmt::format("{}: {}, {} ({}; {}), {}", step.path,
                                   step.step ? fmt::format("step {}", *step.step) : "no step number",
                                   counted(step.tensors.size(), "entry", "entries"), listed(facts.levels),
                                   listed(facts.parts), counted(facts.elements, "value", "values"));
    if (step.dump_scale_log2 != 0) text += fmt::format(", loss scale {} taken off", power_text(step.dump_scale_log2));
    if (step.loss_dtype) text += ", loss in " + *step.loss_dtype;
    story.push_back(Paragraph{text, 0, 2});
    for (const SourceStamp& source : step.sources) {
      story.push_back(Paragraph{fmt::format("counted from {} ({}, CRC-32C {:08x})", source.name,
                                            counted(source.bytes, "byte", "bytes"), source.crc32c),
                                2, 2});
    }
  }

  static std::vector<Cell> row_of(const StepSummary& step) {
    const Facts facts = facts_of(step);
    CellList sources;
    for (const SourceStamp& source : step.sources)
      sources.push_back(Cell{fmt::format("{} {} {:08x}", source.name, source.bytes, source.crc32c)});
    return {Cell{step.path},
            step.step ? Cell{*step.step} : Cell{Null{"not known"}},
            Cell{static_cast<std::int64_t>(step.dump_scale_log2)},
            step.loss_dtype ? Cell{*step.loss_dtype} : Cell{Null{"not known"}},
            Cell{static_cast<std::uint64_t>(step.tensors.size())},
            Cell{listed(facts.levels)},
            Cell{listed(facts.parts)},
            Cell{facts.elements},
            Cell{step.bytes},
            Cell{sources}};
  }
};

}  // namespace

std::unique_ptr<Task> make_info(Options& options) {
  return std::make_unique<InfoTask>(options);
}

}  // namespace lowp::tool
