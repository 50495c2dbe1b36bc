// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate over steps|files PATH...: the same tensors of several dumps added element by element.
#include <array>

#include "accumulator_options.h"
#include "arguments.h"
#include "commands.h"
#include "lowp/training/over_report.h"

namespace lowp::tool {

using namespace training;
namespace {

struct OverName {
  std::string_view name;
  bool ranks;
};
constexpr std::array over_names{OverName{"steps", false}, OverName{"files", true}};

Result<std::size_t> block_word(std::string_view word) {
  const auto count = count_word(word);
  if (count && *count > 0) return *count;
  return Error{"", std::nullopt, "an integer from 1 on", quoted(word)};
}

struct OverTask final : Task {
  bool ranks = false;
  AccumulatorOptions sums;
  std::vector<const SumModel*> models;
  std::optional<ChosenFormat> terms;
  std::size_t block = 4;
  double predivide = 1;
  ScaleRange scales;

  explicit OverTask(Options& o) {
    o.choice({.name = "WHAT", .help = "what a dump is: a micro-batch (steps) or a rank (files)", .required = true}, ranks,
             one_of<bool>(over_names, &OverName::ranks));
    sums.declare(o, "bf16,fp16,fp32", true);
    o.choices({.name = "--models", .help = "orders of sums", .initial = "sequential,pairwise,kahan,nccl_ring,nccl_tree"},
              models, one_of<const SumModel*>(sum_table, [](const SumModel& row) { return &row; }));
    o.value({.name = "--terms",
             .value = "NAME",
             .help = "round contributions to this format first; always to the sum's own"},
            terms, optionally(sum_format));
    o.value({.name = "--block", .value = "N", .help = "terms of a block of 'blocked', parts of 'split'", .initial = "4"},
            block, block_word);
    o.value({.name = "--predivide",
             .value = "X",
             .help = "divide each contribution by this before it is added",
             .initial = "1"},
            predivide, number_that([](double x) { return x > 0; }, "a positive number"));
    o.value({.name = "--scales",
             .value = "LOW:HIGH",
             .help = "multiply contributions by these powers of two, as log2",
             .initial = "0"},
            scales, scale_range);
  }

  Result<Answer> run(Job& job) override {
    OverOptions options{sums.accumulators(), models, {}, block, predivide, scales.low, scales.high, job.threads};
    if (terms) options.terms = sums.accumulator(*terms);
    auto result = sum_over(job.series, options);
    if (!result) return result.error();
    return Answer{over_report(job.series, options, *result, ranks)};
  }
};

}  // namespace

std::unique_ptr<Task> make_over(Options& options) {
  return std::make_unique<OverTask>(options);
}

}  // namespace lowp::tool
