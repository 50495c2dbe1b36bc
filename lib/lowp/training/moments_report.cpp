// SPDX-License-Identifier: Apache-2.0
// What moments_over_steps found, for people and programs.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lowp/report/humanize.h"
#include "lowp/training/advice.h"
#include "lowp/training/training_words.h"
#include "lowp/training/update_report.h"

namespace lowp::training {
namespace {

// "bf16", or "bf16 for-loop" of one of torch's.
std::string row_name(const UpdateOptions& options, const MomentOutcome& o) {
  const std::string& format = options.formats[o.format].name;
  return o.model->kind == AdamKind::exact ? format : fmt::format("{} {}", format, o.model->name);
}

// foreach runs with for-loop, and rounding once with fused: of formats that torch has, those two are left out.
bool in_picture(const UpdateOptions& options, const MomentOutcome& o) {
  const bool torch = torch_trains_in(options.formats[o.format].format);
  return o.model->kind == AdamKind::exact ? !torch : o.model->kind != AdamKind::foreach;
}

// How the error grows over the steps, a line for each format and AdamW.
Figure moments_figure(const StepSeries& series, const UpdateOptions& options, const MomentResult& result) {
  struct Quantity {
    std::string_view title;
    ErrorStatistics MomentOutcome::* errors;
  };
  constexpr Quantity quantities[] = {
      {"exp_avg", &MomentOutcome::first}, {"exp_avg_sq", &MomentOutcome::second}, {"update", &MomentOutcome::update}};
  Figure figure{"Adam's moments kept in each format", sources_text(series), "steps", "median relative error", {}};
  for (const Quantity& quantity : quantities) {
    Panel panel;
    panel.title = quantity.title;
    for (std::size_t p = 0; p < result.prefixes.size(); ++p) {
      panel.x.push_back(std::log2(static_cast<double>(result.prefixes[p])));
    }
    for (std::size_t o = 0; o < result.last().size(); ++o) {
      if (!in_picture(options, result.last()[o])) continue;
      Line line{row_name(options, result.last()[o]), {}};
      for (const auto& outcomes : result.after) {
        line.value.push_back(
            (outcomes[o].*quantity.errors).relative_quantile(0.5).value_or(std::numeric_limits<double>::quiet_NaN()));
      }
      panel.lines.push_back(std::move(line));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

Grid moments_grid(const UpdateOptions& options, const MomentResult& result) {
  Grid grid{"Moments kept in the format, against exact ones (median relative error)",
            {"stored in", "AdamW", "exp_avg", "exp_avg_sq", "update", "worst 1 %", "m to 0", "v to 0", "Inf/NaN"},
            2,
            {}};
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    for (const MomentOutcome& o : result.last()) {
      if (o.format != f) continue;
      grid.rows.push_back(
          {{o.model->kind == AdamKind::exact ? options.formats[f].name : "", std::string(o.model->name),
            relative_text(o.first.relative_quantile(0.5)), relative_text(o.second.relative_quantile(0.5)),
            relative_text(o.update.relative_quantile(0.5)), relative_text(o.update.relative_quantile(0.99)),
            percent_text(o.first_flushed, o.values), percent_text(o.second_flushed, o.values),
            percent_text(o.broken, o.values)},
           {}});
    }
  }
  return grid;
}

const MomentOutcome* outcome_of(const MomentResult& result, std::size_t format, AdamKind kind) {
  for (const MomentOutcome& o : result.last()) {
    if (o.format == format && o.model->kind == kind) return &o;
  }
  return nullptr;
}

bool is_broken(const MomentOutcome& o) {
  return o.broken * 100 > o.values;
}

// What a user of torch gets by default, or, in formats torch does not have, the best that rounding once can give.
const MomentOutcome& usual(const MomentResult& result, std::size_t format) {
  const MomentOutcome* torch = outcome_of(result, format, AdamKind::loop);
  return torch ? *torch : *outcome_of(result, format, AdamKind::exact);
}

std::string moment_advice(const UpdateOptions& options, const MomentResult& result, std::size_t f) {
  const MomentOutcome& o = usual(result, f);
  const std::string_view by = o.model->kind == AdamKind::exact ? "rounding once per step" : "torch's default AdamW";
  const double typical = o.update.relative_quantile(0.5).value_or(0);
  std::string text;
  if (is_broken(o)) {
    text = fmt::format("with {} {} of the updates are Inf or NaN.", by, share_text(o.broken, o.values));
  } else if (typical < 1e-3) {
    text = fmt::format("safe: with {} half of the updates are within {}.", by, relative_text(typical));
  } else {
    text = fmt::format("with {} half of the updates are off by {} or more.", by, relative_text(typical));
  }
  const MomentOutcome* fused = outcome_of(result, f, AdamKind::fused);
  if (fused && (is_broken(o) || typical >= 1e-3)) {
    text += is_broken(*fused) ? fmt::format(" With fused=True {} are.", share_text(fused->broken, fused->values))
                              : fmt::format(" With fused=True half are off by {} or more.",
                                            relative_text(fused->update.relative_quantile(0.5)));
  }
  if (o.second_flushed != 0) {
    text += fmt::format(" {} of exp_avg_sq is 0 in {} without a scale: such updates are far too large.",
                        share_text(o.second_flushed, o.values), options.formats[f].name);
  }
  return text;
}

Table moments_table(const UpdateOptions& options, const MomentResult& result) {
  Table table{"moments",
              {"format", "optimizer", "steps", "values", "exp_avg.median_relative_error", "exp_avg.snr_db",
               "exp_avg.flushed", "exp_avg_sq.median_relative_error", "exp_avg_sq.snr_db", "exp_avg_sq.flushed",
               "update.median_relative_error", "update.p99_relative_error", "update.snr_db", "update.not_finite"},
              {},
              false};
  constexpr std::string_view none = "no value that is not zero", exact = "no error or no signal";
  for (std::size_t row = 0; row < result.last().size(); ++row) {
    for (std::size_t p = 0; p < result.prefixes.size(); ++p) {
      const MomentOutcome& o = result.after[p][row];
      table.rows.push_back(
          {text_cell(options.formats[o.format].name), text_cell(o.model->name), count_cell(result.prefixes[p]),
           count_cell(o.values), real_cell(o.first.relative_quantile(0.5), none), real_cell(o.first.snr_db(), exact),
           count_cell(o.first_flushed), real_cell(o.second.relative_quantile(0.5), none),
           real_cell(o.second.snr_db(), exact), count_cell(o.second_flushed),
           real_cell(o.update.relative_quantile(0.5), none), real_cell(o.update.relative_quantile(0.99), none),
           real_cell(o.update.snr_db(), exact), count_cell(o.broken)});
    }
  }
  return table;
}

}  // namespace

Report moments_report(const StepSeries& series, const UpdateOptions& options, const MomentResult& result) {
  Report report;
  report.tables = {moments_table(options, result)};
  std::string first;
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    const MomentOutcome& o = usual(result, f);
    first += f == 0 ? fmt::format("After {} of AdamW with moments in {} ", counted(result.steps, "step", "steps"),
                                  options.formats[f].name)
                    : fmt::format("; in {} ", options.formats[f].name);
    first += is_broken(o) ? fmt::format("{} of the updates are Inf or NaN", share_text(o.broken, o.values))
                          : fmt::format("half of the updates are off by {}{}",
                                        relative_text(o.update.relative_quantile(0.5)), f == 0 ? " or more" : "");
  }
  report.story = {
      Paragraph{first + ".", 0, 2},
      Paragraph{fmt::format("{}: {} with {} gradients each; betas {} and {}, eps {}.", sources_text(series),
                            counted(result.tensors, "tensor", "tensors"), grouped(result.values), options.beta1,
                            options.beta2, options.epsilon),
                0, 2},
      moments_grid(options, result),
      Paragraph{"rounded once: exact arithmetic, each moment rounded once per step. for-loop: torch's AdamW "
                "with foreach=False, a CPU's default; foreach: a GPU's default; fused: fused=True. Those "
                "three round gradients too. worst 1 %, Inf/NaN: of the updates. m to 0, v to 0: exp_avg "
                "and exp_avg_sq that became 0 though the exact moment is not.",
                2, 0}};
  add_advice(report.story, options.formats, [&](std::size_t f) { return moment_advice(options, result, f); });
  report.story.push_back(Heading{"Not covered"});
  report.figures = {moments_figure(series, options, result)};
  report.story.push_back(Paragraph{
      "Moments start from zero at the first dump. No scale per block or tensor is applied, as 8-bit optimizers "
      "do. On a GPU torch's operations round at the same places, but which products are fused with a sum "
      "differs, and foreach leaves beta2 in FP32 (from source, not run).",
      2, 2});
  return report;
}

}  // namespace lowp::training
