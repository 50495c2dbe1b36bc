// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/update_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "lowp/report/humanize.h"
#include "lowp/training/cells.h"

namespace lowp {
namespace {

std::string headline(const UpdateOptions& options, const StateResult& result) {
  std::string text;
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    const StallCounts& counts = result.total[f];
    const std::string share = lost_text(counts.nearest, counts.moving);
    if (f == 0) {
      text = fmt::format("With weights stored in {}, {} of them would not move in this step", options.formats[f].name,
                         share);
    } else {
      text += fmt::format("; in {} {}", options.formats[f].name, share);
    }
  }
  return text + ".";
}

std::string what_was_read(const StepSeries& series, const UpdateOptions& options, const StateResult& result) {
  return fmt::format("{}: step {}, {} with {} weights; AdamW with lr {}, betas {} and {}, eps {}, weight decay {}.",
                     sources_text(series), result.step, counted(result.tensors.size(), "tensor", "tensors"),
                     grouped(result.total.front().weights), options.learning_rate, options.beta1, options.beta2,
                     options.epsilon, options.weight_decay);
}

Grid stalls_grid(const UpdateOptions& options, const StateResult& result) {
  Grid grid{"Weights that stay where they are, of those with an update",
            {"stored in", "nearest", "stochastic", "Kahan", "eps becomes", "exp_avg_sq to 0", "Inf/NaN"},
            1,
            {}};
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    const StallCounts& c = result.total[f];
    grid.rows.push_back({{options.formats[f].name, share_text(c.nearest, c.moving), share_text(c.stochastic, c.moving),
                          share_text(c.kahan, c.moving), magnitude_text(result.epsilon[f]),
                          share_text(c.second_flushed, c.second_moments), share_text(c.no_denominator, c.weights)},
                         {}});
  }
  return grid;
}

// The five tensors that stall most in the first format that stalls anything.
std::vector<Block> worst_tensors(const UpdateOptions& options, const StateResult& result) {
  std::size_t format = 0;
  while (format < options.formats.size() && result.total[format].nearest == 0) ++format;
  if (format == options.formats.size()) return {};
  std::vector<const TensorStalls*> order;
  for (const TensorStalls& tensor : result.tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater{}, [&](const TensorStalls* t) {
    const StallCounts& c = t->of[format];
    return c.moving == 0 ? 0.0 : static_cast<double>(c.nearest) / static_cast<double>(c.moving);
  });
  order.resize(std::min<std::size_t>(order.size(), 5));
  Grid grid{fmt::format("Tensors that stall most in {} (nearest)", options.formats[format].name), {"tensor"}, 1, {}};
  grid.header.push_back("weights");
  for (const Accumulator& a : options.formats) grid.header.push_back(a.name);
  for (const TensorStalls* tensor : order) {
    GridRow row{{tensor->name, grouped(tensor->of[format].weights)}, {}};
    for (const StallCounts& c : tensor->of) row.cells.push_back(share_text(c.nearest, c.moving));
    grid.rows.push_back(std::move(row));
  }
  return {grid};
}

std::string advice(const UpdateOptions& options, const StateResult& result, std::size_t f) {
  const StallCounts& c = result.total[f];
  const std::string& name = options.formats[f].name;
  if (c.moving == 0) return "no weight has an update.";
  std::string text;
  const double share = static_cast<double>(c.nearest) / static_cast<double>(c.moving);
  if (c.nearest == 0) {
    text = "every update moves its weight.";
  } else if (share < 0.01) {
    text = fmt::format("{} of the weights with an update stay put in this step, the others move.",
                       share_text(c.nearest, c.moving));
  } else {
    text = fmt::format(
        "keep a master copy of the weights in FP32: {} of the updates are below half a unit of their "
        "weight and vanish.",
        share_text(c.nearest, c.moving));
  }
  if (share >= 0.01 && c.kahan < c.nearest) {
    text += fmt::format(" A Kahan compensation in {} would lose {}; stochastic rounding loses none on average.", name,
                        lost_text(c.kahan, c.moving));
  }
  if (c.no_denominator != 0) {
    text += fmt::format(" Adam's denominator is 0 for {} of the weights: eps {} and small exp_avg_sq are both 0 in {}.",
                        share_text(c.no_denominator, c.weights), options.epsilon, name);
  } else if (c.second_flushed != 0) {
    text += fmt::format(" {} of exp_avg_sq would be 0 in {}: their updates blow up to lr * exp_avg / eps.",
                        share_text(c.second_flushed, c.second_moments), name);
  }
  return text;
}

void add_advice(std::vector<Block>& story, const UpdateOptions& options,
                const std::function<std::string(std::size_t)>& text) {
  story.push_back(Heading{"What it means"});
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    const std::string label = options.formats[f].name + "  ";
    story.push_back(Paragraph{label + text(f), 2, static_cast<int>(label.size())});
  }
}

std::vector<Cell> stall_row(std::string_view scope, std::string_view name, const Accumulator& format,
                            const StallCounts& c, double epsilon) {
  return {text_cell(scope),
          text_cell(name),
          text_cell(format.name),
          count_cell(c.weights),
          count_cell(c.moving),
          count_cell(c.nearest),
          count_cell(c.stochastic),
          count_cell(c.kahan),
          rate_cell(c.nearest, c.moving),
          count_cell(c.second_moments),
          count_cell(c.second_flushed),
          count_cell(c.no_denominator),
          Cell{epsilon}};
}

Table stalls_table(const UpdateOptions& options, const StateResult& result) {
  Table table{"updates",
              {"scope", "name", "format", "weights", "moving", "stalled.nearest", "stalled.stochastic", "stalled.kahan",
               "stalled_of_moving", "second_moments", "second_moments_flushed", "no_denominator", "epsilon_stored"},
              {},
              false};
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    table.rows.push_back(stall_row("total", "", options.formats[f], result.total[f], result.epsilon[f]));
  }
  for (const TensorStalls& tensor : result.tensors) {
    for (std::size_t f = 0; f < options.formats.size(); ++f) {
      table.rows.push_back(stall_row("tensor", tensor.name, options.formats[f], tensor.of[f], result.epsilon[f]));
    }
  }
  return table;
}

// What other learning rates would lose, a line for each format.
Figure stalls_figure(const StepSeries& series, const UpdateOptions& options, const StateResult& result) {
  Panel panel;
  panel.title = "Rounding to nearest";
  panel.has_marker = true;
  panel.marker_label = fmt::format("lr {}", options.learning_rate);
  for (std::size_t r = 0; r < rates; ++r) panel.x.push_back(static_cast<double>(r) - rate_log2_limit);
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    const StallCounts& c = result.total[f];
    Line line{options.formats[f].name, {}};
    for (std::size_t r = 0; r < rates; ++r) {
      line.value.push_back(c.moving == 0 ? 0
                                         : static_cast<double>(c.nearest_at_rate[r]) / static_cast<double>(c.moving));
    }
    panel.lines.push_back(std::move(line));
  }
  return {"Weights whose update is lost, by storage format",
          fmt::format("{}: step {}", sources_text(series), result.step),
          fmt::format("learning rate, as a multiple of {}", options.learning_rate),
          "share of weights that do not move",
          {std::move(panel)}};
}

// How the error grows over the steps, a line for each format.
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
    for (std::size_t f = 0; f < options.formats.size(); ++f) {
      Line line{options.formats[f].name, {}};
      for (const auto& outcomes : result.after) {
        line.value.push_back(
            (outcomes[f].*quantity.errors).relative_quantile(0.5).value_or(std::numeric_limits<double>::quiet_NaN()));
      }
      panel.lines.push_back(std::move(line));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

Grid moments_grid(const UpdateOptions& options, const MomentResult& result) {
  Grid grid{"Moments rounded to the format after each step, against exact ones (median relative error)",
            {"stored in", "exp_avg", "exp_avg_sq", "update", "worst 1 %", "m to 0", "v to 0", "Inf/NaN"},
            1,
            {}};
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    const MomentOutcome& o = result.last()[f];
    grid.rows.push_back(
        {{options.formats[f].name, relative_text(o.first.relative_quantile(0.5)),
          relative_text(o.second.relative_quantile(0.5)), relative_text(o.update.relative_quantile(0.5)),
          relative_text(o.update.relative_quantile(0.99)), share_text(o.first_flushed, o.values),
          share_text(o.second_flushed, o.values), share_text(o.broken, o.values)},
         {}});
  }
  return grid;
}

std::string moment_advice(const UpdateOptions& options, const MomentResult& result, std::size_t f) {
  const MomentOutcome& o = result.last()[f];
  const double typical = o.update.relative_quantile(0.5).value_or(0);
  std::string text = typical < 1e-3 ? fmt::format("safe: half of the updates are within {}.", relative_text(typical))
                                    : fmt::format("half of the updates are off by {} or more.", relative_text(typical));
  if (o.second_flushed != 0) {
    text += fmt::format(" {} of exp_avg_sq is 0 in {} without a scale: such updates are far too large.",
                        share_text(o.second_flushed, o.values), options.formats[f].name);
  }
  return text;
}

Table moments_table(const UpdateOptions& options, const MomentResult& result) {
  Table table{"moments",
              {"format", "steps", "values", "exp_avg.median_relative_error", "exp_avg.snr_db", "exp_avg.flushed",
               "exp_avg_sq.median_relative_error", "exp_avg_sq.snr_db", "exp_avg_sq.flushed",
               "update.median_relative_error", "update.p99_relative_error", "update.snr_db", "update.not_finite"},
              {},
              false};
  constexpr std::string_view none = "no value that is not zero", exact = "no error or no signal";
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    for (std::size_t p = 0; p < result.prefixes.size(); ++p) {
      const MomentOutcome& o = result.after[p][f];
      table.rows.push_back({text_cell(options.formats[f].name), count_cell(result.prefixes[p]), count_cell(o.values),
                            real_cell(o.first.relative_quantile(0.5), none), real_cell(o.first.snr_db(), exact),
                            count_cell(o.first_flushed), real_cell(o.second.relative_quantile(0.5), none),
                            real_cell(o.second.snr_db(), exact), count_cell(o.second_flushed),
                            real_cell(o.update.relative_quantile(0.5), none),
                            real_cell(o.update.relative_quantile(0.99), none), real_cell(o.update.snr_db(), exact),
                            count_cell(o.broken)});
    }
  }
  return table;
}

}  // namespace

Report state_report(const StepSeries& series, const UpdateOptions& options, const StateResult& result,
                    std::string_view tool_version) {
  Report report;
  report.tables = {tool_table(tool_version), inputs_table(series), stalls_table(options, result)};
  report.story = {
      Paragraph{headline(options, result), 0, 2}, Paragraph{what_was_read(series, options, result), 0, 2},
      stalls_grid(options, result),
      Paragraph{"exp_avg_sq to 0: of those that are not. Inf/NaN: updates whose denominator would be 0.", 2, 0}};
  for (Block& block : worst_tensors(options, result)) report.story.push_back(std::move(block));
  add_advice(report.story, options, [&](std::size_t f) { return advice(options, result, f); });
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"One step. The update is computed exactly from the dumped state; a run in low "
                "precision would have had other states.",
                2, 2});
  report.story.push_back(
      Paragraph{"Stochastic counts are of one draw: a weight stays more often the smaller its "
                "update is, but moves as far as it should on average.",
                2, 2});
  report.figures = {stalls_figure(series, options, result)};
  return report;
}

Report moments_report(const StepSeries& series, const UpdateOptions& options, const MomentResult& result,
                      std::string_view tool_version) {
  Report report;
  report.tables = {tool_table(tool_version), inputs_table(series), moments_table(options, result)};
  std::string first = fmt::format("After {} steps half of the updates are off by", result.steps);
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    first += fmt::format("{} {} or more with moments in {}", f == 0 ? "" : ", by",
                         relative_text(result.last()[f].update.relative_quantile(0.5)), options.formats[f].name);
  }
  report.story = {Paragraph{first + ".", 0, 2},
                  Paragraph{fmt::format("{}: {} with {} gradients each; Adam with betas {} and {}, eps {}.",
                                        sources_text(series), counted(result.tensors, "tensor", "tensors"),
                                        grouped(result.values), options.beta1, options.beta2, options.epsilon),
                            0, 2},
                  moments_grid(options, result),
                  Paragraph{"worst 1 %, Inf/NaN: of the updates. m to 0, v to 0: exp_avg and exp_avg_sq that became 0 "
                            "though the exact moment is not.",
                            2, 0}};
  add_advice(report.story, options, [&](std::size_t f) { return moment_advice(options, result, f); });
  report.story.push_back(Heading{"Not covered"});
  report.figures = {moments_figure(series, options, result)};
  report.story.push_back(
      Paragraph{"Moments start from zero at the first dump. No scale per block or tensor is applied, "
                "as 8-bit optimizers do.",
                2, 2});
  return report;
}

}  // namespace lowp
