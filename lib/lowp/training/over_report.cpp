// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/over_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowp/report/humanize.h"
#include "lowp/training/training_words.h"

namespace lowp::training {
namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

struct Findings {
  const StepSeries& series;
  const OverOptions& options;
  const OverResult& result;
  std::string unit, units;  // "micro-batch", "micro-batches"

  const Accumulator& accumulator(const OverOutcome& o) const { return options.accumulators[o.accumulator]; }
  const SumModel& model(const OverOutcome& o) const { return *options.models[o.model]; }
};

bool counts_losses(const Findings& f, const OverOutcome& o) {
  return !is_compensated(f.model(o).order);
}
std::uint64_t lost(const OverOutcome& o) {
  return o.flushed + o.absorbed;
}

std::string name_of(const Accumulator& accumulator) {
  for (const RoundingName& row : rounding_names) {
    if (row.mode == accumulator.rounding && row.mode != Rounding::nearest_even) {
      return fmt::format("{} {}", accumulator.name, row.alias);
    }
  }
  return accumulator.name;
}

// Outcomes of all contributions at one scale.
std::vector<const OverOutcome*> complete(const Findings& f, int scale) {
  std::vector<const OverOutcome*> all;
  for (const OverOutcome& o : f.result.outcomes) {
    if (o.terms == f.result.inputs && o.scale_log2 == scale) all.push_back(&o);
  }
  return all;
}

// "Summing 32 micro-batches in bf16 loses 3.1 % of the contributions; fp32 loses none."
std::string headline(const Findings& f) {
  std::string text;
  for (const OverOutcome* o : complete(f, f.options.scale_low)) {
    if (o->model != 0) continue;
    const std::string what =
        counts_losses(f, *o) ? fmt::format("loses {}", lost_text(lost(*o), o->contributions))
                             : fmt::format("has a typical error of {}", relative_text(o->error.relative_quantile(0.5)));
    if (text.empty()) {
      text = fmt::format("Summing {} {} in {} {}{}", f.result.inputs, f.units, name_of(f.accumulator(*o)), what,
                         counts_losses(f, *o) ? " of the contributions" : "");
    } else {
      text += fmt::format("; {} {}", name_of(f.accumulator(*o)), what);
    }
  }
  return text + ".";
}

std::string subtitle(const Findings& f) {
  return fmt::format("{}: {} values", sources_text(f.series), grouped(f.result.elements));
}

std::string what_was_read(const Findings& f) {
  std::string text = fmt::format("{}: {} with {} values in each, added element by element", sources_text(f.series),
                                 counted(f.result.tensors, "tensor", "tensors"), grouped(f.result.elements));
  if (f.options.scale_low != 0) text += fmt::format(", every one multiplied by {}", power_text(f.options.scale_low));
  return text + ".";
}

Grid outcome_grid(const Findings& f, int scale) {
  Grid grid{fmt::format("Against the exact sums{}", scale == 0 ? "" : ", contributions times " + power_text(scale)),
            {"kept in", "order", "lost", "stopped", "typical error", "worst 1 %", "bias", "SNR", "overflowed"},
            2,
            {}};
  std::size_t before = f.options.accumulators.size();
  for (const OverOutcome* o : complete(f, scale)) {
    const bool sequential = f.model(*o).order == SumOrder::sequential;
    grid.rows.push_back(
        {{o->accumulator == before ? "" : name_of(f.accumulator(*o)), std::string(f.model(*o).name),
          counts_losses(f, *o) ? percent_text(lost(*o), o->contributions) : "-",
          sequential ? percent_text(o->stopped, o->elements) : "-", relative_text(o->error.relative_quantile(0.5)),
          relative_text(o->error.relative_quantile(0.99)), relative_text(o->error.bias()),
          decibel_text(o->error.snr_db()), percent_text(o->overflowed, o->elements)},
         {}});
    before = o->accumulator;
  }
  return grid;
}

// All contributions in the first order.
const OverOutcome& at_scale(const Findings& f, std::size_t accumulator, int scale) {
  for (const OverOutcome* o : complete(f, scale)) {
    if (o->accumulator == accumulator && o->model == 0) return *o;
  }
  return f.result.outcomes.front();
}

// What each scale does to the first order. The text writer leaves columns out where they do not fit.
Grid scales_grid(const Findings& f) {
  Grid grid{fmt::format("The {} sums by log2 of the scale", f.options.models.front()->name), {"kept in", ""}, 2, {}};
  for (int scale = f.options.scale_low; scale <= f.options.scale_high; ++scale) {
    grid.header.push_back(fmt::format("{}", scale));
  }
  const auto add = [&](std::size_t a, bool first, std::string_view what, auto text) {
    GridRow row{{first ? name_of(f.options.accumulators[a]) : "", std::string(what)}, {}};
    for (int scale = f.options.scale_low; scale <= f.options.scale_high; ++scale) {
      row.cells.push_back(text(at_scale(f, a, scale)));
    }
    grid.rows.push_back(std::move(row));
  };
  for (std::size_t a = 0; a < f.options.accumulators.size(); ++a) {
    const bool losses = counts_losses(f, at_scale(f, a, f.options.scale_low));
    if (losses) add(a, true, "lost", [](const auto& o) { return percent_text(lost(o), o.contributions); });
    add(a, !losses, "SNR", [](const auto& o) { return decibel_text(o.error.snr_db()); });
    add(a, false, "overflowed", [](const auto& o) { return percent_text(o.overflowed, o.elements); });
    add(a, false, "beyond", [](const auto& o) { return percent_text(o.beyond, o.elements); });
  }
  return grid;
}

const OverOutcome* least_error(const std::vector<const OverOutcome*>& outcomes) {
  const auto key = [](const OverOutcome* o) {
    return std::pair(o->overflowed, -o->error.snr_db().value_or(std::numeric_limits<double>::infinity()));
  };
  return *std::ranges::min_element(outcomes, {}, key);
}

// What to do, one sentence per format, from the figures alone.
std::string advice(const Findings& f, std::size_t accumulator) {
  std::vector<const OverOutcome*> own = complete(f, f.options.scale_low);
  std::erase_if(own, [&](const OverOutcome* o) { return o->accumulator != accumulator; });
  const OverOutcome& first = *own.front();
  const double typical = first.error.relative_quantile(0.5).value_or(0);
  const double worst = first.error.relative_quantile(0.99).value_or(0);
  std::string text;
  if (first.overflowed != 0) {
    text = fmt::format("{} overflow on the way though their sums fit; use a smaller scale or another format.",
                       counted(first.overflowed, "element", "elements"));
  } else if (worst < 1e-3) {
    text =
        fmt::format("safe for {} {}: 99 % of the sums are within {}.", f.result.inputs, f.units, relative_text(worst));
  } else {
    text = fmt::format("half of the sums are off by {} or more, one in a hundred by {} or more.",
                       relative_text(typical), relative_text(worst));
  }
  const OverOutcome& best = *least_error(own);
  if (worst >= 1e-3 && &best != &first && best.error.snr_db() && first.error.snr_db() &&
      *best.error.snr_db() > *first.error.snr_db() + 3) {
    text += fmt::format(" {} makes it {:.0f} dB better (typical error {}).", f.model(best).name,
                        *best.error.snr_db() - *first.error.snr_db(), relative_text(best.error.relative_quantile(0.5)));
  }
  if (first.flushed != 0) {
    text += fmt::format(" {} of the contributions are too small for the format before anything is added: scale them.",
                        share_text(first.flushed, first.contributions));
  }
  return text;
}

std::vector<Block> not_covered(const Findings& f) {
  std::vector<Block> blocks{Heading{"Not covered"}};
  const auto say = [&](std::string text) { blocks.push_back(Paragraph{std::move(text), 2, 2}); };
  if (f.unit == "micro-batch") {
    say("Each dump stands for one micro-batch. If these are consecutive steps, gradients of one step agree more with "
        "one another than here, so sums grow faster and lose more.");
  } else {
    say("Each dump stands for one rank. How a library cuts buffers into chunks and which algorithm it picks depends "
        "on sizes and topology.");
  }
  say("Each contribution is rounded to the accumulator's format before it is added; that is part of the error.");
  for (const SumModel* model : f.options.models) {
    if (model->grade != Grade::agreed) {
      say(fmt::format("{}: {} ({}).", model->name, grade_text(model->grade), model->source));
    }
  }
  if (f.result.nonfinite != 0) {
    say(fmt::format("{} left out: a contribution is NaN or Inf.", counted(f.result.nonfinite, "element", "elements")));
  }
  if (!f.result.left_out.empty()) {
    say(fmt::format("{} left out that not every dump has with one shape (first: {}).",
                    counted(f.result.left_out.size(), "tensor", "tensors"), f.result.left_out.front()));
  }
  return blocks;
}

std::string words_used(const Findings& f) {
  std::string text =
      "lost: contributions too small for the format, and additions whose smaller operand left no trace. stopped: "
      "elements whose running sum did not change during the second half of the contributions. "
      "typical error: half of the sums are nearer. bias: mean error beyond (+) or short of (-) the exact sums. "
      "overflowed: sums that became Inf or NaN though the result fits.";
  if (f.options.scale_high != f.options.scale_low) text += " beyond: sums whose result does not fit.";
  return text;
}

std::vector<Block> story(const Findings& f) {
  std::vector<Block> blocks{Paragraph{headline(f), 0, 2}, Paragraph{what_was_read(f), 0, 2}};
  blocks.push_back(outcome_grid(f, f.options.scale_low));
  if (f.options.scale_high != f.options.scale_low) blocks.push_back(scales_grid(f));
  blocks.push_back(Paragraph{words_used(f), 2, 0});
  blocks.push_back(Heading{"What it means"});
  for (std::size_t a = 0; a < f.options.accumulators.size(); ++a) {
    const std::string label = name_of(f.options.accumulators[a]) + "  ";
    blocks.push_back(Paragraph{label + advice(f, a), 2, static_cast<int>(label.size())});
  }
  const std::vector<Block> rest = not_covered(f);
  blocks.insert(blocks.end(), rest.begin(), rest.end());
  return blocks;
}

Table models_table(const Findings& f) {
  Table table{"models", {"name", "what", "grade", "source"}, {}, false};
  for (const SumModel* model : f.options.models) {
    table.rows.push_back({text_cell(model->name), text_cell(model->what), text_cell(grade_text(model->grade)),
                          text_cell(model->source)});
  }
  return table;
}

Table sums_table(const Findings& f) {
  Table table{"sums",
              {"format", "rounding", "model", "scale_log2", "terms", "elements", "contributions", "flushed", "absorbed",
               "lost_of_contributions", "stopped", "overflowed", "beyond", "exact", "relative_error.median",
               "relative_error.p99", "relative_error.max", "bias", "snr_db"},
              {},
              false};
  for (const OverOutcome& o : f.result.outcomes) {
    const bool losses = counts_losses(f, o), sequential = f.model(o).order == SumOrder::sequential;
    const auto rounding = std::ranges::find(rounding_names, f.accumulator(o).rounding, &RoundingName::mode);
    constexpr std::string_view compensated = "absorbed parts are carried";
    table.rows.push_back(
        {text_cell(f.accumulator(o).name), text_cell(rounding->name), text_cell(f.model(o).name),
         integer_cell(o.scale_log2), count_cell(o.terms), count_cell(o.elements), count_cell(o.contributions),
         count_cell(o.flushed), losses ? count_cell(o.absorbed) : null_cell(compensated),
         losses ? rate_cell(lost(o), o.contributions) : null_cell(compensated),
         sequential ? count_cell(o.stopped) : null_cell("of the sequential order only"), count_cell(o.overflowed),
         count_cell(o.beyond), count_cell(o.error.exact_count()),
         real_cell(o.error.relative_quantile(0.5), "no sum that is not zero"),
         real_cell(o.error.relative_quantile(0.99), "no sum that is not zero"),
         real_cell(o.error.largest_relative(), "no sum that is not zero"), real_cell(o.error.bias(), "no signal"),
         real_cell(o.error.snr_db(), "no error or no signal")});
  }
  return table;
}

// A panel for each accumulator, a line for each order, over the numbers of contributions at the lowest scale.
template <class Value>
std::vector<Panel> panels_over_terms(const Findings& f, Value value) {
  std::vector<Panel> panels;
  for (std::size_t a = 0; a < f.options.accumulators.size(); ++a) {
    Panel panel;
    panel.title = name_of(f.options.accumulators[a]);
    for (std::size_t m = 0; m < f.options.models.size(); ++m) {
      Line line{std::string(f.options.models[m]->name), {}};
      for (const OverOutcome& o : f.result.outcomes) {
        if (o.accumulator != a || o.model != m || o.scale_log2 != f.options.scale_low) continue;
        if (m == 0) panel.x.push_back(std::log2(static_cast<double>(o.terms)));
        line.value.push_back(value(o));
      }
      panel.lines.push_back(std::move(line));
    }
    panels.push_back(std::move(panel));
  }
  return panels;
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Figure error_figure(const Findings& f) {
  return {fmt::format("Error of the sums as more {} are added", f.units), subtitle(f), fmt::format("{} added", f.units),
          "relative error (RMS)",
          panels_over_terms(f, [](const OverOutcome& o) { return o.error.relative_size().value_or(no_value); })};
}

Figure losses_figure(const Findings& f) {
  return {"Contributions lost: too small for the format or the sum", subtitle(f), fmt::format("{} added", f.units),
          "share of contributions", panels_over_terms(f, [&](const OverOutcome& o) {
            return counts_losses(f, o) ? share_of(lost(o), o.contributions) : no_value;
          })};
}

// The first order at each scale.
Figure scales_figure(const Findings& f) {
  Figure figure{fmt::format("The {} sums at each scale", f.options.models.front()->name),
                subtitle(f),
                "contributions multiplied by",
                "share",
                {}};
  for (std::size_t a = 0; a < f.options.accumulators.size(); ++a) {
    Panel panel;
    panel.title = name_of(f.options.accumulators[a]);
    panel.lines = {{"lost", {}}, {"overflowed", {}}, {"beyond", {}}, {"error", {}}};
    for (int scale = f.options.scale_low; scale <= f.options.scale_high; ++scale) {
      const OverOutcome& o = at_scale(f, a, scale);
      panel.x.push_back(scale);
      panel.lines[0].value.push_back(counts_losses(f, o) ? share_of(lost(o), o.contributions) : no_value);
      panel.lines[1].value.push_back(share_of(o.overflowed, o.elements));
      panel.lines[2].value.push_back(share_of(o.beyond, o.elements));
      panel.lines[3].value.push_back(o.error.relative_size().value_or(no_value));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace

Report over_report(const StepSeries& series, const OverOptions& options, const OverResult& result, bool ranks) {
  const Findings f{series, options, result, ranks ? "rank" : "micro-batch", ranks ? "ranks" : "micro-batches"};
  Report report;
  report.tables = {models_table(f), sums_table(f)};
  report.story = story(f);
  report.figures = {error_figure(f), losses_figure(f)};
  if (options.scale_low != options.scale_high) report.figures.push_back(scales_figure(f));
  return report;
}

}  // namespace lowp::training
