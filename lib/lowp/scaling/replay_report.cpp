// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/replay_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"
#include "lowp/scaling/scaler_words.h"

namespace lowp::scaling {
namespace {

Cell log2_cell(double scale) {
  const double log2 = std::log2(std::fabs(scale));
  return std::isfinite(log2) ? Cell{log2} : Cell{Null{"the scale is " + hex_text(scale)}};
}

Nested parameters_of(const Replay& replay) {
  Table table{"params", {}, {{}}, true};
  for (const Parameter& parameter : replay.setup.scaler->parameters) {
    const double value = replay.setup.settings.*parameter.field;
    table.keys.emplace_back(parameter.name);
    table.rows.front().push_back(std::isfinite(value) ? Cell{value} : Cell{Null{"None"}});
  }
  return std::make_shared<const Table>(std::move(table));
}

// Made when they are written, so that a million of them are never held.
Nested steps_of(const Replay& replay) {
  Table table{"steps", {"step", "scale", "scale_log2", "skipped"}, {}};
  table.more = [&replay](const TakeRow& take) {
    double last = -1;
    Row row(4);
    for (const ReplayedStep& step : replay.steps) {
      row[0] = Cell{step.step};
      if (step.scale != last) {
        row[1] = text_cell(hex_text(step.scale));
        row[2] = log2_cell(step.scale);
        last = step.scale;
      }
      row[3] = Cell{step.skipped};
      if (!take(row)) return;
    }
  };
  return std::make_shared<const Table>(std::move(table));
}

Table replays_table(const ReplayAnswer& answer) {
  Table table{
      "replays",
      {"scaler", "params", "init_scale", "init_scale_log2", "steps", "skipped_first", "skipped_later", "final_scale",
       "final_scale_log2", "growths", "overflows_taken", "guesses", "raised", "run_steps", "source"},
      {},
      false};
  for (const Replay& replay : answer.replays) {
    const Scaler& row = *replay.setup.scaler;
    const double first = replay.steps.empty() ? replay.final_scale : replay.steps.front().scale;
    table.rows.push_back(
        {text_cell(row.name), Cell{parameters_of(replay)}, text_cell(hex_text(first)), log2_cell(first),
         Cell{steps_of(replay)}, Cell{std::uint64_t{replay.skipped_first}}, Cell{std::uint64_t{replay.skipped_later}},
         text_cell(hex_text(replay.final_scale)), log2_cell(replay.final_scale), Cell{std::uint64_t{replay.growths}},
         Cell{std::uint64_t{replay.overflows_taken}}, Cell{std::uint64_t{replay.guesses}}, Cell{replay.raised},
         Cell{std::uint64_t{replay.from_run}}, text_cell(row.vectors.empty() ? "from source, not run" : row.source)});
  }
  return table;
}

// One row per step of the run: the share at the scale in force.
Table flushed_table(const ReplayAnswer& answer) {
  Table table{"flushed", {"scaler", "step", "scale", "least", "most"}, {}};
  table.more = [&answer](const TakeRow& take) {
    for (const Replay& replay : answer.replays) {
      for (std::size_t i = 0; i < std::min(replay.from_run, replay.steps.size()); ++i) {
        const std::size_t index = (i + 1) * static_cast<std::size_t>(answer.loop.accumulate) - 1;
        const auto share = flushed_share(*answer.run, index, replay.steps[i].scale / answer.loop.divide);
        if (!share) continue;
        if (!take({text_cell(replay.setup.scaler->name), Cell{replay.steps[i].step},
                   text_cell(hex_text(replay.steps[i].scale)), Cell{share->least}, Cell{share->most}}))
          return;
      }
    }
  };
  return table;
}

Table differences_table(const ReplayAnswer& answer) {
  Table table{"differences", {"a", "b", "step", "a_scale", "b_scale", "a_skipped", "b_skipped"}, {}, false};
  const Replay& a = answer.replays.front();
  for (std::size_t other = 1; other < answer.replays.size(); ++other) {
    const Replay& b = answer.replays[other];
    const auto at = first_difference(a, b);
    std::vector<Cell> row{text_cell(a.setup.scaler->name), text_cell(b.setup.scaler->name)};
    if (at) {
      for (Cell& cell : std::vector<Cell>{Cell{a.steps[*at].step}, text_cell(hex_text(a.steps[*at].scale)),
                                          text_cell(hex_text(b.steps[*at].scale)), Cell{a.steps[*at].skipped},
                                          Cell{b.steps[*at].skipped}})
        row.push_back(std::move(cell));
    } else {
      row.push_back(Cell{Null{"no step differs"}});
      row.resize(7, Cell{Null{}});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Cell share_cell(const std::optional<ShareInterval>& share) {
  if (!share) return Cell{Null{"only the largest magnitudes are known"}};
  return Cell{std::make_shared<const Table>(
      Table{"flushed", {"least", "most"}, {{Cell{share->least}, Cell{share->most}}}, true})};
}

Nested trials_of(const std::vector<Trial>& trials) {
  Table table{
      "trials", {"init_scale_log2", "growth_interval", "skipped", "flushed_of_nonzero", "final_scale_log2"}, {}, false};
  for (const Trial& trial : trials) {
    table.rows.push_back({log2_cell(trial.init), Cell{trial.interval}, Cell{std::uint64_t{trial.skipped}},
                          share_cell(trial.flushed), log2_cell(trial.final_scale)});
  }
  return std::make_shared<const Table>(std::move(table));
}

Table advice_table(const ReplayAnswer& answer) {
  const Advice& advice = *answer.advice;
  const bool has_interval = interval_parameter(*advice.replay.setup.scaler) != nullptr;
  Table table{"advice",
              {"scaler", "init_scale", "init_scale_log2", "growth_interval", "skipped", "hopeless_steps",
               "binding_step", "without_binding_log2", "trials"},
              {},
              true};
  table.rows.push_back({text_cell(advice.replay.setup.scaler->name),
                        text_cell(hex_text(std::ldexp(1.0, advice.init_log2))), Cell{std::int64_t{advice.init_log2}},
                        has_interval ? Cell{advice.interval} : Cell{Null{"the scaler has none"}},
                        Cell{std::uint64_t{advice.replay.skipped()}}, Cell{std::uint64_t{advice.hopeless}},
                        Cell{step_of_update(*answer.run, answer.loop, advice.binding)},
                        advice.without_binding_log2 ? Cell{std::int64_t{*advice.without_binding_log2}}
                                                    : Cell{Null{"not higher by two binades or more"}},
                        Cell{trials_of(advice.trials)}});
  return table;
}

// Changes of the scale only.
Trace trace_of(const Replay& replay) {
  Trace trace{replay_name(replay), {}, {}, {}};
  for (std::size_t i = 0; i < replay.steps.size(); ++i) {
    const auto at = static_cast<double>(replay.steps[i].step);
    if (i == 0 || replay.steps[i].scale != replay.steps[i - 1].scale) {
      trace.from.push_back(at);
      trace.log2.push_back(std::log2(replay.steps[i].scale));
    }
    if (replay.steps[i].skipped) trace.marked.push_back(at);
  }
  return trace;
}

}  // namespace

std::vector<Table> replay_tables(const ReplayAnswer& answer) {
  std::vector<Table> tables{replays_table(answer)};
  if (answer.run->share_below) tables.push_back(flushed_table(answer));
  if (answer.shows_differences) tables.push_back(differences_table(answer));
  if (answer.shows_advice && answer.advice) tables.push_back(advice_table(answer));
  return tables;
}

Figure replay_figure(const ReplayAnswer& answer) {
  Panel panel;
  double first = 0, last = 1;
  for (const Replay& replay : answer.replays) {
    panel.traces.push_back(trace_of(replay));
    if (replay.steps.empty()) continue;
    first = static_cast<double>(replay.steps.front().step);
    last = std::max(last, static_cast<double>(replay.steps.back().step));
  }
  if (answer.shows_advice && answer.advice) {
    panel.traces.push_back(trace_of(answer.advice->replay));
    panel.traces.back().label = "advised";
  }
  panel.x = {first, last};
  panel.title = "Loss scale over steps";
  panel.remark = answer_line(answer.replays.front());
  return {
      "What the loss scaler would have done", answer.run->source, "step of training", "loss scale", {std::move(panel)}};
}

Report replay_report(const ReplayAnswer& answer) {
  Report report;
  report.tables = replay_tables(answer);
  report.story = replay_story(answer);
  report.figures.push_back(replay_figure(answer));
  return report;
}

}  // namespace lowp::scaling
