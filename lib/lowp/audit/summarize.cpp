// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/summarize.h"

#include <algorithm>

#include "lowp/audit/pass_summaries.h"
#include "lowp/base/threads.h"

namespace lowp {
namespace {

using pass::AllMoments;
using pass::ClassesAlone;
using pass::CountsAlone;
using pass::Pass;

bool holds_fp64(const StepSeries& series) {
  return std::ranges::any_of(series.inputs, [](const Input& input) {
    return input.counts_elements &&
           std::ranges::any_of(input.tensors, [](const TensorView& view) { return view.dtype->bytes == 8; });
  });
}

Result<Summary> run_pass(const StepSeries& series, const Keep& keep, const Effort& effort, const Watch& watch) {
  const bool wide = holds_fp64(series), totals = keep.total || keep.step_totals;
  const bool all_elements =
      std::ranges::none_of(series.inputs, [](const Input& input) { return input.summary && input.counts_elements; });
  if (keep.tensors == Level::counts && !totals && !effort.count_tensor)
    return Pass<ClassesAlone>(series, keep, effort, watch, ClassesAlone::Plan{}).run();
  if (all_elements && keep.question.counts_only && keep.tensors <= Level::cuts && !wide && !effort.count_tensor) {
    if (auto plan = CutPlan::make(keep.question))
      return Pass<CountsAlone>(series, keep, effort, watch, *std::move(plan)).run();
  }
  const int fraction_bits = wide ? wide_fraction_bits : narrow_fraction_bits;
  return Pass<AllMoments>(series, keep, effort, watch, table_options(keep.question, fraction_bits)).run();
}

}  // namespace

Result<Summary> summarize(const StepSeries& series, const Keep& keep, const Effort& effort, const Watch& watch) {
  const bool asks = keep.total || keep.step_totals || !keep.question.formats.empty();
  if (auto fault = asks ? keep.question.fault() : std::nullopt) return *std::move(fault);
  auto summary = on_threads(effort.threads, [&] { return run_pass(series, keep, effort, watch); });
  if (!summary) return summary;
  if (auto changed = changed_while_read(series)) return *std::move(changed);
  return summary;
}

}  // namespace lowp
