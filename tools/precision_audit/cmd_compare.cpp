// SPDX-License-Identifier: Apache-2.0
// precision-audit compare A B: two dumps, element by element.
#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "difference_condition.h"
#include "format_words.h"
#include "lowp/compare/compare_report.h"
#include "lowp/report/humanize.h"

namespace lowp::tool {
namespace {

constexpr std::size_t most_said = 5;

struct CompareTask final : Task {
  compare::Settings settings;
  std::vector<DifferenceCondition> conditions;
  std::uint64_t top = 10;
  std::optional<compare::Comparison> comparison;  // what rows made late refer to

  explicit CompareTask(Options& o) {
    o.value({.name = "--tolerance",
             .value = "ULPS",
             .help = "a pair differs when it is more units in the last place apart than this",
             .initial = "0"},
            settings.tolerance, count_word);
    o.value({.name = "--ulp-format",
             .value = "NAME",
             .help = "count them in this format, to which both are rounded first, in place of the narrower of the two"},
            settings.ulp_format, optionally(target_format));
    o.value({.name = "--scale-a",
             .value = "SCALE",
             .help = "loss scale of A where the dump does not say, a power of two; it is taken off",
             .initial = "1"},
            settings.scale_log2_a, power_of_two_word);
    o.value({.name = "--scale-b", .value = "SCALE", .help = "likewise of B", .initial = "1"}, settings.scale_log2_b,
            power_of_two_word);
    o.value({.name = "--top", .value = "N", .help = "tensors in the table", .initial = "10"}, top, count_word);
    o.repeated({.name = "--fail-on",
                .value = "CONDITION",
                .help = "exit 1 if METRIC>NUMBER holds for a tensor, or for all of them together, also with >= < <=; "
                        "put it in quotes; may be repeated"},
               conditions, difference_condition);
    o.footer() += "Metrics for --fail-on: " + names_of(compare::difference_measures()) + ".\n\n";
  }

  // That a tensor has two shapes is a finding: what was asked for could not be done.
  Result<Answer> run(Job& job) override {
    settings.threads = job.threads;
    settings.progress = job.progress;
    auto compared = compare::compare_dumps(job.series, job.other, settings);
    if (!compared) return compared.error();
    comparison.emplace(std::move(*compared));
    Answer answer{compare::compare_report({*comparison, settings, static_cast<std::size_t>(top)})};
    answer.said = compare::mismatch_texts(*comparison);
    if (answer.said.size() > most_said) {
      const std::string more = counted(answer.said.size() - most_said, "more tensor has", "more tensors have");
      answer.said.resize(most_said);
      answer.said.push_back(more + " two shapes");
    }
    for (const DifferenceCondition& condition : conditions) {
      if (auto line = condition.met(*comparison)) answer.said.push_back(std::move(*line));
    }
    answer.is_finding = !answer.said.empty();
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_compare(Options& options) {
  return std::make_unique<CompareTask>(options);
}

}  // namespace lowp::tool
