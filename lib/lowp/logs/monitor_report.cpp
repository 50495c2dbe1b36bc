// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/monitor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr std::size_t max_panels = 12;

template <class Number>
Cell number_cell(const std::optional<Number>& number, std::string_view reason) {
  return number ? Cell{*number} : Cell{Null{std::string(reason)}};
}

// Scales that the section shows.
struct Scales {
  std::optional<double> first, lowest, highest, last;
};

Scales scales_of(const ScalerRun& run) {
  Scales scales;
  for (const ScalerStep& step : run.steps) {
    for (const auto& scale : {step.used, step.after}) {
      if (!scale) continue;
      if (!scales.first) scales.first = scale;
      if (!scales.lowest || *scale < *scales.lowest) scales.lowest = scale;
      if (!scales.highest || *scale > *scales.highest) scales.highest = scale;
      scales.last = scale;
    }
  }
  return scales;
}

std::uint64_t steps_of(const ScalerRun& run) {
  std::uint64_t steps = 0;
  for (const ScalerStep& step : run.steps) steps += step.count;
  return steps;
}

// "65536", "2^-13", "1399"
std::string scale_text(double scale) {
  int exponent = 0;
  const bool power = std::frexp(scale, &exponent) == 0.5;
  if (power && (scale < 1 || scale > 1e7)) return power_text(exponent - 1);
  return shortest(scale).ends_with(".0") ? shortest(scale).substr(0, shortest(scale).size() - 2) : shortest(scale);
}

std::string place_of(const LogSection& section) {
  return section.first_line == section.last_line ? fmt::format("line {}", section.first_line)
                                                 : fmt::format("lines {} to {}", section.first_line, section.last_line);
}

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

bool in_trouble(const LogSection& section) {
  return name_of(section.verdict.state).trouble;
}

// "2 of 7 sections are in trouble." / "run.log: spike and recovery."
std::string headline(std::span<const LogSection> sections) {
  if (sections.size() == 1) {
    const LogSection& only = sections.front();
    return fmt::format("{}: {}{}.", base_name(only.file), name_of(only.verdict.state).name,
                       only.verdict.began_step ? fmt::format(", from step {}", *only.verdict.began_step) : "");
  }
  const auto bad = static_cast<std::uint64_t>(std::ranges::count_if(sections, in_trouble));
  const auto silent = static_cast<std::uint64_t>(
      std::ranges::count(sections, ScalerState::no_scale_logged, [](const LogSection& s) { return s.verdict.state; }));
  std::string text = bad == 0   ? fmt::format("None of {} sections is in trouble", sections.size())
                     : bad == 1 ? fmt::format("1 of {} sections is in trouble", sections.size())
                                : fmt::format("{} of {} sections are in trouble", bad, sections.size());
  if (silent > 0) text += fmt::format("; {} {} no scale", silent, silent == 1 ? "logs" : "log");
  return text + ".";
}

Grid sections_grid(std::span<const LogSection> sections) {
  Grid grid{"", {"log", "lines", "verdict", "from step", "skipped", "last scale"}, 3, {}};
  for (const LogSection& section : sections) {
    const auto& verdict = section.verdict;
    const auto last = scales_of(section.run).last;
    grid.rows.push_back(
        {{middle_cut(base_name(section.file), 20), fmt::format("{}-{}", section.first_line, section.last_line),
          std::string(name_of(verdict.state).name), verdict.began_step ? fmt::format("{}", *verdict.began_step) : "-",
          verdict.skipped_steps ? grouped(*verdict.skipped_steps) : "-", last ? scale_text(*last) : "-"},
         {}});
  }
  return grid;
}

// "5 of 6 steps were skipped; the scale went from 65536 to 4096, where the run ended."
std::string evidence(const LogSection& section) {
  const Scales scales = scales_of(section.run);
  std::string text;
  if (section.verdict.skipped_steps) {
    const std::uint64_t steps = steps_of(section.run), skipped = *section.verdict.skipped_steps;
    text = skipped == 0 ? fmt::format("None of {} was skipped", counted(steps, "step", "steps"))
                        : fmt::format("{} of {} {} skipped", grouped(skipped), counted(steps, "step", "steps"),
                                      skipped == 1 ? "was" : "were");
  }
  if (scales.first) {
    text += text.empty() ? "The scale " : "; the scale ";
    if (*scales.lowest == *scales.highest) {
      text += fmt::format("stayed at {}", scale_text(*scales.first));
    } else {
      text += *scales.first == *scales.last
                  ? fmt::format("began and ended at {}", scale_text(*scales.first))
                  : fmt::format("went from {} to {}", scale_text(*scales.first), scale_text(*scales.last));
      if (*scales.lowest < std::min(*scales.first, *scales.last))
        text += fmt::format(", at least {}", scale_text(*scales.lowest));
      if (*scales.highest > std::max(*scales.first, *scales.last))
        text += fmt::format(", at most {}", scale_text(*scales.highest));
    }
  }
  if (section.run.ended_at_minimum) text += "; the run ended there";
  return text.empty() ? text : text + ".";
}

// One paragraph per verdict that occurs, the worst first; a lone section gets its evidence too.
std::vector<Block> meanings(std::span<const LogSection> sections) {
  std::vector<Block> blocks;
  const auto states = scaler_states();
  for (auto row = states.rbegin(); row != states.rend(); ++row) {
    std::string where;
    for (const LogSection& section : sections) {
      if (section.verdict.state != row->state) continue;
      where += (where.empty() ? "" : ", ") + base_name(section.file) + " " + place_of(section);
    }
    if (where.empty()) continue;
    if (sections.size() > 1) blocks.push_back(Heading{std::string(row->name)});
    if (sections.size() > 1) blocks.push_back(Paragraph{where, 2, 0});
    blocks.push_back(Paragraph{std::string(row->meaning), 2, 0});
    if (!row->advice.empty()) blocks.push_back(Paragraph{"What to do: " + std::string(row->advice), 2, 0});
  }
  return blocks;
}

// What a scale on a line belongs to, told where it is not the obvious.
std::vector<Block> not_covered(std::span<const LogSection> sections) {
  std::vector<Block> blocks{Heading{"Not covered"}};
  const auto any = [&](auto&& holds) { return std::ranges::any_of(sections, holds); };
  if (any([](const LogSection& s) { return s.scale_meaning == ScaleMeaning::of_the_next_step; })) {
    blocks.push_back(
        Paragraph{"a scale that is logged after the update is the next step's; the scale that a skipped "
                  "step ran at is the one before it.",
                  2, 0});
  }
  if (any([](const LogSection& s) { return !s.run.steps.empty() && !s.run.logs_scale; })) {
    blocks.push_back(Paragraph{"where no scale is logged, a lone skip is taken for a probe of the limit.", 2, 0});
  }
  blocks.push_back(
      Paragraph{"what a log does not print: skips between its lines, other ranks, gradients that vanish.", 2, 0});
  return blocks;
}

Panel panel_of(const LogSection& section) {
  Panel panel;
  panel.title = base_name(section.file);
  panel.remark = fmt::format("{}: {}", place_of(section), name_of(section.verdict.state).name);
  const auto& steps = section.run.steps;
  const bool numbered = std::ranges::all_of(steps, [](const ScalerStep& step) { return step.step.has_value(); });
  Trace trace{"scale", {}, {}, {}};
  double at = numbered ? -std::numeric_limits<double>::infinity() : 1;
  for (const ScalerStep& step : steps) {
    if (numbered) at = std::max(at, static_cast<double>(*step.step));
    const auto scale = step.used ? step.used : step.after;
    trace.from.push_back(at);
    trace.log2.push_back(scale ? std::log2(*scale) : std::numeric_limits<double>::quiet_NaN());
    if (step.skipped) trace.marked.push_back(at);
    if (!numbered) at += static_cast<double>(step.count);
  }
  if (!trace.from.empty()) panel.x = {trace.from.front(), trace.from.back() + 1};
  panel.traces.push_back(std::move(trace));
  if (section.verdict.began_step) panel.remark += fmt::format(", from step {}", *section.verdict.began_step);
  return panel;
}

std::vector<Figure> figures(std::span<const LogSection> sections) {
  Figure figure{"Loss scale and skipped steps", headline(sections), "step", "loss scale", {}};
  for (const LogSection& section : sections) {
    if (section.verdict.state == ScalerState::no_scale_logged || figure.panels.size() == max_panels) continue;
    figure.panels.push_back(panel_of(section));
  }
  if (figure.panels.empty()) return {};
  return {figure};
}

Table sections_table(std::span<const LogSection> sections) {
  Table table{"sections",
              {"file", "framework", "first_line", "last_line", "verdict", "began_step", "skipped_steps",
               "scale_meaning", "steps", "lowest_scale", "highest_scale", "last_scale"},
              {},
              false};
  for (const LogSection& section : sections) {
    const Scales scales = scales_of(section.run);
    const auto& verdict = section.verdict;
    table.rows.push_back({text_cell(section.file),
                          section.framework.empty() ? Cell{Null{"no line is known"}} : text_cell(section.framework),
                          {section.first_line},
                          {section.last_line},
                          text_cell(name_of(verdict.state).name),
                          number_cell(verdict.began_step, verdict.began ? "the lines give no step" : "nothing began"),
                          number_cell(verdict.skipped_steps, "the lines cannot show it"),
                          text_cell(name_of(section.scale_meaning)),
                          {steps_of(section.run)},
                          number_cell(scales.lowest, "not logged"),
                          number_cell(scales.highest, "not logged"),
                          number_cell(scales.last, "not logged")});
  }
  return table;
}

}  // namespace

Report monitor_report(std::span<const LogSection> sections) {
  Report report;
  report.tables = {sections_table(sections)};
  report.story.push_back(Paragraph{headline(sections), 0, 2});
  if (sections.size() == 1) {
    const std::string seen = evidence(sections.front());
    if (!seen.empty()) report.story.push_back(Paragraph{seen, 2, 0});
  } else {
    report.story.push_back(sections_grid(sections));
  }
  for (Block& block : meanings(sections)) report.story.push_back(std::move(block));
  for (Block& block : not_covered(sections)) report.story.push_back(std::move(block));
  report.figures = figures(sections);
  return report;
}

}  // namespace lowp
