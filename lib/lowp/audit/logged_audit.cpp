// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/logged_audit.h"

#include <algorithm>
#include <bit>
#include <map>

#include "lowp/core/convert.h"
#include "lowp/core/dtype.h"
#include "lowp/summary/below.h"
#include "lowp/summary/class_edges.h"

namespace lowp {
namespace {

Exact exact_of(double value) {
  return decode(find_dtype("f64")->format, std::bit_cast<std::uint64_t>(value));
}

template <class Visit>
void for_each_histogram(std::span<const LoggedInput> inputs, Visit visit) {
  for (const LoggedInput& input : inputs) {
    for (const LoggedHistogram& histogram : input.run.histograms) visit(histogram);
  }
}

// The histograms as evidence, step by step.
Summary summary_of(std::span<const LoggedInput> inputs, int dump_scale_log2) {
  std::map<std::optional<std::int64_t>, StepSummary> steps;
  for_each_histogram(inputs, [&](const LoggedHistogram& h) {
    StepSummary& step = steps[h.step];
    step.step = h.step;
    step.dump_scale_log2 = dump_scale_log2;
    step.tensors.push_back({h.name, find_dtype("f32"), {h.total()}, Evidence{bins_of(h, dump_scale_log2)}});
  });
  Summary summary;
  for (auto& [number, step] : steps) summary.steps.push_back(std::move(step));
  return summary;
}

LoggedOutcome outcome_of(const Summary& summary, const Target& target, int scale_log2) {
  const auto at_scale = [&](Threshold threshold) {
    threshold.at = scaled(threshold.at, -scale_log2);
    return threshold;
  };
  const ClassEdges negative = edges_of(target, true), positive = edges_of(target, false);
  LoggedOutcome outcome{.scale_log2 = scale_log2, .zero_or_flushed = {}, .beyond = {}};
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    const Bins& bins = std::get<Bins>(tensor.evidence);
    outcome.zero_or_flushed += zero_or_below(bins, at_scale(negative.flushed), at_scale(positive.flushed));
    outcome.beyond += Interval::exactly(bins.elements()) -
                      zero_or_below(bins, at_scale(negative.finite), at_scale(positive.finite));
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

}  // namespace

LoggedAudit audit_logged(std::span<const LoggedInput> inputs, const Question& question, const Policy& policy,
                         int dump_scale_log2) {
  LoggedAudit audit;
  for_each_histogram(inputs, [&](const LoggedHistogram& h) {
    ++audit.histograms;
    audit.values += h.total();
    audit.dropped += h.dropped;
    audit.unknown_peaks += peak_of(h) ? 0 : 1;
  });
  audit.steps = steps_of(inputs);
  AuditResult result{summary_of(inputs, dump_scale_log2), {}, {}};
  for (std::size_t f = 0; f < question.formats.size(); ++f) {
    LoggedFormat format;
    for (int scale = question.scales.low; scale <= question.scales.high; ++scale) {
      format.sweep.push_back(outcome_of(result.summary, question.target(f), scale));
    }
    find_safe(inputs, question.target(f), dump_scale_log2, format);
    audit.formats.push_back(std::move(format));
  }
  // Counts of all values together are the sweep's: nothing overflows where advice looks, and nothing else is asked.
  result.total.assign(question.formats.size(), std::vector<Outcome>(question.scales.size()));
  if (audit.unknown_peaks != 0 || audit.values == 0) return audit;
  audit.recommendations = recommend(result, question, policy);
  audit.caveats = caveats(result, question, policy, audit.recommendations);
  return audit;
}

}  // namespace lowp
