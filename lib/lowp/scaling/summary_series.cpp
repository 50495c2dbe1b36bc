// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/summary_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/report/humanize.h"
#include "lowp/summary/below.h"

namespace lowp::scaling {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double magnitude_of(Exact x) {
  return x.kind == lowp::Kind::finite ? std::ldexp(static_cast<double>(x.significand), x.exponent) : 0;
}

Threshold threshold_at(double magnitude, bool inclusive) {
  constexpr Format fp64 = find_format("fp64").format;
  if (!std::isfinite(magnitude)) return above_all;
  return {decode(fp64, std::bit_cast<std::uint64_t>(magnitude)), inclusive};
}

// Evidence of many tensors together, as few pieces as can be added.
struct Pool {
  std::vector<Evidence> pieces;

  void add(const Evidence& evidence) {
    if (!pieces.empty()) {
      if (auto both = merged(pieces.back(), evidence)) {
        pieces.back() = std::move(*both);
        return;
      }
    }
    pieces.push_back(evidence);
  }

  // The whole is what is below and what is not, so that zeros need not be known.
  std::optional<ShareInterval> share_below(Threshold threshold) const {
    Interval part, rest;
    for (const Evidence& piece : pieces) {
      part += below(piece, threshold, Signs::both);
      rest += between(piece, threshold, above_all, Signs::both);
    }
    if (part.most + rest.most == 0) return {};
    const auto share = [](std::uint64_t count, std::uint64_t others) {
      return count + others == 0 ? 0 : static_cast<double>(count) / static_cast<double>(count + others);
    };
    return ShareInterval{rest.most == 0 ? 1 : share(part.least, rest.most), share(part.most, rest.least)};
  }
};

struct StepEvidence {
  StepFacts facts;
  Pool weights, all;  // gradients
};

void see(StepEvidence& step, Kind kind, const Evidence& evidence, double dump_scale) {
  const Census census = census_of(evidence);
  step.facts.see(kind, magnitude_of(census.max_abs));
  if (census.nan_in != 0) step.facts.see(kind, std::numeric_limits<double>::quiet_NaN());
  const bool is_bound = dump_scale != 1 && kind != Kind::act;
  if (census.inf_in != 0) step.facts.see(kind, is_bound ? 65520 / dump_scale : infinity);
  if (kind == Kind::act || kind == Kind::loss_grad || !counts_elements(evidence)) return;
  step.all.add(evidence);
  if (kind == Kind::grad) step.weights.add(evidence);
}

bool has_kinds(const Summary& summary) {
  bool any = false;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    const std::size_t slash = tensor.name.find('/');
    any |= slash != tensor.name.npos && find_magnitude_kind(tensor.name.substr(0, slash)).has_value();
  });
  return any;
}

void note_repeats(const std::map<std::int64_t, std::size_t>& inputs, std::vector<std::string>& notes) {
  const auto repeated = std::ranges::count_if(inputs, [](const auto& entry) { return entry.second > 1; });
  if (repeated == 0) return;
  notes.push_back(fmt::format("{} in more than one input: they count together, as all ranks share one scale.",
                              counted(static_cast<std::uint64_t>(repeated), "step is", "steps are")));
}

}  // namespace

RunSeries facts_of_summary(const Summary& summary) {
  RunSeries run;
  run.kinds_known = has_kinds(summary);
  std::map<std::int64_t, StepEvidence> by_number;
  std::map<std::int64_t, std::size_t> inputs;
  std::size_t bounded = 0;
  for (std::size_t i = 0; i < summary.steps.size(); ++i) {
    const StepSummary& step = summary.steps[i];
    const std::int64_t number = step.step.value_or(static_cast<std::int64_t>(i + 1));
    const double dump_scale = std::ldexp(1.0, step.dump_scale_log2);
    ++inputs[number];
    StepEvidence& evidence = by_number[number];
    evidence.facts.step = number;
    if (step.loss_dtype) run.loss_dtype = step.loss_dtype;
    for (const std::string& note : step.notes) run.notes.push_back(fmt::format("{}: {}", step.path, note));
    for (const TensorSummary& tensor : step.tensors) {
      see(evidence, kind_of_tensor(tensor.name), tensor.evidence, dump_scale);
      bounded += dump_scale != 1 && census_of(tensor.evidence).inf_in != 0;
    }
    if (i < 3) run.source += (i == 0 ? "" : ", ") + step.path;
  }
  if (summary.steps.size() > 3) run.source += fmt::format(" and {} more", grouped(summary.steps.size() - 3));
  note_repeats(inputs, run.notes);
  if (bounded != 0) {
    run.notes.push_back(
        fmt::format("{} Inf at the scale of the dump: it overflows from there on, and was taken to be finite below.",
                    counted(bounded, "tensor has", "tensors have")));
  }
  const auto pools = std::make_shared<std::vector<Pool>>();
  for (auto& [number, evidence] : by_number) {
    run.steps.push_back(evidence.facts);
    pools->push_back(std::move(evidence.weights.pieces.empty() ? evidence.all : evidence.weights));
  }
  run.share_below = [pools](std::size_t index, double threshold, bool inclusive) {
    return (*pools)[index].share_below(threshold_at(threshold, inclusive));
  };
  return run;
}

Result<RunSeries> facts_of_dumps(const StepSeries& series, int dump_scale_log2, const Effort& effort) {
  Keep keep;
  keep.question.formats = {{"fp16", find_format("fp16").format}};
  keep.question.scales = {0, 0};
  keep.question.counts_only = true;
  keep.dump_scale_log2 = dump_scale_log2;
  const auto summary = summarize(series, keep, effort);
  if (!summary) return summary.error();
  return facts_of_summary(*summary);
}

}  // namespace lowp::scaling
