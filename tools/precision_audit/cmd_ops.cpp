// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate ops PATH: softmax, norms and losses on the tensors of a dump.
#include "accumulator_options.h"
#include "commands.h"
#include "lowp/training/operations.h"

namespace lowp::tool {

using namespace training;
namespace {

struct OperationsTask final : Task {
  AccumulatorOptions storage;

  explicit OperationsTask(Options& o) { storage.declare(o, "fp16,bf16", true); }

  Result<Answer> run(Job& job) override {
    auto result = replay_operations(job.series.inputs.front(), storage.accumulators(), job.threads);
    if (!result) return result.error();
    return Answer{operations_report(job.series, storage.accumulators(), *result)};
  }
};

}  // namespace

std::unique_ptr<Task> make_operations(Options& options) {
  return std::make_unique<OperationsTask>(options);
}

}  // namespace lowp::tool
