// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/recommend.h"

#include <tbb/parallel_for.h>

#include <algorithm>

#include "lowp/audit/advice_text.h"
#include "lowp/audit/headroom.h"

namespace lowp {
namespace {

constexpr int default_scale = 16;  // GradScaler's 65536
constexpr int usual_exponent_bits = 8;

// The least scale at which the criteria that decide hold, or may hold as far as bounds tell; nothing where they hold at
// all scales.
std::optional<int> lower_end(const Judgement& judgement, const Policy& policy) {
  std::optional<int> low;
  if (precision_decides(judgement, policy)) low = judgement.precision_low;
  if (range_decides(judgement, policy) && judgement.range_low_least) {
    low = std::max(low.value_or(*judgement.range_low_least), *judgement.range_low_least);
  }
  return low;
}

bool is_ruined(const Judgement& judgement, const Policy& policy) {
  return policy.criteria->precision && !judgement.hopeless.empty() &&
         judgement.hopeless.front().snr_db.value_or(0) < std::min(policy.ruin_snr_db, judgement.floor_db);
}

bool forward_overflows(const Judgement& judgement) {
  return std::ranges::any_of(judgement.limits, [](const Limit& limit) { return limit.cause == Cause::forward; });
}

// 1 is as good as any scale: the range of FP32, or nothing that a scale would save.
bool needs_no_scale(const Subjects& subjects, const Target& target, const Recommendation& advice) {
  const Judgement& judgement = advice.judgement;
  if (judgement.safe < judgement.headroom) return false;
  const bool criteria_hold =
      advice.window_low.value_or(0) <= 0 && (!judgement.errors_known || judgement.precise_unscaled);
  if (!criteria_hold) return false;
  if (exponent_bits(target.format) >= usual_exponent_bits) return true;
  if (advice.nonzero == 0) return false;
  return lost_at(subjects, target, 0).zero_or_flushed.most <= lost_at(subjects, target, judgement.safe).zero_or_flushed.least;
}

std::uint64_t values_beyond(const AuditResult& result, const Question& question, std::size_t format, int scale) {
  if (!question.scales.contains(scale) || result.total.empty()) return 0;
  const Outcome& outcome = result.total[format][question.scales.index(scale)];
  return outcome.counts[ElementClass::saturated].most + outcome.counts[ElementClass::overflowed].most;
}

Recommendation advise(const AuditResult& result, const Subjects& subjects, const Question& question, std::size_t format,
                      int headroom, const Policy& policy) {
  const Target target = question.target(format);
  Recommendation advice;
  advice.judgement = judge(subjects, question, format, headroom, policy);
  const Judgement& judgement = advice.judgement;
  advice.nonzero = judgement.nonzero;
  if (judgement.limits.empty()) return advice;
  // Nothing binds where the limits lie beyond all scales there are.
  const auto binding = std::ranges::find_if(
      judgement.limits, [&](const Limit& limit) { return !limit.log2 || *limit.log2 <= judgement.safe; });
  if (binding != judgement.limits.end()) advice.above = binding->ref;
  advice.window_high = judgement.safe;
  advice.window_low = lower_end(judgement, policy);
  if (advice.window_low) {
    const bool by_range = range_decides(judgement, policy) && judgement.range_low_least == advice.window_low;
    advice.below = by_range ? judgement.range_by : judgement.precision_by;
  }
  advice.shown_log2 = judgement.safe - judgement.headroom;
  if (forward_overflows(judgement) || is_ruined(judgement, policy)) {
    advice.empty_window = true;
    advice.shown_log2 = judgement.safe;
  } else if (needs_no_scale(subjects, target, advice)) {
    advice.needs_no_scale = true;
    advice.init_scale_log2 = advice.static_scale_log2 = advice.shown_log2 = 0;
  } else {
    advice.static_scale_log2 = advice.shown_log2;
    const int highest = judgement.safe - policy.dynamic_headroom;
    const int lowest = advice.window_low.value_or(-scale_log2_limit);
    const int init = lowest <= default_scale && default_scale <= highest ? default_scale : highest;
    if (target.format.width > 8) advice.init_scale_log2 = std::max(init, std::min(lowest, judgement.safe));
  }
  if (advice.static_scale_log2) advice.headroom_log2 = judgement.safe - *advice.static_scale_log2;
  advice.flushed = lost_at(subjects, target, advice.shown_log2).flushed.most;
  advice.beyond = values_beyond(result, question, format, advice.shown_log2);
  return advice;
}

}  // namespace

std::vector<Recommendation> recommend(const AuditResult& result, const Question& question, const Policy& policy) {
  const Subjects subjects(result.summary);
  const int headroom = headroom_wanted(drift_of(subjects), policy);
  std::vector<Recommendation> all(question.formats.size());
  tbb::parallel_for(std::size_t{0}, all.size(), [&](std::size_t format) {
    all[format] = advise(result, subjects, question, format, headroom, policy);
  });
  for (std::size_t format = 0; format < all.size(); ++format) explain(subjects, question, policy, format, all);
  return all;
}

}  // namespace lowp
