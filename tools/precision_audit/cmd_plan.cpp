// SPDX-License-Identifier: Apache-2.0
// precision-audit plan PATH...: the cheapest format or recipe for each tensor that is enough.
#include "arguments.h"
#include "commands.h"
#include "lowp/recipes/plan.h"

namespace lowp::tool {
namespace {

struct PlanTask final : Task {
  recipes::PlanPolicy policy;

  explicit PlanTask(Options& o) {
    const auto share = number_that([](double x) { return x >= 0 && x <= 1; }, "a share from 0 to 1");
    o.value({.name = "--snr", .value = "DB", .help = "signal to noise of each tensor, at least", .initial = "25"},
            policy.snr_db, number_that([](double) { return true; }, "a number"));
    o.value({.name = "--flushed",
             .value = "SHARE",
             .help = "of the values that are not zero, at most",
             .initial = "0.01"},
            policy.flushed, share);
    o.value({.name = "--saturated",
             .value = "SHARE",
             .help = "beyond the largest number and half of its unit, at most",
             .initial = "0"},
            policy.saturated, share);
  }

  Result<Answer> run(Job& job) override {
    auto plan = recipes::make_plan(job.series, policy, job.threads);
    if (!plan) return plan.error();
    return Answer{recipes::plan_report(job.series, *plan)};
  }
};

}  // namespace

std::unique_ptr<Task> make_plan_task(Options& options) {
  return std::make_unique<PlanTask>(options);
}

}  // namespace lowp::tool
