// SPDX-License-Identifier: Apache-2.0
// precision-audit [audit] PATH...: what each format loses at each loss scale, and which scale to start with.
#include <fmt/format.h>

#include "arguments.h"
#include "audit_device.h"
#include "commands.h"
#include "fail_condition.h"
#include "format_words.h"
#include "lowp/audit/audit_report.h"
#include "lowp/base/threads.h"
#include "lowp/page/page.h"
#include "policy_options.h"

namespace lowp::tool {
namespace {

// What is asked that largest magnitudes alone cannot answer.
std::optional<Error> without_elements(const StepSeries& series, bool has_conditions, bool wants_page) {
  if (std::ranges::any_of(series.inputs, &Input::counts_elements) || !(has_conditions || wants_page)) return {};
  return Error{series.inputs.front().path, std::nullopt, fmt::format("a dump for {}", wants_page ? "--report" : "--fail-on"),
               "largest magnitudes alone"};
}

struct AuditTask final : Task {
  AuditOptions audit;
  Policy policy;
  std::vector<FailCondition> conditions;
  AuditDevice device;
  std::optional<std::uint64_t> top;
  // What rows made late refer to.
  std::optional<AuditResult> result;
  std::optional<AuditFindings> found;

  explicit AuditTask(Options& o) {
    Question& question = audit.question;
    o.list({.name = "--formats",
            .value = "NAME",
            .help = "formats to convert to: " + auditable_names() + ", or any eXmY",
            .initial = "fp16,bf16,e4m3,e5m2"},
           question.formats, target_format);
    o.value({.name = "--scales",
             .value = "LOW:HIGH",
             .help = "loss scales to try, as log2, both ends included",
             .initial = "-8:32"},
            question.scales, scale_range);
    o.choice({.name = "--by", .help = "also report each", .initial = "total"}, audit.by,
             one_of<Scope>(scope_names, &ScopeName::scope));
    o.value({.name = "--top", .value = "N", .help = "tensors in the table (5, with --by tensor 40)"}, top,
            optional_count_word);
    o.choice({.name = "--rounding", .help = "rounding mode", .initial = "nearest_even"}, question.rounding,
             deterministic_modes());
    o.choice({.name = "--overflow", .help = "what overflow gives", .initial = "ieee"}, question.overflow,
             one_of<Overflow>(overflow_names, &OverflowName::rule));
    o.flag({.name = "--counts-only", .help = "count classes and leave out the errors (SNR): about twice as fast"},
           question.counts_only);
    o.value({.name = "--dump-scale",
             .value = "SCALE",
             .help = "the loss scale of dumps that do not say theirs, a power of two (2^16 or 65536)",
             .initial = "1"},
            audit.dump_scale_log2, power_of_two_word);
    o.group("How to advise");
    declare_policy(o, policy);
    o.group("What to ask");
    o.repeated({.name = "--fail-on",
                .value = "CONDITION",
                .help = "exit 1 if METRIC>NUMBER@FORMAT[:SCALE] holds for all tensors together, also with >= < <=; "
                        "put it in quotes; without SCALE at the recommended one; nan_in and inf_in need no FORMAT; "
                        "may be repeated"},
               conditions, fail_condition);
    device.declare(o);
    o.footer() += "Metrics for --fail-on: " + metric_names() + ".\n\n";
  }

  std::optional<Error> check() override {
    for (const FailCondition& condition : conditions) {
      if (auto wrong = why_not_judged(condition, audit.question)) return wrong;
    }
    return device.check(audit.question);
  }

  std::optional<Error> why_no_page() override { return lowp::why_no_page(audit.question); }

  Result<Answer> run(Job& job) override {
    if (auto error = without_tensors(job.series)) return *error;
    if (auto error = without_elements(job.series, !conditions.empty(), job.wants_page)) return *error;
    audit.effort = {.threads = job.threads, .chunk_bytes = job.chunk_bytes, .progress = job.progress, .count_tensor = {}};
    if (auto done = device.prepare(job.series, audit.effort); !done) return done.error();
    AuditOptions asked = audit;
    // The table of tensors for people needs no outcomes of theirs.
    if (!job.wants_records && audit.by == Scope::tensor) asked.by = Scope::total;
    asked.tensors = judged_level(audit.question, asked.by, job.series);
    std::optional<PageCounts> counts;
    if (job.wants_page) {
      counts.emplace(audit.question);
      asked.watch_tensor = [&counts](TensorRef ref, const Evidence& evidence) { counts->add(ref, evidence); };
    }
    auto counted = run_audit(job.series, asked);
    if (!counted) return counted.error();
    result.emplace(std::move(*counted));
    on_threads(job.threads, [&] { found.emplace(audit_findings(*result, audit.question, policy, audit.by, top)); });
    Answer answer{audit_report(*found, job.wants_records, job.wants_figures)};
    if (counts) answer.page = audit_page(*found, answer.report.story, *counts);
    answer.said = conditions_met(conditions, audit.question, result->total, found->recommendations);
    answer.is_finding = !answer.said.empty();
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_audit(Options& options) {
  return std::make_unique<AuditTask>(options);
}

}  // namespace lowp::tool
