// SPDX-License-Identifier: Apache-2.0
// What replay_operations found, for people and programs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowp/report/humanize.h"
#include "lowp/training/training_words.h"
#include "lowp/training/operations.h"

namespace lowp::training {
namespace {

// Half a unit in the last place, relative: what rounding the result alone costs at most.
double half_ulp(const Accumulator& a) {
  return std::ldexp(1.0, -a.format.precision);
}

enum class Verdict { fine, watch, fp32, format };
// How bad an outcome is, alone: `format` is not for it to say.
Verdict badness(const OperationOutcome& o, const Accumulator& a) {
  const double unit = half_ulp(a), typical = o.error.relative_quantile(0.5).value_or(0);
  const double worst = o.error.relative_quantile(0.99).value_or(0);
  if (o.not_finite * 100 > o.results || typical > 16 * unit || worst > 64 * unit) return Verdict::fp32;
  return o.not_finite != 0 || typical > 4 * unit || worst > 16 * unit ? Verdict::watch : Verdict::fine;
}
// Bad results that stay bad with FP32 inside are too small or too large for the format: FP32 inside does not help.
Verdict verdict(const OperationOutcome& naive, const OperationOutcome& inside, const Accumulator& a) {
  const Verdict alone = badness(naive, a);
  return alone == Verdict::fp32 && badness(inside, a) == Verdict::fp32 ? Verdict::format : alone;
}
std::string_view verdict_text(Verdict v) {
  switch (v) {
    case Verdict::fine: return "fine";
    case Verdict::watch: return "watch";
    case Verdict::fp32: return "needs FP32";
    case Verdict::format: return "does not fit";
  }
  return "";
}

const OperationOutcome& twin(const OperationsResult& result, const OperationOutcome& o) {
  for (const OperationOutcome& other : result.outcomes) {
    if (other.format == o.format && other.operation == o.operation && other.fp32_inside) return other;
  }
  return o;
}

std::vector<std::string> with_verdict(const std::vector<Accumulator>& formats, const OperationsResult& result,
                                      std::size_t f, Verdict wanted) {
  std::vector<std::string> names;
  for (const OperationOutcome& o : result.outcomes) {
    if (o.format != f || o.fp32_inside || verdict(o, twin(result, o), formats[f]) != wanted) continue;
    names.emplace_back(operations()[o.operation].name);
  }
  return names;
}

std::string headline(const std::vector<Accumulator>& formats, const OperationsResult& result) {
  std::string text;
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const std::vector<std::string> names = with_verdict(formats, result, f, Verdict::fp32);
    const std::vector<std::string> unfit = with_verdict(formats, result, f, Verdict::format);
    text += fmt::format("{}{}: {}.", f == 0 ? "" : " ", formats[f].name,
                        names.empty() ? "no operation here needs FP32 inside"
                                      : fmt::format("done naively, {} {} FP32 inside", joined(names),
                                                    names.size() == 1 ? "needs" : "need"));
    if (!unfit.empty()) {
      text += fmt::format(" Results of {} do not fit {}, FP32 inside or not.", joined(unfit), formats[f].name);
    }
  }
  return text;
}

Grid operations_grid(const Accumulator& format, std::size_t f, const OperationsResult& result) {
  Grid grid{
      fmt::format("{}: done naively, every intermediate rounded; FP32: with FP32 inside, as PyTorch does", format.name),
      {"operation", "verdict", "Inf/NaN", "to 0", "typical", "worst 1 %", "FP32: typical", "FP32: worst"},
      2,
      {}};
  for (const OperationOutcome& o : result.outcomes) {
    if (o.format != f || o.fp32_inside) continue;
    const OperationOutcome& wide = twin(result, o);
    grid.rows.push_back(
        {{std::string(operations()[o.operation].name), std::string(verdict_text(verdict(o, wide, format))),
          percent_text(o.not_finite, o.results), percent_text(o.flushed, o.results),
          relative_text(o.error.relative_quantile(0.5)), relative_text(o.error.relative_quantile(0.99)),
          relative_text(wide.error.relative_quantile(0.5)), relative_text(wide.error.relative_quantile(0.99))},
         {}});
  }
  return grid;
}

// A panel for each format, a line for each operation.
Figure growth_figure(const StepSeries& series, const std::vector<Accumulator>& formats,
                     const OperationsResult& result) {
  Figure figure{"Error of sensitive operations as rows get longer",
                sources_text(series),
                "elements of the row (only rows that have as many)",
                "median relative error",
                {}};
  for (std::size_t f = 0; f < formats.size(); ++f) {
    Panel panel;
    panel.title = formats[f].name;
    for (const OperationOutcome& o : result.growth) {
      if (o.format != f) continue;
      if (panel.lines.empty() || panel.lines.back().label != operations()[o.operation].name) {
        panel.lines.push_back({std::string(operations()[o.operation].name), {}});
      }
      if (o.operation == 0) panel.x.push_back(std::log2(static_cast<double>(o.terms)));
      panel.lines.back().value.push_back(
          o.error.relative_quantile(0.5).value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace

Report operations_report(const StepSeries& series, const std::vector<Accumulator>& formats,
                         const OperationsResult& result) {
  Report report;
  Table table{"operations",
              {"format", "operation", "fp32_inside", "terms", "verdict", "results", "not_finite", "flushed",
               "relative_error.median", "relative_error.p99", "relative_error.max", "snr_db"},
              {},
              false};
  const auto verdict_cell = [&](const OperationOutcome& o) {
    if (o.terms != 0) return text_cell(verdict_text(badness(o, formats[o.format])));
    return text_cell(verdict_text(verdict(o, twin(result, o), formats[o.format])));
  };
  const auto add = [&](const OperationOutcome& o) {
    constexpr std::string_view none = "no result that is not zero";
    table.rows.push_back({text_cell(formats[o.format].name), text_cell(operations()[o.operation].name),
                          Cell{o.fp32_inside}, o.terms == 0 ? null_cell("whole rows") : count_cell(o.terms),
                          verdict_cell(o), count_cell(o.results), count_cell(o.not_finite), count_cell(o.flushed),
                          real_cell(o.error.relative_quantile(0.5), none),
                          real_cell(o.error.relative_quantile(0.99), none), real_cell(o.error.largest_relative(), none),
                          real_cell(o.error.snr_db(), "no error or no signal")});
  };
  for (const OperationOutcome& o : result.outcomes) add(o);
  for (const OperationOutcome& o : result.growth) add(o);
  report.tables = {std::move(table)};
  report.story = {Paragraph{headline(formats, result), 0, 2},
                  Paragraph{fmt::format("{}: {} with {} rows along the last axis.", sources_text(series),
                                        counted(result.tensors, "tensor", "tensors"), grouped(result.rows)),
                            0, 2}};
  for (std::size_t f = 0; f < formats.size(); ++f) report.story.push_back(operations_grid(formats[f], f, result));
  report.figures = {growth_figure(series, formats, result)};
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(Paragraph{
      "Each tensor is taken as the operation's input, whatever it is in the network: use --select to ask only "
      "about those that are. Rounding the inputs is not counted. typical: half of the results have smaller errors.",
      2, 2});
  report.story.push_back(Paragraph{
      "needs FP32: over 1 % Inf or NaN, half of the results off by 16 roundings of the format, or the worst "
      "1 % by 64. watch: any Inf or NaN, 4 roundings, or 16. does not fit: as bad with FP32 inside, since the "
      "results are too small or too large for the format. PyTorch's own softmax, log-sum-exp, layer norm, sum, "
      "mean and variance of 16-bit tensors keep FP32 inside: their errors are those of the FP32 columns.",
      2, 2});
  return report;
}

}  // namespace lowp::training
