// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate norm PATH...: the global gradient norm and the clip coefficient.
#include "accumulator_options.h"
#include "arguments.h"
#include "commands.h"
#include "lowp/training/norm.h"

namespace lowp::tool {

using namespace training;
namespace {

struct NormTask final : Task {
  AccumulatorOptions storage;
  NormOptions norm;

  explicit NormTask(Options& o) {
    storage.declare(o, "fp32,bf16,fp16", false);
    o.value({.name = "--max-norm", .value = "X", .help = "what gradients are clipped to", .initial = "1"},
            norm.max_norm, number_that([](double x) { return x > 0; }, "a positive number"));
    o.value({.name = "--scale",
             .value = "SCALE",
             .help = "the loss scale of gradients clipped too early",
             .initial = "2^16"},
            norm.scale_log2, power_of_two_word);
  }

  Result<Answer> run(Job& job) override {
    norm.formats = storage.accumulators();
    norm.threads = job.threads;
    std::vector<NormResult> results;
    for (const Input& input : job.series.inputs) {
      auto result = replay_norm(input, norm);
      if (!result) return result.error();
      results.push_back(std::move(*result));
    }
    return Answer{norm_report(job.series, norm, results)};
  }
};

}  // namespace

std::unique_ptr<Task> make_norm(Options& options) {
  return std::make_unique<NormTask>(options);
}

}  // namespace lowp::tool
