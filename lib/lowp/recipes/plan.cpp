// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/plan.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "lowp/base/threads.h"
#include "lowp/batch/batch.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/recipe_words.h"

namespace lowp::recipes {
namespace {

constexpr int binades_free = 3;
constexpr std::size_t piece = 8192;

Candidate of_recipe(std::string_view name, std::string_view heading, bool weights_only = false) {
  const Recipe* recipe = find_recipe(name);
  const BlockShape block = recipe->row->block;
  const double scale_bits = recipe->row->scale == ScaleKind::fp32 ? 32 : 8;
  const double per_scale = static_cast<double>(block.rows) * static_cast<double>(block.columns);
  const double bits = recipe->element.width + (per_scale > 0 ? scale_bits / per_scale : 0);
  return {std::string(name), std::string(heading), bits, recipe, {}, false, weights_only};
}
Candidate plain(std::string_view name, std::string_view heading, double bits, bool scaled) {
  return {std::string(name), std::string(heading), bits, nullptr, find_format(name).format, scaled, false};
}

std::vector<Candidate> made() {
  std::vector<Candidate> all{of_recipe("mx-rceil-te-e2m1", "MXFP4"),
                             of_recipe("nvfp4-te", "NVFP4"),
                             of_recipe("mx-rceil-te-e2m3", "MX E2M3"),
                             of_recipe("mx-rceil-te-e3m2", "MX E3M2"),
                             of_recipe("int8-rowwise", "INT8", true),
                             of_recipe("fp8-current-te-e4m3", "E4M3"),
                             of_recipe("fp8-current-te-e5m2", "E5M2"),
                             of_recipe("mx-rceil-te-e4m3", "MX E4M3"),
                             of_recipe("mx-rceil-te-e5m2", "MX E5M2"),
                             of_recipe("fp8-block-1x128-te-e4m3", "E4M3 1x128"),
                             of_recipe("fp8-block-1x128-te-e5m2", "E5M2 1x128"),
                             plain("bf16", "BF16", 16, false),
                             plain("fp16", "FP16", 16, true),
                             plain("tf32", "TF32", 32, false),
                             plain("fp32", "FP32", 32, false)};
  std::ranges::stable_sort(all, {}, &Candidate::bits);
  return all;
}

int scale_for(const Candidate& candidate, float largest) {
  if (!candidate.scaled || !(largest > 0) || !std::isfinite(largest)) return 0;
  return max_exponent(candidate.format) - binades_free - std::ilogb(largest);
}

// A plain format: every value times the scale, rounded, divided again.
void count_plain(const Candidate& candidate, int scale_log2, Matrix run, RecipeCounts& counts) {
  std::vector<float> scaled(std::min(piece, run.values.size()));
  for (std::size_t first = 0; first < run.values.size(); first += piece) {
    const auto x = run.values.subspan(first, std::min(piece, run.values.size() - first));
    const std::span<float> y = std::span(scaled).first(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = std::ldexp(x[i], scale_log2);
    round_batch(candidate.format, {}, y, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto wide = static_cast<double>(x[i]);
      const double result = std::ldexp(static_cast<double>(y[i]), -scale_log2);
      ++counts.elements;
      counts.zero_in += wide == 0;
      counts.flushed += wide != 0 && result == 0;
      if (!std::isfinite(result)) {
        ++counts.nonfinite;
      } else if (result != wide) {
        counts.error.add((wide - result) * (wide - result));
      }
      if (wide != 0) counts.signal.add(wide * wide);
    }
  }
}

CandidateOutcome outcome_of(const RecipeCounts& counts, int scale_log2) {
  const auto share = [&](std::uint64_t part) {
    return counts.nonzero() == 0 ? 0 : static_cast<double>(part) / static_cast<double>(counts.nonzero());
  };
  return {counts.snr_db(), share(counts.flushed), share(counts.saturated_beyond_half), counts.nonfinite != 0,
          scale_log2};
}

// The worse of two steps.
CandidateOutcome worse(const CandidateOutcome& a, const CandidateOutcome& b) {
  CandidateOutcome result = a;
  if (b.snr_db && (!a.snr_db || *b.snr_db < *a.snr_db)) result.snr_db = b.snr_db;
  result.flushed = std::max(a.flushed, b.flushed);
  result.saturated = std::max(a.saturated, b.saturated);
  result.nonfinite = a.nonfinite || b.nonfinite;
  result.scale_log2 = std::min(a.scale_log2, b.scale_log2);
  return result;
}

bool usable(const Candidate& candidate, TensorKind kind) {
  return !candidate.weights_only || kind == TensorKind::weight;
}

void choose(const PlanPolicy& policy, PlanEntry& entry) {
  const std::vector<Candidate>& all = plan_candidates();
  entry.chosen = all.size() - 1;
  std::size_t before = all.size();
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (!usable(all[c], entry.kind)) continue;
    if (broken(policy, entry.outcomes[c]).empty()) {
      entry.chosen = c;
      break;
    }
    before = c;
  }
  entry.reason = before == all.size() ? "the cheapest there is"
                                      : fmt::format("{}: {}", all[before].name, broken(policy, entry.outcomes[before]));
}

Result<PlanEntry> plan_tensor(const Input& input, std::size_t index, const TensorView& view) {
  const std::vector<Candidate>& all = plan_candidates();
  auto largest = largest_of_tensor(input.path, view, false);
  if (!largest) return largest.error();
  PlanEntry entry{index, view.name, module_of(view.name), kind_of(view.name), view.elements, {}, 0, {}};
  std::vector<RecipeCounts> counts(all.size());
  const MatrixShape shape = matrix_shape(view.name, view.shape);
  auto done = for_runs(input.path, view, [&](Matrix run, std::uint64_t) -> Result<Done> {
    tbb::parallel_for(std::size_t{0}, all.size(), [&](std::size_t c) {
      if (!usable(all[c], entry.kind)) return;
      if (all[c].recipe != nullptr) {
        RecipeOutcome outcome;
        quantize_and_count(*all[c].recipe, *largest, shape.rows, run, outcome);
        counts[c].merge(outcome.counts);
      } else {
        count_plain(all[c], scale_for(all[c], largest->dropped), run, counts[c]);
      }
    });
    return Done{};
  });
  if (!done) return done.error();
  for (std::size_t c = 0; c < all.size(); ++c) {
    entry.outcomes.push_back(outcome_of(counts[c], scale_for(all[c], largest->dropped)));
  }
  return entry;
}

}  // namespace

const std::vector<Candidate>& plan_candidates() {
  static const std::vector<Candidate> all = made();
  return all;
}

std::string broken(const PlanPolicy& policy, const CandidateOutcome& outcome) {
  if (outcome.nonfinite) return "values overflow";
  if (outcome.flushed > policy.flushed) return fmt::format("{:.2g} % flushed", 100 * outcome.flushed);
  if (outcome.saturated > policy.saturated) return fmt::format("{:.2g} % saturated", 100 * outcome.saturated);
  if (outcome.snr_db && *outcome.snr_db < policy.snr_db) return fmt::format("{:.1f} dB", *outcome.snr_db);
  return {};
}

std::string module_of(std::string_view tensor) {
  const std::size_t slash = tensor.find('/');
  const std::string_view prefix = slash == std::string_view::npos ? "" : tensor.substr(0, slash);
  std::string_view name = slash == std::string_view::npos ? tensor : tensor.substr(slash + 1);
  if (prefix != "act_grad" && prefix != "act") {
    const std::size_t dot = name.rfind('.');
    if (dot != std::string_view::npos) name = name.substr(0, dot);
  }
  return std::string(name);
}

Result<Plan> make_plan(const StepSeries& series, const PlanPolicy& policy, int threads) {
  return on_threads(threads, [&]() -> Result<Plan> {
    Plan plan{policy, {}};
    std::map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < series.inputs.size(); ++i) {
      for (const TensorView& view : series.inputs[i].tensors) {
        if (view.elements == 0) continue;
        auto entry = plan_tensor(series.inputs[i], i, view);
        if (!entry) return entry.error();
        const auto [at, fresh] = index.try_emplace(view.name, plan.entries.size());
        if (fresh) {
          plan.entries.push_back(std::move(*entry));
          continue;
        }
        PlanEntry& known = plan.entries[at->second];
        for (std::size_t c = 0; c < known.outcomes.size(); ++c) {
          known.outcomes[c] = worse(known.outcomes[c], entry->outcomes[c]);
        }
      }
    }
    for (PlanEntry& entry : plan.entries) choose(policy, entry);
    return plan;
  });
}

}  // namespace lowp::recipes
