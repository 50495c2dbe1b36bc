// SPDX-License-Identifier: Apache-2.0
// What the evidence does not cover.
#include <fmt/format.h>

#include <algorithm>

#include "lowp/audit/advice_text.h"
#include "lowp/audit/headroom.h"
#include "lowp/audit/recommend.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr int fp16_loss_limit = 15;  // 2^16 is Inf in FP16

struct Kinds {
  std::size_t all = 0, state = 0, activation_gradients = 0, operation_gradients = 0, forward = 0, narrow = 0, suspicious = 0;
  std::string a_state_name;

  explicit Kinds(const Subjects& subjects) {
    subjects.for_each([&](TensorRef ref, const TensorSummary& tensor) {
      const StepSummary& step = subjects.summary().steps[ref.step];
      const TensorKind kind = subjects.kind(ref);
      ++all;
      activation_gradients += kind == TensorKind::activation_gradient ? 1 : 0;
      operation_gradients += tensor.name.starts_with("op_grad/") ? 1 : 0;  // a peaks.csv has them, see MagnitudeKind
      forward += kind == TensorKind::forward ? 1 : 0;
      if (!counts_elements(tensor.evidence)) return;
      narrow += tensor.dtype != nullptr && tensor.dtype->bytes < 4 ? 1 : 0;
      if (kind == TensorKind::state && state++ == 0) a_state_name = middle_cut(tensor.name, 60);
      suspicious += step.dump_scale_log2 == 0 && is_large(census_of(tensor.evidence).max_abs) ? 1 : 0;
    });
  }
  static bool is_large(Exact x) { return x.kind == Kind::finite && exponent_of(x) >= 10; }
};

std::string steps_sentence(const Drift& drift, const Policy& policy) {
  if (drift.steps < 2) {
    const int headroom = headroom_wanted(drift, policy);
    const std::string kept = fmt::format("{} (a factor of {}) {}",
                                         counted(static_cast<std::uint64_t>(headroom), "binade", "binades"),
                                         factor_text(headroom), headroom == 1 ? "is" : "are");
    return fmt::format(
        "Only one step: how far the largest gradient rises later is unknown. {} kept free; in fourteen of fifteen "
        "trainings it rose by less than 3 binades.",
        kept);
  }
  const std::string rise = drift.largest_rise_log2 < 0.05
                               ? "did not rise"
                               : fmt::format("rose by {:.1f} binades at most", drift.largest_rise_log2);
  return fmt::format("{}{}: over them the largest gradient {}; other steps are not covered.",
                     counted(drift.steps, "step", "steps"), drift.consecutive ? " that follow each other" : "", rise);
}

// "Values were divided by the dump's own loss scale 2^16 first.", nothing where no scale was taken off.
std::optional<std::string> taken_off(const Summary& summary) {
  const auto [least, most] = std::ranges::minmax_element(summary.steps, {}, &StepSummary::dump_scale_log2);
  const int low = least->dump_scale_log2, high = most->dump_scale_log2;
  if (low == 0 && high == 0) return {};
  if (low == high) return fmt::format("Values were divided by the dump's own loss scale {} first.", power_text(low));
  return fmt::format("Values of each step were divided by its own loss scale first ({} to {}).", power_text(low),
                     power_text(high));
}

std::optional<std::string> specials_sentence(const Summary& summary, const Outcome& total) {
  if (total.nan_in + total.inf_in == 0) return {};
  bool narrow_inf = false;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    narrow_inf = narrow_inf || (counts_elements(tensor.evidence) && census_of(tensor.evidence).inf_in != 0 && exponent_bits(tensor.dtype->format) < 8);
  });
  std::string found = total.nan_in == 0 ? "" : grouped(total.nan_in) + " NaN";
  if (total.inf_in != 0) found += (found.empty() ? "" : " and ") + grouped(total.inf_in) + " Inf";
  found += total.nan_in + total.inf_in == 1 ? " is left out of every rate" : " are left out of every rate";
  if (narrow_inf) return found + "; Inf in a 16-bit dump is the overflow at the scale it was taken with.";
  return found + "; no scale can help those.";
}

}  // namespace

std::vector<std::string> caveats(const AuditResult& result, const Question&, const Policy& policy,
                                 const std::vector<Recommendation>& recommendations) {
  const Summary& summary = result.summary;
  const Subjects subjects(summary);
  const Kinds kinds(subjects);
  std::vector<std::string> all;
  if (!subjects.named() && kinds.state != 0) {
    all.push_back(
        fmt::format("No tensor is named like a gradient; {} like weights or optimizer state, and a loss scale touches "
                    "neither.",
                    kinds.state == 1 ? kinds.a_state_name + " looks" : kinds.a_state_name + " and others look"));
  }
  if (subjects.left_out() != 0) {
    all.push_back(fmt::format("{} not named like gradients {} no part in the advice.",
                              counted(subjects.left_out(), "tensor", "tensors"),
                              subjects.left_out() == 1 ? "has" : "have"));
  }
  all.push_back(steps_sentence(drift_of(subjects), policy));
  const auto beyond = [](const Recommendation& one) {
    return one.window_high.value_or(0) > fp16_loss_limit && !one.needs_no_scale && !one.judgement.limits.empty();
  };
  if (!loss_dtype_of(subjects, policy).format && std::ranges::any_of(recommendations, beyond)) {
    all.push_back(
        "The loss's own dtype is unknown: if it is FP16, its gradient is the scale itself, and 2^15 is the limit "
        "(--loss-dtype fp16; --loss-dtype fp32 where it is FP32, as under autocast for most losses).");
  }
  if (kinds.activation_gradients == 0) {
    all.push_back(
        "No activation gradients (tensors named act_grad, grad_output, grad_input or dgrad): a backward pass may lose "
        "or overflow those first.");
  } else if (kinds.operation_gradients == 0) {
    all.push_back(
        "Gradients between modules (temperatures, attention scores, residual scales) are not in a dump of module "
        "outputs; in one of fifteen trainings they were 2.7 binades larger.");
  }
  bool logged = false;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    logged = logged || level_of(tensor.evidence) == Level::bins;
  });
  const auto unjudged = [](const Recommendation& one) { return one.nonzero != 0 && !one.judgement.errors_known; };
  if (logged) {
    all.push_back(
        "Exact zeros: a bin holds them together with the smallest values, so what vanishes is known at most, and no "
        "signal to noise is; the share of lost weight gradients decides.");
  } else if (std::ranges::any_of(recommendations, unjudged)) {
    all.push_back(fmt::format(
        "The signal to noise of single tensors was not judged, so the share of lost weight gradients decides: it needs "
        "nearest_even, no --counts-only, formats with up to ten fraction bits, at most {} tensors, and of a summary the "
        "level errors or leaves.",
        grouped(most_judged_tensors)));
  }
  if (kinds.forward == 0) all.push_back("Whether the forward pass overflows: no act/ tensors.");
  if (kinds.suspicious != 0) {
    all.push_back(
        fmt::format("{} values of 1024 or more. If the dump was taken with a scaled loss, say so: "
                    "--dump-scale 2^16.",
                    kinds.suspicious == 1 ? "1 tensor holds" : grouped(kinds.suspicious) + " tensors hold"));
  }
  if (kinds.narrow != 0) {
    all.push_back(
        "Some tensors are already in 16 bits or fewer: what was lost before the dump cannot be seen, and their signal "
        "to noise is that of rounding once more.");
  }
  if (result.total.empty()) {
    all.push_back(
        "What vanishes, what becomes subnormal and the signal to noise: from largest values alone none of them can be "
        "known. A dump of one step beside them would tell.");
    return all;
  }
  if (const auto sentence = specials_sentence(summary, result.total.front().front())) all.push_back(*sentence);
  if (const auto sentence = taken_off(summary)) all.push_back(*sentence);
  if (logged) return all;
  all.push_back(
      "Signal to noise is of rounding the stored gradients alone: the FP16 forward pass usually costs more. Errors of "
      "sums (accumulation, all-reduce, optimizer) are not part of this audit.");
  return all;
}

}  // namespace lowp
