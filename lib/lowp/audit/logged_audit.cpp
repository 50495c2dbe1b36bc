// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/logged_audit.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "lowp/audit/logged_bounds.h"
#include "lowp/core/convert.h"
#include "lowp/core/dtype.h"
#include "lowp/summary/class_edges.h"

namespace lowp {
namespace {

constexpr double max_regret = 0.01;  // share of what the largest safe scale keeps that the window's low end may lose
constexpr int min_headroom = 3;

Exact exact_of(double value) {
  return decode(find_dtype("f64")->format, std::bit_cast<std::uint64_t>(value));
}

template <class Visit>
void for_each_histogram(std::span<const LoggedInput> inputs, Visit visit) {
  for (const LoggedInput& input : inputs) {
    for (const LoggedHistogram& histogram : input.run.histograms) visit(histogram);
  }
}

Threshold at_scale(Threshold threshold, int scale_log2) {
  threshold.at = scaled(threshold.at, -scale_log2);
  return threshold;
}

LoggedOutcome outcome_of(std::span<const LoggedInput> inputs, const Target& target, int dump_scale_log2,
                         int scale_log2) {
  const int factor = scale_log2 - dump_scale_log2;
  const ClassEdges negative = edges_of(target, true), positive = edges_of(target, false);
  LoggedOutcome outcome{.scale_log2 = scale_log2, .zero_or_flushed = {}, .beyond = {}};
  for_each_histogram(inputs, [&](const LoggedHistogram& h) {
    outcome.zero_or_flushed += count_below(h, at_scale(negative.flushed, factor), at_scale(positive.flushed, factor));
    outcome.beyond += Interval::exactly(h.total()) -
                      count_below(h, at_scale(negative.finite, factor), at_scale(positive.finite, factor));
  });
  return outcome;
}

// The largest scale that every histogram's largest value allows.
void find_safe(std::span<const LoggedInput> inputs, const Target& target, int dump_scale_log2, LoggedFormat& format) {
  bool known = true;
  for_each_histogram(inputs, [&](const LoggedHistogram& h) {
    const auto peak = peak_of(h);
    known &= peak.has_value();
    if (!peak || peak->most == 0) return;
    const SafeScale safe{largest_safe_scale_log2(target, exact_of(peak->most)) + dump_scale_log2, peak->exact};
    if (format.safe && safe.scale_log2 > format.safe->scale_log2) return;
    const bool exact = safe.exact || (format.safe && format.safe->scale_log2 == safe.scale_log2 && format.safe->exact);
    if (!format.safe || safe.scale_log2 < format.safe->scale_log2) format.limiting = h.name;
    format.safe = {safe.scale_log2, exact};
  });
  if (!known) format.safe = std::nullopt;
}

// Scales at which no more than a share of what the safe scale keeps is lost again: surely, and perhaps.
void find_window(const LoggedAudit& audit, const Question& question, LoggedFormat& format) {
  if (!format.safe) return;
  const int high = std::min(format.safe->scale_log2, question.scales.high);
  if (high < question.scales.low) return;
  const Interval best = format.sweep[question.scales.index(high)].zero_or_flushed;
  const Interval kept = Interval::exactly(audit.values) - best;
  for (int scale = high; scale >= question.scales.low; --scale) {
    const Interval lost = format.sweep[question.scales.index(scale)].zero_or_flushed - best;
    const bool surely = static_cast<double>(lost.most) <= max_regret * static_cast<double>(kept.least);
    const bool perhaps = static_cast<double>(lost.least) <= max_regret * static_cast<double>(kept.most);
    if (!perhaps) break;
    if ((surely || scale == high) && (!format.low_most || *format.low_most == scale + 1)) format.low_most = scale;
    format.low_least = scale;
  }
  format.init_scale_log2 = std::max(format.safe->scale_log2 - audit.headroom, format.low_least.value_or(high));
}

std::vector<LoggedStep> steps_of(std::span<const LoggedInput> inputs) {
  std::map<std::optional<std::int64_t>, LoggedStep> steps;
  for_each_histogram(inputs, [&](const LoggedHistogram& h) {
    const bool first = !steps.contains(h.step);
    LoggedStep& step = steps[h.step];
    step.step = h.step;
    ++step.histograms;
    step.values += h.total();
    step.dropped += h.dropped;
    const auto peak = peak_of(h);
    if (!peak || (!first && !step.largest)) {
      step.largest = std::nullopt;
    } else if (first || peak->most >= *step.largest) {
      step.largest_exact = peak->exact;
      step.largest = peak->most;
    }
  });
  std::vector<LoggedStep> list;
  for (auto& [number, step] : steps) list.push_back(step);
  return list;
}

// The largest rise of a new maximum over all before it and one binade more, three at least.
int headroom_of(const LoggedAudit& audit) {
  double rise = 0, highest = 0;
  for (const LoggedStep& step : audit.steps) {
    if (!step.largest || *step.largest == 0) continue;
    if (highest > 0) rise = std::max(rise, std::log2(*step.largest / highest));
    highest = std::max(highest, *step.largest);
  }
  return std::max(min_headroom, static_cast<int>(std::ceil(rise)) + 1);
}

}  // namespace

bool has_float32_range(Format format) {
  return min_exponent(format) <= -126;
}

LoggedAudit audit_logged(std::span<const LoggedInput> inputs, const Question& question, int dump_scale_log2) {
  LoggedAudit audit;
  for_each_histogram(inputs, [&](const LoggedHistogram& h) {
    ++audit.histograms;
    audit.values += h.total();
    audit.dropped += h.dropped;
    audit.unknown_peaks += peak_of(h) ? 0 : 1;
  });
  audit.steps = steps_of(inputs);
  audit.headroom = headroom_of(audit);
  for (std::size_t f = 0; f < question.formats.size(); ++f) {
    LoggedFormat format;
    for (int scale = question.scales.low; scale <= question.scales.high; ++scale) {
      format.sweep.push_back(outcome_of(inputs, question.target(f), dump_scale_log2, scale));
    }
    find_safe(inputs, question.target(f), dump_scale_log2, format);
    find_window(audit, question, format);
    if (has_float32_range(question.formats[f].format)) format.init_scale_log2 = std::nullopt;
    audit.formats.push_back(std::move(format));
  }
  return audit;
}

}  // namespace lowp
