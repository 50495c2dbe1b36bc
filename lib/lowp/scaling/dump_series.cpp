// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/dump_series.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>

#include "lowp/audit/audit.h"
#include "lowp/core/formats.h"

namespace lowp::scaling {
namespace {

double magnitude_of(Exact x) {
  return x.kind == lowp::Kind::finite ? std::ldexp(static_cast<double>(x.significand), x.exponent) : 0;
}

// The non-zero finite values of one step, by binade: 2^b <= magnitude < 2^(b+1).
struct Binades {
  struct Count {
    std::uint64_t all = 0, powers_of_two = 0;
  };
  std::map<int, Count> of;
  std::uint64_t total = 0;
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;

  void add(const TensorCounts& counts) {
    for (const BinadeCount& binade : counts.binades) {
      Count& count = of[binade.binade];
      count.all += binade.count;
      count.powers_of_two += binade.powers_of_two;
    }
    if (counts.nonzero() == 0) return;
    total += counts.nonzero();
    smallest = std::min(smallest, magnitude_of(counts.min_nonzero_abs));
    largest = std::max(largest, magnitude_of(counts.max_abs));
  }

  // Of a binade that the threshold cuts, nothing is known but its powers of two, which are its lower end.
  std::optional<Interval> below(double threshold, bool inclusive) const {
    if (total == 0) return {};
    const auto is_below = [&](double x) { return inclusive ? x <= threshold : x < threshold; };
    if (is_below(largest)) return Interval{1, 1};
    if (!is_below(smallest)) return Interval{0, 0};
    std::uint64_t least = 0, most = 0;
    for (const auto& [binade, count] : of) {
      const double low = std::ldexp(1.0, binade);
      if (!is_below(low)) break;
      if (2 * low <= threshold) {
        least += count.all;
        most += count.all;
      } else {
        least += count.powers_of_two;
        most += low == threshold ? count.powers_of_two : count.all;
      }
    }
    const auto whole = static_cast<double>(total);
    return Interval{static_cast<double>(least) / whole, static_cast<double>(most) / whole};
  }
};

struct StepCounts {
  StepFacts facts;
  Binades weights, all;  // gradients
};

void see(StepCounts& step, Kind kind, const TensorCounts& counts, double dump_scale) {
  const double divisor = kind == Kind::act ? 1 : dump_scale;
  if (counts.nonzero() + counts.zero_in != 0) step.facts.see(kind, magnitude_of(counts.max_abs) / divisor);
  if (counts.nan_in != 0) step.facts.see(kind, std::numeric_limits<double>::quiet_NaN());
  if (counts.inf_in != 0) step.facts.see(kind, std::numeric_limits<double>::infinity());
  if (kind == Kind::act || kind == Kind::loss_grad) return;
  step.all.add(counts);
  if (kind == Kind::grad) step.weights.add(counts);
}

AuditOptions counting(int threads) {
  AuditOptions options;
  options.targets = {{"fp16", find_format("fp16").format, Rounding::nearest_even, {}}};
  options.scales = {0, 0, 0};
  options.counts_only = true;
  options.threads = threads;
  return options;
}

bool has_kinds(const StepSeries& series) {
  for (const Input& input : series.inputs) {
    for (const TensorView& view : input.tensors) {
      const std::size_t slash = view.name.find('/');
      if (slash != view.name.npos && find_kind(view.name.substr(0, slash))) return true;
    }
  }
  return false;
}

}  // namespace

Result<RunSeries> facts_of_dumps(const StepSeries& series, int threads, double dump_scale) {
  auto result = run_audit(series, counting(threads));
  if (!result) return result.error();
  RunSeries run;
  run.kinds_known = has_kinds(series);
  std::map<std::int64_t, StepCounts> by_step;
  std::map<std::int64_t, std::size_t> inputs_of;
  std::vector<std::int64_t> step_of;
  for (std::size_t i = 0; i < series.inputs.size(); ++i) {
    const Input& input = series.inputs[i];
    run.source += (run.source.empty() ? "" : ", ") + input.path;
    step_of.push_back(input.step.value_or(static_cast<std::int64_t>(i + 1)));
    by_step[step_of.back()].facts.step = step_of.back();
    ++inputs_of[step_of.back()];
  }
  for (const TensorAudit& tensor : result->tensors) {
    const std::string& name = series.inputs[tensor.input].tensors[tensor.tensor].name;
    see(by_step[step_of[tensor.input]], kind_of_tensor(name), tensor.counts, dump_scale);
  }
  for (const auto& [step, inputs] : inputs_of) {
    if (inputs > 1)
      run.notes.push_back(
          fmt::format("Step {} is in {} inputs: they count together, as ranks share one scale.", step, inputs));
  }
  const auto counts = std::make_shared<std::vector<Binades>>();
  for (auto& [step, counted] : by_step) {
    run.steps.push_back(counted.facts);
    counts->push_back(std::move(counted.weights.total != 0 ? counted.weights : counted.all));
  }
  run.share_below = [counts, dump_scale](std::size_t index, double threshold, bool inclusive) {
    return (*counts)[index].below(threshold * dump_scale, inclusive);
  };
  return run;
}

}  // namespace lowp::scaling
