// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/over_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowp/accumulate/cells.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

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

std::string what_was_read(const Findings& f) {
  std::string text = fmt::format("{}: {} of {} values each, added element by element", sources_text(f.series),
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
          counts_losses(f, *o) ? share_text(lost(*o), o->contributions) : "-",
          sequential ? share_text(o->stopped, o->elements) : "-", relative_text(o->error.relative_quantile(0.5)),
          relative_text(o->error.relative_quantile(0.99)), relative_text(o->error.bias()),
          decibel_text(o->error.snr_db()), share_text(o->overflowed, o->elements)},
         {}});
    before = o->accumulator;
  }
  return grid;
}

const OverOutcome* least_error(const std::vector<const OverOutcome*>& outcomes) {
  const auto key = [](const OverOutcome* o) {
    return std::pair(o->overflowed, -o->error.snr_db().value_or(std::numeric_limits<double>::infinity()));
  };
  return *std::ranges::min_element(outcomes, {}, key);
}

// What to do, one sentence a format, from the figures alone.
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

std::vector<Block> story(const Findings& f) {
  std::vector<Block> blocks{Paragraph{headline(f), 0, 2}, Paragraph{what_was_read(f), 0, 2}};
  blocks.push_back(outcome_grid(f, f.options.scale_low));
  if (f.options.scale_high != f.options.scale_low) blocks.push_back(outcome_grid(f, f.options.scale_high));
  blocks.push_back(
      Paragraph{"lost: contributions that changed nothing. stopped: elements whose later half of "
                "contributions changed nothing. bias: mean error toward (+) or short of (-) the exact sum.",
                2, 0});
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

Figure figure(const Findings& f) {
  Figure figure{fmt::format("What is lost as more {} are added", f.units),
                fmt::format("{}: {} values", sources_text(f.series), grouped(f.result.elements)),
                fmt::format("{} added", f.units),
                "share of contributions",
                {}};
  for (std::size_t a = 0; a < f.options.accumulators.size(); ++a) {
    for (std::size_t m = 0; m < f.options.models.size(); ++m) {
      Panel panel;
      const SumModel& model = *f.options.models[m];
      panel.title = name_of(f.options.accumulators[a]);
      panel.remark = is_compensated(model.order) ? fmt::format("{}: what is rounded away is carried", model.name)
                                                 : std::string(model.name);
      panel.bands = {{"flushed to zero", {}}, {"lost when added", {}}};
      panel.line_label = "signal to noise, dB";
      for (const OverOutcome& o : f.result.outcomes) {
        const bool power = (o.terms & (o.terms - 1)) == 0;  // the axis is a power of two
        if (o.accumulator != a || o.model != m || o.scale_log2 != f.options.scale_low || !power) continue;
        const auto share = [&](std::uint64_t part) {
          return o.contributions == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(o.contributions);
        };
        panel.x.push_back(std::log2(static_cast<double>(o.terms)));
        panel.bands[0].share.push_back(share(o.flushed));
        panel.bands[1].share.push_back(counts_losses(f, o) ? share(o.absorbed) : 0);
        panel.line.push_back(o.error.snr_db().value_or(std::numeric_limits<double>::quiet_NaN()));
      }
      figure.panels.push_back(std::move(panel));
    }
  }
  return figure;
}

}  // namespace

Report over_report(const StepSeries& series, const OverOptions& options, const OverResult& result, bool ranks,
                   std::string_view tool_version) {
  const Findings f{series, options, result, ranks ? "rank" : "micro-batch", ranks ? "ranks" : "micro-batches"};
  Report report;
  report.tables = {tool_table(tool_version), inputs_table(series), models_table(f), sums_table(f)};
  report.story = story(f);
  report.figures = {figure(f)};
  return report;
}

}  // namespace lowp
