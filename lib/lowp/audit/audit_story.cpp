// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/audit_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "lowp/audit/audit_tables.h"
#include "lowp/audit/tensor_kind.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

double to_double(Exact x) {
  return std::ldexp(static_cast<double>(x.significand), x.exponent);
}

std::string base_name(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path;
  const std::size_t slash = path.rfind('/', end);
  return path.substr(slash == std::string::npos ? 0 : slash + 1,
                     end - (slash == std::string::npos ? 0 : slash + 1) + 1);
}

// Steps of which elements were counted.
std::vector<const StepSummary*> counted_steps(const Summary& summary) {
  std::vector<const StepSummary*> steps;
  for (const StepSummary& step : summary.steps) {
    if (counts_elements(step)) steps.push_back(&step);
  }
  return steps;
}

std::string source_text(const Summary& summary) {
  const auto steps = counted_steps(summary);
  if (steps.empty()) return base_name(summary.steps.front().path);
  const StepSummary &first = *steps.front(), &last = *steps.back();
  std::string text = steps.size() == 1 ? base_name(first.path)
                                       : fmt::format("{} to {}", base_name(first.path), base_name(last.path));
  if (steps.size() > 1) text = counted(steps.size(), "file", "files") + ", " + text;
  if (first.step && last.step && *first.step != *last.step) {
    text += fmt::format(", steps {} to {}", *first.step, *last.step);
  } else if (first.step) {
    text += fmt::format(", step {}", *first.step);
  }
  return text;
}

std::string dtypes_text(const Summary& summary) {
  std::string text;
  for (const Dtype& dtype : dtype_table) {
    bool used = false;
    for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
      used = used || (tensor.dtype == &dtype && counts_elements(tensor.evidence));
    });
    if (used) text += (text.empty() ? "" : "/") + std::string(dtype.safetensors);
  }
  return text;
}

std::size_t tensors_in(const Summary& summary) {
  std::size_t tensors = 0;
  for (const StepSummary* step : counted_steps(summary)) tensors += step->tensors.size();
  return tensors;
}

// "peaks.csv: largest values of 3 names over 400 steps, 1 to 400; of gradients 2.1e+03 in grad/w at step 30".
std::optional<std::string> what_peaks_say(const Summary& summary) {
  std::set<std::string_view> names;
  std::vector<const StepSummary*> steps;
  const TensorSummary* largest = nullptr;
  const StepSummary* when = nullptr;
  std::size_t special = 0;
  for (const StepSummary& step : summary.steps) {
    if (counts_elements(step)) continue;
    steps.push_back(&step);
    bool has_special = false;
    for (const TensorSummary& tensor : step.tensors) {
      names.insert(tensor.name);
      const TensorKind kind = kind_of(tensor.name);
      if (kind == TensorKind::forward || kind == TensorKind::loss_gradient) continue;
      const Census census = census_of(tensor.evidence);
      has_special |= census.nan_in + census.inf_in != 0;
      if (largest && !magnitude_less(census_of(largest->evidence).max_abs, census.max_abs)) continue;
      largest = &tensor;
      when = &step;
    }
    special += has_special ? 1 : 0;
  }
  if (steps.empty()) return {};
  std::string text = fmt::format("{}: largest values of {} over {}", base_name(steps.front()->path),
                                 counted(names.size(), "name", "names"), counted(steps.size(), "step", "steps"));
  if (steps.size() > 1 && steps.front()->step && steps.back()->step)
    text += fmt::format(", {} to {}", *steps.front()->step, *steps.back()->step);
  if (largest)
    text += fmt::format("; of gradients {} in {} at step {}", magnitude_text(to_double(census_of(largest->evidence).max_abs)),
                        middle_cut(largest->name, 60), when->step.value_or(0));
  if (special != 0)
    text += fmt::format("; NaN or Inf among the gradients of {}, which no scale can help", counted(special, "step", "steps"));
  return text;
}

std::string what_was_read(const AuditFindings& f) {
  const Outcome& total = f.result.total.front().front();
  std::string text = fmt::format("{}: {}, {} {}", source_text(f.result.summary),
                                 counted(tensors_in(f.result.summary), "tensor", "tensors"),
                                 counted(total.elements, "value", "values"), dtypes_text(f.result.summary));
  const std::string zeros =
      total.zero_in == 0 ? "no zeros" : percent_text(total.zero_in.most, total.elements) + " exact zeros";
  const std::string specials = total.nan_in + total.inf_in == 0
                                   ? "no NaN or Inf"
                                   : fmt::format("{} NaN, {} Inf", grouped(total.nan_in), grouped(total.inf_in));
  return fmt::format("{} ({}, {})", text, zeros, specials);
}

// Of a dump with a finite non-zero value.
std::string extremes_text(const AuditFindings& f) {
  const TensorSummary *largest = nullptr, *smallest = nullptr;
  double most = 0, least = 0;
  for_each_tensor(f.result.summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    if (!counts_elements(tensor.evidence)) return;
    const Census census = census_of(tensor.evidence);
    if (census.max_abs.kind != Kind::finite) return;
    if (!largest || to_double(census.max_abs) > most) {
      largest = &tensor;
      most = to_double(census.max_abs);
    }
    if (!smallest || to_double(census.min_nonzero_abs) < least) {
      smallest = &tensor;
      least = to_double(census.min_nonzero_abs);
    }
  });
  return fmt::format("largest {} in {}, smallest non-zero {} in {}", magnitude_text(most),
                     middle_cut(largest->name, 60), magnitude_text(least), middle_cut(smallest->name, 60));
}

// Scales that a person wants to see: every fourth, or all when there are few.
std::vector<int> shown_scales(const ScaleRange& scales) {
  const int step = scales.size() <= 12 ? 1 : 4;
  std::vector<int> shown;
  for (int scale = scales.low; scale <= scales.high; ++scale) {
    if (scale % step == 0) shown.push_back(scale);
  }
  return shown;
}

// Where anything overflowed the errors of the rest say nothing.
std::string decibel_text(const Outcome& outcome) {
  if (outcome.error && outcome.error->snr_db) return fmt::format("{:.0f} dB", *outcome.error->snr_db);
  return outcome.error && outcome.counts[ElementClass::overflowed] == 0 ? "exact" : "-";
}

// Nothing below 0 dB is worth telling apart, nothing above 160 dB either.
double decibel_height(const Outcome& outcome) {
  return outcome.error && outcome.error->snr_db ? std::clamp(*outcome.error->snr_db / 160, 0.0, 1.0) : 0;
}

void add_target_rows(Grid& grid, const AuditFindings& f, std::size_t target, const std::vector<int>& shown) {
  const bool saturates = f.question.overflow.saturate_finite;
  struct Line {
    std::string label;
    ElementClass element_class;
  };
  const Line lines[] = {
      {"flushed", ElementClass::flushed},
      {"subnormal", ElementClass::subnormal},
      {saturates ? "saturated" : "overflow", saturates ? ElementClass::saturated : ElementClass::overflowed}};
  std::string name = f.question.formats[target].name;
  for (const Line& line : lines) {
    GridRow row{{name, line.label}, {}};
    for (const int scale : shown) {
      const Outcome& outcome = f.result.total[target][f.question.scales.index(scale)];
      const std::uint64_t part = outcome.counts[line.element_class].most, whole = outcome.nonzero().most;
      row.cells.push_back(percent_text(part, whole));
      row.spark.push_back(whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole));
    }
    grid.rows.push_back(std::move(row));
    name.clear();
  }
  if (f.question.counts_only) return;
  GridRow row{{"", "SNR"}, {}};
  for (const int scale : shown) {
    const Outcome& outcome = f.result.total[target][f.question.scales.index(scale)];
    row.cells.push_back(decibel_text(outcome));
    row.spark.push_back(decibel_height(outcome));
  }
  grid.rows.push_back(std::move(row));
}

Grid shares_grid(const AuditFindings& f) {
  const std::vector<int> shown = shown_scales(f.question.scales);
  Grid grid{"Share of non-zero values by log2(loss scale)", {"", ""}, 2, {}};
  for (const int scale : shown) grid.header.push_back(fmt::format("{}", scale));
  for (std::size_t target = 0; target < f.question.formats.size(); ++target) add_target_rows(grid, f, target, shown);
  return grid;
}

std::string joined(const std::vector<std::string>& sentences, const char* between) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : between) + sentence;
  return text;
}

}  // namespace

int shown_scale(const AuditFindings& f, std::size_t target) {
  return f.recommendations[target].shown_log2;
}

std::vector<Block> audit_story(const AuditFindings& f) {
  std::vector<Block> story;
  std::size_t widest = 0;
  for (const NamedTarget& format : f.question.formats) widest = std::max(widest, format.name.size());
  for (std::size_t i = 0; i < f.recommendations.size(); ++i) {
    const Recommendation& advice = f.recommendations[i];
    const std::string label = fmt::format("{:<{}}  ", f.question.formats[i].name, widest);
    const int indent = static_cast<int>(label.size());
    story.push_back(Paragraph{label + advice.verdict, 0, indent});
    if (!advice.reasons.empty()) story.push_back(Paragraph{joined(advice.reasons, " "), indent, 0});
  }
  const std::optional<std::string> peaks = what_peaks_say(f.result.summary);
  if (!f.result.total.empty()) story.push_back(Heading{what_was_read(f)});
  if (peaks) story.push_back(f.result.total.empty() ? Block{Heading{*peaks}} : Block{Paragraph{*peaks, 0, 2}});
  if (!f.result.total.empty() && f.result.total.front().front().nonzero().most != 0) {
    story.push_back(Paragraph{extremes_text(f), 0, 2});
    story.push_back(shares_grid(f));
    story.push_back(worst_tensors(f));
    if (const auto steps = steps_grid(f)) story.push_back(*steps);
  }
  story.push_back(Heading{"Not covered"});
  for (const std::string& caveat : f.caveats) story.push_back(Paragraph{caveat, 2, 2});
  for (const StepSummary& step : f.result.summary.steps) {
    for (const std::string& note : step.notes) {
      story.push_back(Paragraph{fmt::format("{}: {}", base_name(step.path), note), 2, 2});
    }
  }
  return story;
}

std::string subtitle_of(const AuditFindings& f) {
  if (f.result.total.empty()) return source_text(f.result.summary);
  const Outcome& any = f.result.total.front().front();
  return fmt::format("{}: {}, {} of them finite and not zero", source_text(f.result.summary),
                     counted(any.elements, "value", "values"), grouped(any.nonzero().most));
}

void point_out(Panel& panel, const Recommendation& advice, const ScaleRange& scales) {
  panel.has_window = advice.has_window();
  panel.window_low = advice.window_low.value_or(scales.low);
  panel.window_high = advice.window_high.value_or(scales.high);
  panel.has_marker = advice.pictured_scale_log2() && !advice.needs_no_scale;
  panel.marker = advice.pictured_scale_log2().value_or(0);
  (panel.has_marker ? panel.marker_label : panel.remark) = advice.pictured_note();
}

namespace {

// Shares of a format by scale, where elements were counted.
void add_shares(Panel& panel, const AuditFindings& f, std::size_t target) {
  panel.bands = {{"flushed to zero", {}}, {"subnormal", {}}, {"overflowed", {}}};
  if (!f.question.counts_only) panel.line_label = "signal to noise, dB";
  for (const Outcome& outcome : f.result.total[target]) {
    const auto share = [&](Interval part) {
      const std::uint64_t whole = outcome.nonzero().most;
      return whole == 0 ? 0.0 : static_cast<double>(part.most) / static_cast<double>(whole);
    };
    panel.x.push_back(outcome.scale_log2);
    panel.bands[0].share.push_back(share(outcome.counts[ElementClass::flushed]));
    panel.bands[1].share.push_back(share(outcome.counts[ElementClass::subnormal]));
    panel.bands[2].share.push_back(
        share(outcome.counts[ElementClass::overflowed] + outcome.counts[ElementClass::saturated]));
    if (!f.question.counts_only)
      panel.line.push_back(outcome.error->snr_db.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
}

}  // namespace

Figure audit_figure(const AuditFindings& f) {
  Figure figure{"What each format loses, by loss scale", subtitle_of(f), "loss scale", "share of non-zero values", {}};
  if (f.result.total.empty()) return figure;
  for (std::size_t target = 0; target < f.question.formats.size(); ++target) {
    Panel panel;
    panel.title = f.question.formats[target].name;
    add_shares(panel, f, target);
    point_out(panel, f.recommendations[target], f.question.scales);
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace lowp
