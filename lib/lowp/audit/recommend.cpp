// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lowp/report/humanize.h"
#include "lowp/summary/below.h"
#include "lowp/summary/class_edges.h"

namespace lowp {
namespace {

double log2_of(Exact x) {
  return std::log2(static_cast<double>(x.significand)) + x.exponent;
}

// The tensor with the largest value of all, nothing if there is no finite non-zero one.
std::optional<TensorRef> largest_tensor(const Summary& summary) {
  std::optional<TensorRef> largest;
  Exact most;
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
    if (!magnitude_less(most, census_of(tensor.evidence).max_abs)) return;
    most = census_of(tensor.evidence).max_abs;
    largest = ref;
  });
  return largest;
}

// Everything the advice for one target looks at.
class Adviser {
 public:
  Adviser(const AuditResult& result, const Question& question, const Policy& policy, std::size_t format)
      : result_(result),
        question_(question),
        policy_(policy),
        format_(format),
        target_(question.target(format)),
        drift_(drift_of(result.summary)) {}

  Recommendation advise() {
    advice_.nonzero = at(question_.scales.low).nonzero().most;
    if (advice_.nonzero == 0) {
      advice_.reasons.push_back("there is no finite non-zero value, so no scale is better than another.");
      return advice_;
    }
    find_window();
    if (advice_.empty_window) {
      explain_empty();
    } else {
      choose();
      explain();
    }
    return advice_;
  }

 private:
  const Target& target() const { return target_; }
  const ScaleRange& scales() const { return question_.scales; }
  const Outcome& at(int scale) const { return result_.total[format_][scales().index(scale)]; }
  std::uint64_t flushed(int scale) const { return at(scale).counts[ElementClass::flushed].most; }
  std::uint64_t beyond(int scale) const {
    return (at(scale).counts[ElementClass::saturated] + at(scale).counts[ElementClass::overflowed]).most;
  }
  std::uint64_t flushed(const TensorSummary& tensor, int scale) const {
    const auto counts = counts_of(tensor.evidence);
    return counts ? flushed_at(*counts, target(), scale) : 0;
  }
  const TensorSummary& tensor(TensorRef ref) const { return result_.summary.steps[ref.step].tensors[ref.tensor]; }
  // Of the elements before the loss was scaled.
  Exact largest() const { return census_of(tensor(*advice_.above).evidence).max_abs; }
  // A name fit for a sentence; whole ones stand beside it in the tables.
  std::string name(TensorRef ref) const { return middle_cut(tensor(ref).name, 60); }

  int headroom_wanted() const {
    if (drift_.steps < 2) return policy_.assumed_headroom;
    return static_cast<int>(std::ceil(drift_.largest_rise_log2)) + policy_.spare_headroom;
  }

  // Flushed shares fall and overflows rise with the scale, so each bound is the first scale that meets its condition.
  void find_window() {
    advice_.above = largest_tensor(result_.summary);
    safe_ = largest_safe_scale_log2(target(), largest());
    top_ = std::min(safe_, scales().high);
    if (safe_ < scales().low) {
      advice_.empty_window = true;
      top_ = scales().low;
      return;
    }
    const std::uint64_t best = flushed(top_);
    const double nonzero = static_cast<double>(advice_.nonzero);
    const double kept = nonzero - static_cast<double>(best);
    advice_.empty_window = static_cast<double>(best) > policy_.max_flushed * nonzero;
    const double allowed =
        std::min(static_cast<double>(best) + policy_.max_regret * kept, policy_.max_flushed * nonzero);
    bottom_ = top_;
    while (bottom_ > scales().low && static_cast<double>(flushed(bottom_ - 1)) <= allowed) --bottom_;
    if (advice_.empty_window) return;
    if (safe_ <= scales().high) advice_.window_high = safe_;
    if (bottom_ > scales().low) {
      advice_.window_low = bottom_;
      advice_.below = most_flushed(bottom_ - 1, top_);
    }
  }

  // The tensor that loses most at `scale` beyond what it loses at `reference` anyway.
  std::optional<TensorRef> most_flushed(int scale, std::optional<int> reference) const {
    std::optional<TensorRef> worst;
    std::uint64_t most = 0;
    for_each_tensor(result_.summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
      const std::uint64_t lost = flushed(tensor, scale) - (reference ? flushed(tensor, *reference) : 0);
      if (lost <= most) return;
      most = lost;
      worst = ref;
    });
    return worst;
  }

  void choose() {
    const bool has_one = scales().contains(0) && bottom_ <= 0 && 0 <= top_;
    const auto subnormal = [&](int scale) { return at(scale).counts[ElementClass::subnormal].most; };
    advice_.needs_no_scale = has_one && flushed(0) == flushed(top_) && subnormal(0) == subnormal(top_);
    const int wanted = std::min(safe_ - headroom_wanted(), scales().high);
    const int scale = advice_.needs_no_scale ? 0 : std::clamp(wanted, bottom_, top_);
    advice_.init_scale_log2 = scale;
    advice_.headroom_log2 = safe_ - scale;
    advice_.flushed = flushed(scale);
    advice_.beyond = beyond(scale);
  }

  std::string window_text() const {
    const auto low = advice_.window_low, high = advice_.window_high;
    if (low && high) return fmt::format("usable window {} to {}", power_text(*low), power_text(*high));
    if (low) return fmt::format("usable from {} on", power_text(*low));
    if (high) return fmt::format("usable up to {}", power_text(*high));
    return fmt::format("every scale tried, {} to {}, is usable", power_text(scales().low), power_text(scales().high));
  }

  // "17.4 % of the non-zero values are", "1 non-zero value is".
  std::string values_are(std::uint64_t part) const {
    const std::string share = share_text(part, advice_.nonzero);
    if (share.ends_with('%')) return share + " of the non-zero values are";
    return fmt::format("{} non-zero {}", share, part == 1 ? "value is" : "values are");
  }

  std::string beyond_verb() const { return target().overflow.saturate_finite ? "saturates" : "overflows"; }

  void explain() {
    const int scale = *advice_.init_scale_log2;
    if (advice_.needs_no_scale) {
      const std::string lost = advice_.flushed == 0
                                   ? "no value is flushed to zero"
                                   : values_are(advice_.flushed) + " flushed to zero, and no scale keeps more";
      advice_.reasons.push_back(
          fmt::format("needs no scaling here: at init_scale = 1 (2^0) {} ({}).", lost, window_text()));
    } else {
      advice_.reasons.push_back(
          fmt::format("start at init_scale = {} ({}); {}.", shortest_power(scale), power_text(scale), window_text()));
    }
    explain_above();
    if (advice_.window_low) {
      const std::string by = advice_.below ? fmt::format(", most of it in {}", name(*advice_.below)) : "";
      advice_.reasons.push_back(fmt::format("Below {} more than {} % of what {} keeps is flushed to zero{}.",
                                            power_text(*advice_.window_low), shortest_number(100 * policy_.max_regret),
                                            power_text(top_), by));
    }
    if (!advice_.needs_no_scale) {
      explain_losses(scale);
      explain_headroom(scale);
    }
    if (target().name == "fp16") explain_default(scale);
  }

  void explain_above() {
    if (!advice_.window_high) return;
    advice_.reasons.push_back(fmt::format("Above {} {} {} (largest value {}).", power_text(*advice_.window_high),
                                          name(*advice_.above), beyond_verb(), magnitude_text(to_double(largest()))));
  }

  void explain_losses(int scale) {
    if (advice_.flushed == 0) {
      advice_.reasons.push_back(fmt::format("No value is flushed to zero at {}.", power_text(scale)));
      return;
    }
    const std::optional<TensorRef> worst = most_flushed(scale, std::nullopt);
    advice_.reasons.push_back(fmt::format("At {} {} flushed to zero, most in {}.", power_text(scale),
                                          values_are(advice_.flushed), name(*worst)));
  }

  void explain_headroom(int scale) {
    const int headroom = safe_ - scale;
    if (headroom < headroom_wanted()) {
      advice_.reasons.push_back(fmt::format("The window leaves only {} free below overflow, {} wanted.",
                                            counted(static_cast<std::uint64_t>(headroom), "binade", "binades"),
                                            headroom_wanted()));
    } else if (drift_.steps >= 2) {
      advice_.reasons.push_back(fmt::format(
          "{} free below overflow: over {} dumped steps the largest value rose by at most {:.1f} binades from one to "
          "the next.",
          counted(static_cast<std::uint64_t>(headroom), "binade", "binades"), drift_.steps, drift_.largest_rise_log2));
    }
  }

  // GradScaler halves the scale at each skipped step, so it falls from 2^16 to the window in as many steps.
  void explain_default(int scale) {
    constexpr int usual = 16;
    if (!scales().contains(usual) || scale == usual) return;
    const std::string lost = share_text(flushed(usual), advice_.nonzero);
    if (beyond(usual) != 0) {
      advice_.reasons.push_back(fmt::format("GradScaler's default 65536 (2^16) would overflow and skip about {} first.",
                                            counted(static_cast<std::uint64_t>(usual - top_), "step", "steps")));
    } else {
      advice_.reasons.push_back(
          fmt::format("GradScaler's default 65536 (2^16) would not overflow here and flushes {}.", lost));
    }
  }

  void explain_empty() {
    advice_.flushed = flushed(top_);
    advice_.beyond = beyond(top_);
    const std::string share = share_text(advice_.flushed, advice_.nonzero);
    if (safe_ < scales().low) {
      advice_.reasons.push_back(fmt::format("no scale fits: even {} overflows ({}, {}).", power_text(scales().low),
                                            name(*advice_.above), counted(advice_.beyond, "value", "values")));
      return;
    }
    advice_.below = most_flushed(top_, std::nullopt);
    const bool overflows = safe_ <= scales().high;
    advice_.reasons.push_back(
        fmt::format("no single scale fits: the largest that {}, {}, still flushes {} of the non-zero values (more than "
                    "{} %).",
                    overflows ? "does not overflow" : "was tried", power_text(top_), share,
                    shortest_number(100 * policy_.max_flushed)));
    const double value = to_double(largest());
    advice_.reasons.push_back(
        overflows ? fmt::format("{} overflows first (largest value {}), {} loses most.", name(*advice_.above),
                                magnitude_text(value), name(*advice_.below))
                  : fmt::format(
                        "Nothing overflows yet (largest value {} in {}): try --scales up to {} (log2). {} loses most.",
                        magnitude_text(value), name(*advice_.above), std::min(safe_, scale_log2_limit),
                        name(*advice_.below)));
    const std::uint64_t separately = flushed_with_own_scales();
    advice_.reasons.push_back(
        fmt::format("One scale per tensor would flush {}.", share_text(separately, advice_.nonzero)));
    suggest_other_format();
  }

  // What would be lost if every tensor had the largest scale of the range that it can bear.
  std::uint64_t flushed_with_own_scales() const {
    std::uint64_t lost = 0;
    for_each_tensor(result_.summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
      const Exact most = census_of(tensor.evidence).max_abs;
      if (most.kind != Kind::finite) return;
      const int own = largest_safe_scale_log2(target(), most);
      lost += flushed(tensor, std::clamp(own, scales().low, scales().high));
    });
    return lost;
  }

  void suggest_other_format() {
    for (std::size_t other = 0; other < question_.formats.size(); ++other) {
      const Adviser rival(result_, question_, policy_, other);
      if (other == format_ || !scales().contains(0) || rival.flushed(0) != 0 || rival.beyond(0) != 0) continue;
      advice_.reasons.push_back(fmt::format("{} holds every value without a scale.", question_.formats[other].name));
      return;
    }
  }

  static double to_double(Exact x) { return std::ldexp(static_cast<double>(x.significand), x.exponent); }
  static std::string shortest_power(int scale) {
    return scale >= 0 && scale < 64 ? fmt::format("{}", std::uint64_t{1} << scale) : shortest(std::ldexp(1.0, scale));
  }
  static std::string shortest_number(double value) { return fmt::format("{:.6g}", value); }

  const AuditResult& result_;
  const Question& question_;
  const Policy& policy_;
  std::size_t format_;
  Target target_;
  Drift drift_;
  Recommendation advice_;
  int safe_ = 0;    // largest scale without overflow, wherever the range ends
  int top_ = 0;     // the same, within the range
  int bottom_ = 0;  // smallest scale of the range that meets the policy
};

// Names by which frameworks and hooks call the gradients of activations.
bool has_activation_gradients(const Summary& summary) {
  constexpr std::string_view words[] = {"act_grad", "activation", "grad_output", "grad_input", "dgrad"};
  bool has = false;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    has = has || std::ranges::any_of(
                     words, [&](std::string_view word) { return tensor.name.find(word) != std::string::npos; });
  });
  return has;
}

bool any_narrow(const Summary& summary) {
  bool any = false;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    any = any || tensor.dtype->bytes < 4;
  });
  return any;
}

// "values were divided by the dump's own loss scale 2^16 first.", nothing where no scale was taken off.
std::optional<std::string> taken_off(const Summary& summary) {
  const auto [least, most] = std::ranges::minmax_element(summary.steps, {}, &StepSummary::dump_scale_log2);
  const int low = least->dump_scale_log2, high = most->dump_scale_log2;
  if (low == 0 && high == 0) return {};
  if (low == high) return fmt::format("values were divided by the dump's own loss scale {} first.", power_text(low));
  return fmt::format("values of each step were divided by its own loss scale first ({} to {}).", power_text(low),
                     power_text(high));
}

}  // namespace

Drift drift_of(const Summary& summary) {
  Drift drift;
  Exact previous;
  for (const StepSummary& step : summary.steps) {
    Exact largest;
    for (const TensorSummary& tensor : step.tensors) {
      if (magnitude_less(largest, census_of(tensor.evidence).max_abs)) largest = census_of(tensor.evidence).max_abs;
    }
    if (largest.kind != Kind::finite) continue;
    if (drift.steps != 0)
      drift.largest_rise_log2 = std::max(drift.largest_rise_log2, log2_of(largest) - log2_of(previous));
    ++drift.steps;
    previous = largest;
  }
  return drift;
}

std::vector<Recommendation> recommend(const AuditResult& result, const Question& question, const Policy& policy) {
  std::vector<Recommendation> all;
  for (std::size_t format = 0; format < question.formats.size(); ++format) {
    all.push_back(Adviser(result, question, policy, format).advise());
  }
  return all;
}

std::vector<std::string> caveats(const AuditResult& result, const Question&, const Policy& policy) {
  std::vector<std::string> all;
  const Outcome& total = result.total.front().front();
  if (drift_of(result.summary).steps < 2) {
    all.push_back(
        fmt::format("one step only: no drift could be measured, {} free below overflow are assumed to be enough.",
                    counted(static_cast<std::uint64_t>(policy.assumed_headroom), "binade", "binades")));
  }
  if (!has_activation_gradients(result.summary)) {
    all.push_back(
        "no activation gradients found (tensors named act_grad, activation, grad_output, grad_input or dgrad): in a "
        "real "
        "backward pass they may overflow or underflow first.");
  }
  if (any_narrow(result.summary)) {
    all.push_back(
        "some tensors are already in 16 bits or fewer: values that were lost before the dump cannot be seen.");
  }
  if (total.nan_in + total.inf_in != 0) {
    all.push_back(
        fmt::format("the dump holds {} NaN and {} Inf: no scale can help those; they are left out of every rate.",
                    grouped(total.nan_in), grouped(total.inf_in)));
  }
  if (const auto scales = taken_off(result.summary)) all.push_back(*scales);
  all.push_back("errors of sums (accumulation, all-reduce, optimizer) are not part of this audit.");
  return all;
}

}  // namespace lowp
