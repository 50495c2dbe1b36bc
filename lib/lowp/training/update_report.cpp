// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/update_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "lowp/report/humanize.h"
#include "lowp/training/advice.h"
#include "lowp/training/training_words.h"

namespace lowp::training {
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
    grid.rows.push_back(
        {{options.formats[f].name, percent_text(c.nearest, c.moving), percent_text(c.stochastic, c.moving),
          percent_text(c.kahan, c.moving), magnitude_text(result.epsilon[f]),
          percent_text(c.second_flushed, c.second_moments), percent_text(c.no_denominator, c.weights)},
         {}});
  }
  return grid;
}

// Torch's AdamWs, in the formats torch has.
std::vector<Block> torch_grid(const UpdateOptions& options, const StateResult& result) {
  Grid grid{"The same step by torch.optim.AdamW, parameters and moments all in the format",
            {"stored in", "AdamW", "stay", "Inf/NaN"},
            2,
            {}};
  const bool decays = options.weight_decay != 0;
  if (decays) grid.header.push_back("decay lost");
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    if (!torch_trains_in(options.formats[f].format)) continue;
    const StallCounts& c = result.total[f];
    for (std::size_t m = 1; m < adam_table.size(); ++m) {
      GridRow row{{m == 1 ? options.formats[f].name : "", std::string(adam_table[m].name),
                   percent_text(c.by[m].stalled, c.moving), percent_text(c.by[m].not_finite, c.weights)},
                  {}};
      if (decays) row.cells.push_back(percent_text(c.by[m].decay_lost, c.nonzero));
      grid.rows.push_back(std::move(row));
    }
  }
  if (grid.rows.empty()) return {};
  std::string words =
      "for-loop: foreach=False, a CPU's default. foreach: a GPU's default. Inf/NaN: weights after the step.";
  if (decays)
    words += " decay lost: weights that weight decay leaves where they are; all but fused round it by itself.";
  return {grid, Paragraph{words, 2, 0}};
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
    for (const StallCounts& c : tensor->of) row.cells.push_back(percent_text(c.nearest, c.moving));
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
    text += c.kahan == 0
                ? fmt::format(" With a Kahan compensation in {} every weight moves in the end;", name)
                : fmt::format(
                      " With a Kahan compensation in {} {} of the weights still never move if every step asks for "
                      "the same update;",
                      name, lost_text(c.kahan, c.moving));
    text += " stochastic rounding moves all as far as it should on average.";
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

Table optimizers_table(const UpdateOptions& options, const StateResult& result) {
  Table table{
      "optimizers",
      {"format", "optimizer", "what", "source", "moving", "stalled", "weights", "not_finite", "nonzero", "decay_lost"},
      {},
      false};
  for (std::size_t f = 0; f < options.formats.size(); ++f) {
    if (!torch_trains_in(options.formats[f].format)) continue;
    const StallCounts& c = result.total[f];
    for (std::size_t m = 1; m < adam_table.size(); ++m) {
      table.rows.push_back({text_cell(options.formats[f].name), text_cell(adam_table[m].name),
                            text_cell(adam_table[m].what), text_cell(adam_table[m].source), count_cell(c.moving),
                            count_cell(c.by[m].stalled), count_cell(c.weights), count_cell(c.by[m].not_finite),
                            count_cell(c.nonzero), count_cell(c.by[m].decay_lost)});
    }
  }
  return table;
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

}  // namespace

Report state_report(const StepSeries& series, const UpdateOptions& options, const StateResult& result) {
  Report report;
  report.tables = {stalls_table(options, result), optimizers_table(options, result)};
  report.story = {
      Paragraph{headline(options, result), 0, 2}, Paragraph{what_was_read(series, options, result), 0, 2},
      stalls_grid(options, result),
      Paragraph{"The update is exact here, only the weight is rounded. Kahan: weights that no number of equal updates "
                "would move. exp_avg_sq to 0: of those that are not. Inf/NaN: updates whose denominator would be 0.",
                2, 0}};
  for (Block& block : torch_grid(options, result)) report.story.push_back(std::move(block));
  for (Block& block : worst_tensors(options, result)) report.story.push_back(std::move(block));
  add_advice(report.story, options.formats, [&](std::size_t f) { return advice(options, result, f); });
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"One step. The update is that of the dumped state; a run in low precision would have had other "
                "states. On a GPU torch's operations round at the same places, but which products are fused with a sum "
                "differs (from source, not run).",
                2, 2});
  report.story.push_back(
      Paragraph{"Stochastic counts are of one draw: a weight stays more often the smaller its "
                "update is, but moves as far as it should on average.",
                2, 2});
  report.figures = {stalls_figure(series, options, result)};
  return report;
}

}  // namespace lowp::training
