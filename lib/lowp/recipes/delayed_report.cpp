// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "lowp/recipes/delayed_audit.h"
#include "lowp/recipes/recipe_words.h"

namespace lowp::recipes {
namespace {

// All tensors under one window.
struct WindowTotals {
  std::uint32_t window = 0;
  RecipeCounts first, later;  // the first step of each tensor, and the others
  std::uint64_t steps = 0, frozen = 0, clipping_steps = 0;
};

std::string window_text(std::uint32_t window) {
  return window == 0 ? "current scaling" : fmt::format("window {}", window);
}

std::vector<WindowTotals> totals(const DelayedAudit& audit) {
  std::vector<WindowTotals> all;
  for (const DelayedTrajectory& trajectory : audit.trajectories) {
    auto at = std::ranges::find(all, trajectory.window, &WindowTotals::window);
    if (at == all.end()) {
      at = all.emplace(all.end());
      at->window = trajectory.window;
    }
    for (std::size_t s = 0; s < trajectory.steps.size(); ++s) {
      const DelayedStep& step = trajectory.steps[s];
      (s == 0 ? at->first : at->later).merge(step.counts);
      ++at->steps;
      at->frozen += step.frozen;
      at->clipping_steps += step.counts.saturated_beyond_half != 0;
    }
  }
  return all;
}

std::string_view name_of(DelayedBy by) {
  return std::ranges::find(delayed_names, by, &DelayedName::by)->name;
}

Grid totals_grid(const std::vector<WindowTotals>& all) {
  Grid grid{"Of the values that are not zero",
            {"scale from", "first step flushed", "later flushed", "later saturated", "clipping steps", "frozen steps"},
            1,
            {}};
  for (const WindowTotals& t : all) {
    grid.rows.push_back(
        {{window_text(t.window), percent_text(t.first.flushed, t.first.nonzero()),
          share_text(t.later.flushed, t.later.nonzero()), share_text(t.later.saturated_beyond_half, t.later.nonzero()),
          share_text(t.clipping_steps, t.steps), share_text(t.frozen, t.steps)},
         {}});
  }
  return grid;
}

// The tensor that loses most in its first step.
const DelayedTrajectory* worst_start(const DelayedAudit& audit) {
  const DelayedTrajectory* worst = nullptr;
  double most = 0;
  for (const DelayedTrajectory& trajectory : audit.trajectories) {
    if (trajectory.window == 0) continue;
    const RecipeCounts& c = trajectory.steps.front().counts;
    const double share = c.nonzero() == 0 ? 0 : static_cast<double>(c.flushed) / static_cast<double>(c.nonzero());
    if (share > most) {
      most = share;
      worst = &trajectory;
    }
  }
  return worst;
}

std::string headline(const DelayedAudit& audit, const std::vector<WindowTotals>& all, std::size_t steps) {
  const auto current = std::ranges::find(all, 0u, &WindowTotals::window);
  const WindowTotals& first = all.front();
  std::string text = fmt::format(
      "In the first step, at a scale of 1, delayed scaling flushes {} of the values that are "
      "not zero; current scaling {}.",
      percent_text(first.first.flushed, first.first.nonzero()),
      percent_text(current->first.flushed, current->first.nonzero()));
  if (const DelayedTrajectory* worst = worst_start(audit)) {
    const RecipeCounts& c = worst->steps.front().counts;
    text += fmt::format(" Most is lost of {}: {}.", worst->tensor, percent_text(c.flushed, c.nonzero()));
  }
  if (steps == 1) return text + " One step only: the windows cannot be told apart.";
  return text;
}

Table trajectories_table(const StepSeries& series, const DelayedAudit& audit) {
  Table table{"trajectories",
              {"tensor", "format", "window", "path", "step", "largest", "scale_used", "frozen", "flushed", "nonzero",
               "saturated_beyond_half"},
              {},
              false};
  for (const DelayedTrajectory& t : audit.trajectories) {
    for (const DelayedStep& step : t.steps) {
      const Input& input = series.inputs[step.input];
      const auto finite = [](float x) { return std::isfinite(x) ? Cell{static_cast<double>(x)} : Cell{Null{"Inf"}}; };
      table.rows.push_back({text_cell(t.tensor), text_cell(t.format),
                            t.window == 0 ? Cell{Null{"current scaling"}} : count_cell(t.window), text_cell(input.path),
                            input.step ? Cell{*input.step} : Cell{Null{"not known"}}, finite(step.largest),
                            finite(step.scale), Cell{step.frozen}, count_cell(step.counts.flushed),
                            count_cell(step.counts.nonzero()), count_cell(step.counts.saturated_beyond_half)});
    }
  }
  return table;
}

}  // namespace

Report delayed_report(const StepSeries& series, const DelayedAuditOptions& options, const DelayedAudit& audit) {
  Report report;
  report.tables = {trajectories_table(series, audit)};
  if (audit.trajectories.empty()) {
    report.story = {Paragraph{"No tensor has a value."}};
    return report;
  }
  const std::vector<WindowTotals> all = totals(audit);
  std::set<std::string> tensors;
  for (const DelayedTrajectory& t : audit.trajectories) tensors.insert(t.tensor);
  report.story = {
      Paragraph{headline(audit, all, series.inputs.size()), 0, 2},
      Paragraph{fmt::format("{}, {} over {}, as {} updates; gradients in E5M2, all else in E4M3; margin {}, {}.",
                            std::filesystem::path(series.inputs.front().path).filename().string(),
                            counted(tensors.size(), "tensor", "tensors"),
                            counted(series.inputs.size(), "step", "steps"), name_of(options.by), options.margin,
                            options.algorithm == FromHistory::max ? "largest of the window" : "most recent"),
                0, 2},
      totals_grid(all),
      Paragraph{"clipping steps: of all tensors and steps, those where a value lies beyond the largest number and half "
                "of its unit. frozen: an Inf in the window keeps the scale.",
                2, 0}};
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"The steps are taken as consecutive. Micro-batches between two updates, reduction over "
                "ranks and recomputation are not replayed.",
                2, 2});
  if (options.by == DelayedBy::te_jax) {
    report.story.push_back(Paragraph{"te-jax follows the source; no recorded results were compared.", 2, 2});
  }
  return report;
}

}  // namespace lowp::recipes
