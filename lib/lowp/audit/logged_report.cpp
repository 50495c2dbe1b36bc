// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/logged_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lowp/audit/audit_story.h"
#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr int shown_scales = 6;
constexpr std::string_view exact_line =
    "writer.add_histogram(name, grad, step, bins=sorted([0.0] + [x for k in range(-149, 128) for x in (-2.0**k, "
    "2.0**k, "
    "2.0**k * (1 + 2.0**-24))]))";

struct Findings {
  std::span<const LoggedInput> inputs;
  const Question& question;
  const LoggedAudit& audit;
};

template <class Number>
Cell number_cell(const std::optional<Number>& number, std::string_view reason) {
  if (!number) return {Null{std::string(reason)}};
  if constexpr (std::is_same_v<Number, int>) return {std::int64_t{*number}};
  if constexpr (!std::is_same_v<Number, int>) return {*number};
}
Cell share_cell(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? Cell{Null{"no values"}} : Cell{static_cast<double>(part) / static_cast<double>(whole)};
}

std::string range_text(Interval count, std::uint64_t whole) {
  return percent_range(count.least, count.most, whole);
}

std::set<std::string_view> readers_of(const Findings& f) {
  std::set<std::string_view> names;
  for (const LoggedInput& input : f.inputs) names.insert(input.reader);
  return names;
}

// The histogram with the largest value that is known.
const LoggedHistogram* largest_of(const Findings& f) {
  const LoggedHistogram* largest = nullptr;
  for (const LoggedInput& input : f.inputs) {
    for (const LoggedHistogram& h : input.run.histograms) {
      if (peak_of(h) && (largest == nullptr || peak_of(h)->most > peak_of(*largest)->most)) largest = &h;
    }
  }
  return largest;
}

std::string what_was_read(const Findings& f) {
  std::string readers;
  for (const std::string_view name : readers_of(f)) readers += (readers.empty() ? "" : ", ") + std::string(name);
  std::string text =
      fmt::format("{} of {}, {} in bins ({})", counted(f.audit.histograms, "histogram", "histograms"),
                  counted(f.audit.steps.size(), "step", "steps"), counted(f.audit.values, "value", "values"), readers);
  if (f.audit.dropped > 0) text += fmt::format("; {} in no bin (NaN, Inf or out of range)", grouped(f.audit.dropped));
  if (const LoggedHistogram* h = largest_of(f)) {
    const auto peak = peak_of(*h);
    text += fmt::format("; largest {}{} in {}", peak->exact ? "" : "at most ", magnitude_text(peak->most), h->name);
  }
  return text;
}

Grid sweep_grid(const Findings& f) {
  Grid grid{"Zero or flushed to zero, of all values, by log2(loss scale)", {""}, 1, {}};
  const ScaleRange& scales = f.question.scales;
  std::vector<int> shown;
  for (int i = 0; i < shown_scales; ++i) {
    const int scale = scales.low + (scales.high - scales.low) * i / (shown_scales - 1);
    if (shown.empty() || shown.back() != scale) shown.push_back(scale);
  }
  for (const int scale : shown) grid.header.push_back(fmt::format("{}", scale));
  for (std::size_t i = 0; i < f.audit.formats.size(); ++i) {
    GridRow row{{f.question.formats[i].name}, {}};
    for (const int scale : shown) {
      row.cells.push_back(range_text(f.audit.formats[i].sweep[scales.index(scale)].zero_or_flushed, f.audit.values));
    }
    grid.rows.push_back(std::move(row));
  }
  return grid;
}

// What stands where no advice can be given.
std::string why_no_advice(const Findings& f) {
  if (f.audit.values == 0) return "No values, so nothing to scale.";
  return fmt::format("No scale can be called safe: the largest value of {} is not known (a NaN in a TensorBoard "
                     "histogram hides it).",
                     counted(f.audit.unknown_peaks, "histogram", "histograms"));
}

// One paragraph per format, as of a dump.
std::vector<Block> advice(const Findings& f) {
  std::vector<Block> blocks;
  if (f.audit.recommendations.empty()) return {Paragraph{why_no_advice(f), 0, 2}};
  std::size_t widest = 0;
  for (const NamedTarget& format : f.question.formats) widest = std::max(widest, format.name.size());
  for (std::size_t i = 0; i < f.audit.recommendations.size(); ++i) {
    const Recommendation& one = f.audit.recommendations[i];
    const std::string label = fmt::format("{:<{}}  ", f.question.formats[i].name, widest);
    const int indent = static_cast<int>(label.size());
    blocks.push_back(Paragraph{label + one.verdict, 0, indent});
    std::string reasons;
    for (const std::string& reason : one.reasons) reasons += (reasons.empty() ? "" : " ") + reason;
    if (!reasons.empty()) blocks.push_back(Paragraph{reasons, indent, 0});
  }
  return blocks;
}

// "from 2^19 at step 1 to 2^17 at step 200, 2^16 at the lowest"
std::string drift_text(const Findings& f) {
  std::vector<const LoggedStep*> known;
  for (const LoggedStep& step : f.audit.steps) {
    if (step.largest && step.step && *step.largest > 0) known.push_back(&step);
  }
  if (known.size() < 2) return "";
  const auto highest = *std::ranges::max_element(known, {}, [](const LoggedStep* step) { return *step->largest; });
  return fmt::format("Over {} steps the largest value went from {} (step {}) to {} (step {}), at most {} (step {}).",
                     known.size(), magnitude_text(*known.front()->largest), *known.front()->step,
                     magnitude_text(*known.back()->largest), *known.back()->step, magnitude_text(*highest->largest),
                     *highest->step);
}

std::vector<Block> not_covered(const Findings& f) {
  std::vector<Block> blocks{Heading{"Not covered"}};
  const auto say = [&](std::string text) { blocks.push_back(Paragraph{std::move(text), 2, 2}); };
  for (const std::string& caveat : f.audit.caveats) say(caveat);
  if (readers_of(f).contains("wandb")) {
    say("What wandb.watch saw: gradients still multiplied by the loss scale, one micro-batch at a time.");
  }
  for (const LoggedInput& input : f.inputs) {
    for (const std::string& note : input.run.notes) say(fmt::format("{}: {}.", input.path, note));
  }
  blocks.push_back(Heading{"To know it exactly"});
  say("log with bins that end at powers of two and just above them, one line in PyTorch (values exactly on a tie stay "
      "open):");
  say(std::string(exact_line));
  say("or dump the gradients of one step to a .safetensors file and audit that.");
  return blocks;
}

std::vector<Block> story(const Findings& f) {
  std::vector<Block> blocks = advice(f);
  blocks.push_back(Heading{what_was_read(f)});
  if (const std::string drift = drift_text(f); !drift.empty()) blocks.push_back(Paragraph{drift, 0, 2});
  if (f.audit.values > 0) blocks.push_back(sweep_grid(f));
  for (Block& block : not_covered(f)) blocks.push_back(std::move(block));
  return blocks;
}

std::vector<Source> sources_of(const Findings& f) {
  std::vector<Source> sources;
  for (const LoggedInput& input : f.inputs) {
    std::set<std::int64_t> steps;
    std::uint64_t values = 0;
    for (const LoggedHistogram& h : input.run.histograms) {
      if (h.step) steps.insert(*h.step);
      values += h.total();
    }
    sources.push_back({input.path, std::string(input.reader), std::vector(steps.begin(), steps.end()),
                       input.run.histograms.size(), values, input.bytes, input.run.notes});
  }
  return sources;
}

Table steps_table(const Findings& f) {
  Table table{"steps", {"step", "histograms", "values", "dropped", "largest", "largest_exact"}, {}, false};
  for (const LoggedStep& step : f.audit.steps) {
    table.rows.push_back({number_cell(step.step, "not logged"),
                          {step.histograms},
                          {step.values},
                          {step.dropped},
                          number_cell(step.largest, "not known"),
                          {step.largest_exact}});
  }
  return table;
}

Table tensors_table(const Findings& f) {
  Table table{"tensors", {"name", "step", "values", "dropped", "bins", "largest", "largest_exact"}, {}, false};
  for (const LoggedInput& input : f.inputs) {
    for (const LoggedHistogram& h : input.run.histograms) {
      const auto peak = peak_of(h);
      table.rows.push_back({text_cell(h.name),
                            number_cell(h.step, "not logged"),
                            {h.total()},
                            {h.dropped},
                            {std::uint64_t{h.counts.size()}},
                            peak ? Cell{peak->most} : Cell{Null{"not known"}},
                            {peak && peak->exact}});
    }
  }
  return table;
}

Table formats_table(const Findings& f) {
  Table table{"formats",
              {"format", "verdict", "s_high_log2", "s_high_exact", "limiting", "window_low_log2.least",
               "window_low_log2.most", "init_scale_log2", "static_scale_log2", "headroom_log2", "reasons"},
              {},
              false};
  constexpr std::string_view unknown = "a largest value is not known, or all are zero";
  for (std::size_t i = 0; i < f.audit.formats.size(); ++i) {
    const LoggedFormat& format = f.audit.formats[i];
    const Recommendation none, &advice = f.audit.recommendations.empty() ? none : f.audit.recommendations[i];
    CellList reasons;
    for (const std::string& reason : advice.reasons) reasons.push_back(text_cell(reason));
    const std::string_view everywhere = advice.nothing_to_scale() ? unknown : "met down to the smallest scale";
    table.rows.push_back({text_cell(f.question.formats[i].name),
                          text_cell(f.audit.recommendations.empty() ? why_no_advice(f) : advice.verdict),
                          format.safe ? Cell{std::int64_t{format.safe->scale_log2}} : Cell{Null{std::string(unknown)}},
                          {format.safe && format.safe->exact},
                          text_cell(format.limiting),
                          number_cell(advice.judgement.range_low_least, everywhere),
                          number_cell(advice.judgement.range_low, everywhere),
                          number_cell(advice.init_scale_log2, "8-bit formats have a scale per tensor, or nothing to scale"),
                          number_cell(advice.static_scale_log2, "nothing to scale"),
                          number_cell(advice.headroom_log2, "nothing to scale"),
                          {std::move(reasons)}});
  }
  return table;
}

Table sweep_table(const Findings& f) {
  Table table{"sweep",
              {"format", "scale_log2", "values", "zero_or_flushed.least", "zero_or_flushed.most",
               "zero_or_flushed_of_all.least", "zero_or_flushed_of_all.most", "beyond.least", "beyond.most"},
              {},
              false};
  for (std::size_t i = 0; i < f.audit.formats.size(); ++i) {
    for (const LoggedOutcome& o : f.audit.formats[i].sweep) {
      table.rows.push_back({text_cell(f.question.formats[i].name),
                            {std::int64_t{o.scale_log2}},
                            {f.audit.values},
                            {o.zero_or_flushed.least},
                            {o.zero_or_flushed.most},
                            share_cell(o.zero_or_flushed.least, f.audit.values),
                            share_cell(o.zero_or_flushed.most, f.audit.values),
                            {o.beyond.least},
                            {o.beyond.most}});
    }
  }
  return table;
}

// Surely flushed, perhaps flushed, surely beyond; what is left may be either.
Figure sweep_figure(const Findings& f) {
  Figure figure{"Zero or flushed values against the loss scale: bounds from logged histograms",
                what_was_read(f),
                "loss scale",
                "share of all values",
                {}};
  const double all = std::max<double>(1, static_cast<double>(f.audit.values));
  for (std::size_t i = 0; i < f.audit.formats.size(); ++i) {
    const LoggedFormat& format = f.audit.formats[i];
    Panel panel;
    panel.title = f.question.formats[i].name;
    panel.bands = {{"zero or flushed", {}}, {"perhaps zero or flushed", {}}, {"overflow", {}}};
    for (const LoggedOutcome& o : format.sweep) {
      panel.x.push_back(o.scale_log2);
      panel.bands[0].share.push_back(static_cast<double>(o.zero_or_flushed.least) / all);
      panel.bands[1].share.push_back(static_cast<double>(o.zero_or_flushed.most - o.zero_or_flushed.least) / all);
      panel.bands[2].share.push_back(static_cast<double>(o.beyond.least) / all);
    }
    if (!f.audit.recommendations.empty()) point_out(panel, f.audit.recommendations[i], f.question.scales);
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace

Report logged_report(std::span<const LoggedInput> inputs, const Question& question, const LoggedAudit& audit) {
  const Findings f{inputs, question, audit};
  Report report;
  report.sources = sources_of(f);
  report.tables = {steps_table(f), tensors_table(f), formats_table(f), sweep_table(f)};
  report.story = story(f);
  report.figures = {sweep_figure(f)};
  return report;
}

}  // namespace lowp
