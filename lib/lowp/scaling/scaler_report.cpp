// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/scaler_report.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <memory>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"
#include "lowp/scaling/scaler_words.h"

namespace lowp::scaling {
namespace {

std::string_view words_of(Unscaled unscaled) {
  switch (unscaled) {
    case Unscaled::by_the_scale_used: return "by the scale used";
    case Unscaled::by_the_next_scale: return "by the next scale";
    case Unscaled::twice: return "twice";
    case Unscaled::not_after_overflow: return "not on the step after an overflow";
  }
  return "";
}

std::string_view words_of(Schedule schedule) {
  switch (schedule) {
    case Schedule::callers: return "as the caller does it";
    case Schedule::waits: return "waits";
    case Schedule::advances: return "advances";
  }
  return "";
}

std::string_view words_of(Saved saved) {
  switch (saved) {
    case Saved::yes: return "saved";
    case Saved::no: return "lost";
    case Saved::one: return "comes back as 1";
  }
  return "";
}

// First scales as powers of two, other settings as numbers.
std::string initial_text(const Scaler& row, const Parameter& parameter) {
  return &parameter == &init_parameter(row) ? scale_text(parameter.initial) : number_text(parameter.initial);
}

std::string interval_text(const Scaler& row) {
  const Parameter* interval = interval_parameter(row);
  return interval == nullptr ? "-" : number_text(interval->initial);
}

Grid list_grid(std::span<const Scaler* const> rows) {
  Grid grid{"", {"name", "framework", "first", "interval", "executed"}, 2, {}};
  for (const Scaler* row : rows) {
    grid.rows.push_back(
        {{std::string(row->name), std::string(row->what), initial_text(*row, init_parameter(*row)), interval_text(*row),
          row->vectors.empty() ? "from source, not run"
          : row->informational ? "informational"
                               : "yes"},
         {}});
  }
  return grid;
}

void describe(std::vector<Block>& story, const Scaler& row) {
  story.push_back(Heading{fmt::format("{}: {}", row.name, row.what)});
  const auto say = [&](std::string_view title, std::string_view line) {
    if (!line.empty()) story.push_back(Paragraph{fmt::format("{}: {}", title, line), 2, 2});
  };
  say("Rule", row.rule);
  say("Kept as", row.arithmetic);
  say("Tested", row.tested);
  say("A checkpoint loses", row.resume);
  say("Gradients are unscaled", words_of(row.unscaled));
  say("A learning-rate schedule on skipped steps", words_of(row.schedule));
  say("Caution", row.caution);
  say("Source", row.source);
  say("Evidence",
      row.vectors.empty() ? "from source, not run" : "recorded trajectories of " + std::string(row.vectors));
  Grid parameters{"Parameters", {"name", "default"}, 1, {}};
  for (const Parameter& parameter : row.parameters)
    parameters.rows.push_back({{std::string(parameter.name), initial_text(row, parameter)}, {}});
  story.push_back(std::move(parameters));
}

Nested parameters_of(const Scaler& row) {
  Table table{"parameters", {"name", "default"}, {}, false};
  for (const Parameter& parameter : row.parameters) {
    table.rows.push_back(
        {text_cell(parameter.name), std::isnan(parameter.initial) ? Cell{Null{"None"}} : Cell{parameter.initial}});
  }
  return std::make_shared<const Table>(std::move(table));
}

Nested counters_of(const Scaler& row) {
  Table table{"counters", {"name", "checkpoint"}, {}, false};
  for (const Counter& counter : row.counters)
    table.rows.push_back({text_cell(counter.name), text_cell(words_of(counter.saved))});
  return std::make_shared<const Table>(std::move(table));
}

Table scalers_table(std::span<const Scaler* const> rows) {
  Table table{"scalers",
              {"name", "what", "vectors", "executed", "informational", "source", "rule", "arithmetic", "tested",
               "resume", "caution", "unscaled", "schedule", "skips", "parameters", "counters"},
              {},
              false};
  for (const Scaler* row : rows) {
    table.rows.push_back({text_cell(row->name), text_cell(row->what),
                          row->vectors.empty() ? Cell{Null{"from source, not run"}} : text_cell(row->vectors),
                          Cell{!row->vectors.empty()}, Cell{row->informational}, text_cell(row->source),
                          text_cell(row->rule), text_cell(row->arithmetic), text_cell(row->tested),
                          text_cell(row->resume), text_cell(row->caution), text_cell(words_of(row->unscaled)),
                          text_cell(words_of(row->schedule)), Cell{row->skips}, Cell{parameters_of(*row)},
                          Cell{counters_of(*row)}});
  }
  return table;
}

RunSeries example(std::size_t steps, bool (*overflows_at)(std::size_t step)) {
  RunSeries run;
  for (std::size_t i = 0; i < steps; ++i) {
    StepFacts step{.step = static_cast<std::int64_t>(i)};
    step.see(Kind::grad, overflows_at(i) ? std::numeric_limits<double>::infinity() : 0x1p-100);
    run.steps.push_back(step);
  }
  return run;
}

std::string side_text(const Replay& replay, std::size_t at) {
  return scale_text(replay.steps[at].scale) + (replay.steps[at].skipped ? ", skipped" : "");
}

}  // namespace

Report scalers_report(std::span<const Scaler* const> rows) {
  Report report;
  report.tables.push_back(scalers_table(rows));
  if (rows.size() == 1) {
    describe(report.story, *rows.front());
    return report;
  }
  std::size_t executed = 0;
  for (const Scaler* row : rows) executed += !row->vectors.empty();
  report.story.push_back(Paragraph{fmt::format(
      "{}, of which {} compared with recorded trajectories of the framework itself "
      "(precision-audit verify scalers). Name one for its rule and its source.",
      counted(rows.size(), "loss scaler", "loss scalers"), executed == 1 ? "1 is" : fmt::format("{} are", executed))});
  report.story.push_back(list_grid(rows));
  return report;
}

std::vector<NamedRun> example_runs() {
  return {{"60 clean steps", example(60, [](std::size_t) { return false; })},
          {"one overflow at step 5", example(60, [](std::size_t i) { return i == 5; })},
          {"every third overflows", example(24, [](std::size_t i) { return i % 3 == 2; })},
          {"2 overflows, 4 clean, ...", example(24, [](std::size_t i) { return i % 6 < 2; })}};
}

Report difference_report(const Setup& a, const Setup& b, std::span<const NamedRun> runs, const Loop& loop) {
  Report report;
  Table table{
      "differences",
      {"run", "a", "b", "step", "a_scale", "b_scale", "a_skipped", "b_skipped", "a_final_scale", "b_final_scale"},
      {},
      false};
  const std::string name_a(a.scaler->name), name_b(b.scaler->name);
  Grid grid{"", {"run", "step", name_a, name_b, name_a + " last", name_b + " last"}, 1, {}};
  std::size_t different = 0;
  for (const NamedRun& named : runs) {
    const Replay left = replay(named.run, a, loop), right = replay(named.run, b, loop);
    const auto at = first_difference(left, right);
    different += at.has_value();
    const Cell none{Null{"no step differs"}};
    table.rows.push_back({text_cell(named.name), text_cell(name_a), text_cell(name_b),
                          at ? Cell{left.steps[*at].step} : none,
                          at ? text_cell(hex_text(left.steps[*at].scale)) : none,
                          at ? text_cell(hex_text(right.steps[*at].scale)) : none,
                          at ? Cell{left.steps[*at].skipped} : none, at ? Cell{right.steps[*at].skipped} : none,
                          text_cell(hex_text(left.final_scale)), text_cell(hex_text(right.final_scale))});
    grid.rows.push_back(
        {{named.name, at ? fmt::format("{}", left.steps[*at].step) : "none", at ? side_text(left, *at) : "",
          at ? side_text(right, *at) : "", scale_text(left.final_scale), scale_text(right.final_scale)},
         {}});
  }
  report.tables.push_back(std::move(table));
  report.story.push_back(Paragraph{
      runs.size() == 1 ? fmt::format("{} and {} {}.", name_a, name_b,
                                     different == 0 ? "do the same at every step" : "differ on this run")
                       : fmt::format("{} and {} differ on {} of {} runs.", name_a, name_b, different, runs.size())});
  report.story.push_back(std::move(grid));
  return report;
}

}  // namespace lowp::scaling
