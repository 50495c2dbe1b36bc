// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate update PATH...: what low-precision weights and moments make of optimizer steps.
#include "accumulator_options.h"
#include "arguments.h"
#include "commands.h"
#include "lowp/training/update_report.h"

namespace lowp::tool {

using namespace training;
namespace {

struct UpdateTask final : Task {
  AccumulatorOptions storage;
  UpdateOptions adam;

  explicit UpdateTask(Options& o) {
    storage.declare(o, "bf16,fp16,e4m3,e5m2,fp32", true);
    o.group("AdamW");
    const auto share = number_that([](double x) { return x >= 0 && x < 1; }, "a number from 0 to below 1");
    const auto positive = number_that([](double x) { return x >= 0; }, "a number from 0 on");
    o.value({.name = "--lr", .value = "X", .help = "learning rate", .initial = "0.001"}, adam.learning_rate, positive);
    o.value({.name = "--beta1", .value = "X", .help = "decay of the first moment", .initial = "0.9"}, adam.beta1, share);
    o.value({.name = "--beta2", .value = "X", .help = "of the second", .initial = "0.999"}, adam.beta2, share);
    o.value({.name = "--eps", .value = "X", .help = "added to the denominator", .initial = "1e-8"}, adam.epsilon,
            positive);
    o.value({.name = "--weight-decay", .value = "X", .help = "decoupled, as AdamW's", .initial = "0"},
            adam.weight_decay, positive);
  }

  // Moments over the steps of a series of gradients, or the updates of one state.
  Result<Answer> run(Job& job) override {
    adam.formats = storage.accumulators();
    adam.seed = storage.seed;
    adam.threads = job.threads;
    if (job.series.inputs.size() > 1) {
      auto result = moments_over_steps(job.series, adam);
      if (!result) return result.error();
      return Answer{moments_report(job.series, adam, *result)};
    }
    auto result = stalled_updates(job.series.inputs.front(), adam);
    if (!result) return result.error();
    return Answer{state_report(job.series, adam, *result)};
  }
};

}  // namespace

std::unique_ptr<Task> make_update(Options& options) {
  return std::make_unique<UpdateTask>(options);
}

}  // namespace lowp::tool
