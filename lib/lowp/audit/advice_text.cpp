// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/advice_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr int default_scale = 16;  // GradScaler's 65536

std::string binades(int count) {
  return counted(static_cast<std::uint64_t>(count), "binade", "binades");
}

// Powers of two that read well as a number.
bool is_readable(int log2) {
  return log2 >= -10 && log2 < 31;
}

// "65536 (2^16)", "0.25 (2^-2)", "2^40"
std::string scale_text(int log2) {
  if (!is_readable(log2)) return power_text(log2);
  return fmt::format("{} ({})", shortest(std::ldexp(1.0, log2)), power_text(log2));
}

std::string times(std::uint64_t count) {
  return counted(count, "step", "steps");
}

class Words {
 public:
  Words(const Subjects& subjects, const Question& question, const Policy& policy, std::size_t format,
        std::vector<Recommendation>& all)
      : subjects_(subjects), summary_(subjects.summary()), question_(question), policy_(policy), format_(format), all_(all), advice_(all[format]) {}

  void write() {
    if (advice_.nothing_to_scale()) {
      advice_.verdict = "Nothing to scale: there is no finite gradient that is not zero.";
      return;
    }
    if (forward_limit() != nullptr) return explain_forward();
    if (advice_.empty_window) return explain_empty();
    if (advice_.needs_no_scale) return explain_no_scale();
    if (target().format.width <= 8) return explain_narrow();
    explain_scale();
  }

 private:
  const Judgement& judgement() const { return advice_.judgement; }
  Target target() const { return question_.target(format_); }
  const TensorSummary& tensor(TensorRef ref) const { return summary_.steps[ref.step].tensors[ref.tensor]; }
  // A name fit for a sentence, with its step where there are several; whole ones stand in the tables.
  std::string name(TensorRef ref) const {
    std::string text = middle_cut(tensor(ref).name, 60);
    const StepSummary& step = summary_.steps[ref.step];
    if (summary_.steps.size() > 1 && step.step) text += fmt::format(" at step {}", *step.step);
    return text;
  }
  // "1.3e-02", "at most 1.3e-02"
  std::string largest(TensorRef ref) const {
    const Exact x = largest_at_most(tensor(ref).evidence);
    return (is_exact(ref) ? "" : "at most ") + magnitude_text(std::ldexp(static_cast<double>(x.significand), x.exponent));
  }
  bool is_exact(TensorRef ref) const { return census_of(tensor(ref).evidence).max_abs == largest_at_most(tensor(ref).evidence); }
  // Whether losses are upper bounds: of logged histograms.
  bool is_bounded() const {
    bool any = false;
    for_each_tensor(summary_, [&](TensorRef, const StepSummary&, const TensorSummary& entry) {
      any = any || level_of(entry.evidence) == Level::bins;
    });
    return any;
  }
  std::string at_most(std::uint64_t part) const { return part != 0 && is_bounded() ? "at most " : ""; }
  void say(std::string sentence) { advice_.reasons.push_back(std::move(sentence)); }

  const Limit* limit_of(Cause cause) const {
    const auto found = std::ranges::find(judgement().limits, cause, &Limit::cause);
    return found == judgement().limits.end() ? nullptr : &*found;
  }
  const Limit* forward_limit() const { return limit_of(Cause::forward); }
  std::uint64_t flushed(int scale) const { return lost_at(subjects_, target(), scale).flushed.most; }

  // "no value vanishes", "1 of 14,424 values vanishes", "0.19 % of the values vanish"; of logged histograms "0 to 8.8 % of
  // all values are zero or vanish".
  std::string vanish(int scale) const {
    if (!advice_.loss_known()) return "what vanishes is not known";
    const Lost lost = lost_at(subjects_, target(), scale);
    const std::uint64_t part = lost.flushed.most;
    if (part == 0) return "no value vanishes";
    if (is_bounded()) {
      return percent_range(lost.zero_or_flushed.least, lost.zero_or_flushed.most, lost.elements) +
             " of all values are zero or vanish";
    }
    if (part < 1000 && part * 100 < advice_.nonzero) {
      return fmt::format("{} of {} {}", grouped(part), counted(advice_.nonzero, "value", "values"),
                         part == 1 ? "vanishes" : "vanish");
    }
    return percent_text(part, advice_.nonzero) + " of the values vanish";
  }

  // "no value vanishes"; "11.8 % of the values vanish, yet every tensor keeps 40 dB"
  std::string what_is_lost(int scale) const {
    const bool keeps =
        judgement().errors_known && judgement().hopeless.empty() && scale >= judgement().precision_low.value_or(scale);
    if (!keeps || !advice_.loss_known() || flushed(scale) == 0) return vanish(scale);
    return fmt::format("{}, yet every tensor keeps {:.0f} dB", vanish(scale), judgement().floor_db);
  }

  void explain_forward() {
    const Limit& limit = *forward_limit();
    advice_.verdict = fmt::format("No loss scale helps: {} reaches {} in the forward pass, beyond the range of {}.",
                                  name(*limit.ref), largest(*limit.ref), target().name);
    suggest_other_format();
  }

  void explain_empty() {
    const TensorState& worst = judgement().hopeless.front();
    advice_.verdict =
        fmt::format("No single scale fits: at {}, the largest that does not overflow, {} keeps {:.0f} dB and loses {}.",
                    power_text(judgement().safe), name(worst.ref), worst.snr_db.value_or(0),
                    values_text(worst.flushed, worst.nonzero, "its"));
    explain_high_end();
    explain_own_scales();
    suggest_other_format();
  }

  void explain_no_scale() {
    advice_.verdict = fmt::format("Needs no loss scale: at 1 nothing overflows and {}.",
                                  advice_.loss_known() ? vanish(0) : "its range is that of FP32");
    if (advice_.flushed != 0 && !is_bounded() && advice_.flushed == flushed(judgement().safe)) say("No scale keeps more.");
    say(fmt::format("{} free below overflow.", upper_first(binades(judgement().safe))));
    explain_worst(0);
  }

  // 8-bit formats have a scale per tensor or block; one for all is told as what it would do.
  void explain_narrow() {
    const int scale = *advice_.static_scale_log2;
    if (!advice_.loss_known()) {
      advice_.verdict = fmt::format(
          "Not with one loss scale: 8-bit gradients are scaled per tensor or per block. One for all is {} at most.",
          power_text(judgement().safe));
      return explain_high_end();
    }
    advice_.verdict = fmt::format(
        "Not with one loss scale: 8-bit gradients are scaled per tensor or per block. One for all, {} at most, would "
        "lose {}.",
        power_text(judgement().safe), values_text(flushed(judgement().safe)));
    explain_worst(scale);
    explain_own_scales();
    say("`precision-audit recipes` shows block formats.");
  }

  void explain_scale() {
    const int init = *advice_.init_scale_log2, safe = judgement().safe;
    const bool is_fp16 = target().format == ieee_format(5, 10);
    const std::string lost = what_is_lost(init);
    if (is_fp16 && init == default_scale) {
      advice_.verdict = fmt::format("Keep GradScaler's default 65536: nothing overflows up to {}, and at 65536 {}.",
                                    power_text(safe), lost);
    } else if (is_fp16 && default_scale > safe) {
      advice_.verdict = fmt::format("Start at {}: 65536 would skip {} at these gradients.", scale_text(init),
                                    times(static_cast<std::uint64_t>(default_scale - safe)));
    } else if (is_fp16 && advice_.window_low && default_scale < *advice_.window_low) {
      advice_.verdict =
          fmt::format("Start at {}: nothing overflows up to {}, and at 65536 {}, at {} {}.", scale_text(init),
                      power_text(safe), vanish(default_scale), power_text(init), lost);
    } else {
      advice_.verdict =
          fmt::format("Start at {}: nothing overflows up to {}, and {}.", scale_text(init), power_text(safe), lost);
    }
    explain_window();
    explain_static();
    explain_worst(*advice_.static_scale_log2);
    explain_hopeless();
    if (*advice_.static_scale_log2 < 0) {
      say("A scale below 1 usually means targets that are not normalised or a loss that is a sum: then the forward "
          "pass "
          "may overflow as well, and no loss scale helps.");
      suggest_other_format();
    }
  }

  void explain_window() {
    if (range_decides(judgement(), policy_) && judgement().range_low != judgement().range_low_least) {
      say_what_is_sure();
    } else if (advice_.window_low) {
      say(fmt::format("Usable from {} to {}.", power_text(*advice_.window_low), power_text(judgement().safe)));
    }
    explain_high_end();
    explain_low_end();
  }

  // Bounds leave a stretch below the window open.
  void say_what_is_sure() {
    const std::string high = power_text(judgement().safe), low = power_text(*judgement().range_low);
    const std::string sure = low == high ? high + " for sure" : fmt::format("{} to {} for sure", low, high);
    const auto& least = judgement().range_low_least;
    say(fmt::format("Usable at {}, perhaps {}.", sure, least ? "from " + power_text(*least) + " on" : "at every smaller scale too"));
  }

  void explain_high_end() {
    const int safe = judgement().safe;
    const std::string verb = question_.overflow.saturate_finite ? "saturate" : "overflow";
    for (const Limit& limit : judgement().limits) {
      if (!limit.log2 || *limit.log2 > safe) continue;
      switch (limit.cause) {
        case Cause::gradient:
          say(fmt::format("Above {} {} {} (largest value {}).", power_text(safe), name(*limit.ref),
                          is_exact(*limit.ref) ? verb + "s" : "may " + verb, largest(*limit.ref)));
          break;
        case Cause::loss_dtype:
          say(fmt::format("Above {} the loss's own gradient, which is the scale, overflows its dtype{}.",
                          power_text(safe),
                          loss_dtype_of(subjects_, policy_).implied
                              ? " if the loss is FP16, as its gradient in the dump suggests (else: --loss-dtype fp32)"
                              : ""));
          break;
        case Cause::dump_scale:
          say(fmt::format("Above {} {} overflows: it holds Inf, and the dump was taken at {}.", power_text(safe),
                          name(*limit.ref), power_text(*limit.log2 + 1)));
          break;
        case Cause::forward: break;
      }
      return;
    }
  }

  void explain_low_end() {
    if (!advice_.loss_known()) {
      say("Below which scale too much vanishes cannot be known from largest values.");
      return;
    }
    if (!advice_.window_low) return;
    const int low = *advice_.window_low;
    const bool by_range = range_decides(judgement(), policy_) && judgement().range_low_least == advice_.window_low;
    const bool by_precision =
        policy_.criteria->precision && judgement().errors_known && judgement().precision_low == advice_.window_low;
    if (by_precision && judgement().precision_by) {
      say(fmt::format("Below {} {} keeps less than {:.0f} dB.", power_text(low), name(*judgement().precision_by),
                      judgement().floor_db));
    } else if (by_range) {
      const std::string where = judgement().range_by ? ", most of them in " + name(*judgement().range_by) : "";
      say(fmt::format("Below {} more than {:.6g} % of the weight gradients vanish that {} keeps{}.", power_text(low),
                      100 * policy_.max_flushed, power_text(judgement().safe), where));
    }
  }

  void explain_static() {
    const int scale = *advice_.static_scale_log2;
    const int headroom = judgement().headroom;
    say(fmt::format("A static scale: {}, {} (a factor of {}) below the end.", scale_text(scale), binades(headroom),
                    factor_text(headroom)));
    if (advice_.window_low && scale < *advice_.window_low) {
      say(fmt::format("It lies below {}: better let a scaler adapt.", power_text(*advice_.window_low)));
    }
  }

  // "no value", "42 of 16,911 values", "3.7 % of the values"; `whose` in place of "the", for example "its".
  std::string values_text(std::uint64_t part, std::uint64_t whole, std::string_view whose = "the") const {
    if (part == 0) return whose == "the" ? "no value" : fmt::format("none of {} values", whose);
    const std::string most = at_most(part);
    if (part >= 1000 || part * 100 >= whole) return fmt::format("{}{} of {} values", most, percent_text(part, whole), whose);
    if (whose == "the") return fmt::format("{}{} of {}", most, grouped(part), counted(whole, "value", "values"));
    return fmt::format("{}{} of {} {}", most, grouped(part), whose, counted(whole, "value", "values"));
  }
  std::string values_text(std::uint64_t part) const { return values_text(part, advice_.nonzero); }

  void explain_worst(int scale) {
    if (!judgement().worst || scale != judgement().safe - judgement().headroom) return;
    const TensorState& worst = *judgement().worst;
    const std::string lost = values_text(worst.flushed, worst.nonzero, "its") +
                             (worst.flushed == 1 && worst.nonzero > 100 ? " vanishes" : " vanish");
    if (worst.snr_db) {
      say(fmt::format("Worst tensor there: {}, {:.0f} dB, {}.", name(worst.ref), *worst.snr_db, lost));
    } else if (worst.flushed != 0) {
      say(fmt::format("Worst tensor there: {}, {}.", name(worst.ref), lost));
    }
  }

  void explain_hopeless() {
    const auto& hopeless = judgement().hopeless;
    if (hopeless.empty() || !policy_.criteria->precision) return;
    const std::string others =
        hopeless.size() == 1 ? "" : fmt::format(" ({} in all)", counted(hopeless.size(), "tensor", "tensors"));
    say(fmt::format("{} keeps less than {:.0f} dB at every scale that does not overflow{}.", name(hopeless.front().ref),
                    judgement().floor_db, others));
  }

  void explain_own_scales() {
    const std::string lost = values_text(judgement().flushed_own);
    if (!judgement().worst_own_db) {
      say(fmt::format("One scale per tensor would lose {}.", lost));
    } else if (std::isfinite(*judgement().worst_own_db)) {
      say(fmt::format("One scale per tensor keeps {:.0f} dB in the worst tensor and loses {}.",
                      *judgement().worst_own_db, lost));
    } else {
      say("One scale per tensor keeps every value exactly.");
    }
  }

  void suggest_other_format() {
    for (std::size_t other = 0; other < all_.size(); ++other) {
      if (other == format_ || !all_[other].needs_no_scale || forward_overflow(all_[other])) continue;
      say(fmt::format("{} holds these gradients without a scale.", question_.formats[other].name));
      return;
    }
  }
  static bool forward_overflow(const Recommendation& advice) {
    return std::ranges::any_of(advice.judgement.limits, [](const Limit& l) { return l.cause == Cause::forward; });
  }
  static std::string upper_first(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
  }

  const Subjects& subjects_;
  const Summary& summary_;
  const Question& question_;
  const Policy& policy_;
  const std::size_t format_;
  std::vector<Recommendation>& all_;
  Recommendation& advice_;
};

}  // namespace

std::string Recommendation::pictured_note() const {
  if (nothing_to_scale()) return "nothing to scale";
  if (empty_window) return "no single scale fits";
  if (needs_no_scale) return "needs no loss scale";
  return (init_scale_log2 ? "init_scale " : "one scale for all ") + power_text(pictured_scale_log2().value_or(0));
}

std::string factor_text(int log2) {
  return is_readable(log2) ? shortest(std::ldexp(1.0, log2)) : power_text(log2);
}

void explain(const Subjects& subjects, const Question& question, const Policy& policy, std::size_t format,
             std::vector<Recommendation>& all) {
  Words(subjects, question, policy, format, all).write();
}

}  // namespace lowp
