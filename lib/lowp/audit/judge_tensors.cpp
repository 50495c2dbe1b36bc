// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/judge_tensors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowp/core/convert.h"
#include "lowp/summary/below.h"
#include "lowp/summary/class_edges.h"
#include "lowp/summary/sweep.h"

namespace lowp {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double db_per_bit = 6.0205999132796239;

// The signal to noise of one tensor at any scale; exact results are infinitely good, overflow is infinitely bad.
class Noise {
 public:
  Noise() = default;
  Noise(const Evidence& evidence, const Question& question, std::size_t format) {
    if (level_of(evidence) < Level::errors) return;
    Question one = question;
    one.formats = {question.formats[format]};
    one.counts_only = false;
    one.scales = {-scale_log2_limit, scale_log2_limit};
    auto sweep = Sweep::of(evidence, one);
    if (!sweep) {  // a table of a wide format answers only for the scales it was asked about
      one.scales = question.scales;
      sweep = Sweep::of(evidence, one);
    }
    if (sweep) sweep_ = *std::move(sweep);
  }

  std::optional<double> at(int scale_log2) const {
    if (!sweep_ || !sweep_->question().scales.contains(scale_log2)) return {};
    const Outcome outcome = sweep_->at(0, scale_log2);
    if (!outcome.error) return {};
    if (outcome.counts[ElementClass::overflowed].most != 0) return -infinite;
    return outcome.error->snr_db.value_or(infinite);
  }

 private:
  std::optional<Sweep> sweep_;
};

// The least scale in [low, high] at which `holds`, which it does at `high` and from some scale on.
template <class Holds>
int least_scale(int low, int high, Holds holds) {
  while (low < high) {
    const int middle = low + (high - low) / 2;
    holds(middle) ? high = middle : low = middle + 1;
  }
  return high;
}

std::optional<int> unless_lowest(int scale_log2) {
  return scale_log2 <= -scale_log2_limit ? std::nullopt : std::optional(scale_log2);
}

bool is_narrower(Format format, Format other) {
  return max_exponent(format) <= max_exponent(other);
}

void limit_by_gradients(const Subjects& subjects, const Target& target, Judgement& judgement) {
  Exact largest;
  std::optional<TensorRef> where;
  subjects.for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (!subjects.is_scaled(ref)) return;
    if (counts_elements(tensor.evidence)) judgement.nonzero += census_of(tensor.evidence).nonzero();
    const Exact most = largest_at_most(tensor.evidence);
    if (!magnitude_less(largest, most)) return;
    largest = most;
    where = ref;
  });
  if (where) judgement.limits.push_back({Cause::gradient, largest_safe_scale_log2(target, largest), where});
}

void limit_by_loss(const Subjects& subjects, const Target& target, const Policy& policy, Judgement& judgement) {
  const LossDtype loss = loss_dtype_of(subjects, policy);
  if (!loss.format || !is_narrower(target.format, ieee_format(5, 10)) ||
      !is_narrower(*loss.format, ieee_format(5, 10))) {
    return;
  }
  const Target dtype{"", *loss.format, Rounding::nearest_even, {}};
  judgement.limits.push_back({Cause::loss_dtype, largest_safe_scale_log2(dtype, exact_finite(false, 1, 0)), {}});
}

// Inf in a dump of few exponent bits is the overflow at its own scale.
void limit_by_dump(const Subjects& subjects, const Target& target, Judgement& judgement) {
  std::optional<Limit> least;
  subjects.for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (!subjects.has(ref) || !counts_elements(tensor.evidence) || census_of(tensor.evidence).inf_in == 0 ||
        exponent_bits(tensor.dtype->format) >= 8 ||
        !is_narrower(target.format, tensor.dtype->format)) {
      return;
    }
    const int below = subjects.summary().steps[ref.step].dump_scale_log2 - 1;
    if (!least || below < *least->log2) least = Limit{Cause::dump_scale, below, ref};
  });
  if (least) judgement.limits.push_back(*least);
}

// Activations in 8 bits have scales of their own.
void limit_by_forward(const Subjects& subjects, const Target& target, Judgement& judgement) {
  if (target.format.width <= 8) return;
  Exact largest;
  std::optional<TensorRef> where;
  subjects.for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (subjects.kind(ref) != TensorKind::forward) return;
    const Exact most = largest_at_most(tensor.evidence);
    if (!magnitude_less(largest, most)) return;
    largest = most;
    where = ref;
  });
  if (where && largest_safe_scale_log2(target, largest) < 0) {
    judgement.limits.push_back({Cause::forward, std::nullopt, where});
  }
}

// At most so many elements are flushed: exact but for logged histograms.
std::uint64_t flushed_most(const Evidence& evidence, const Target& target, int scale_log2) {
  return flushed_at(evidence, target, scale_log2).most;
}

// Signal to noise of every tensor, and what tensors lose at scales of their own.
void judge_precision(const Subjects& subjects, const Question& question, std::size_t format, Judgement& judgement) {
  const Target target = question.target(format);
  const int lowest = -scale_log2_limit, shown = std::max(judgement.safe - judgement.headroom, lowest);
  int low = lowest;
  const bool judged = subjects.counted() <= most_judged_tensors;
  judgement.precise_unscaled = judgement.safe >= 0;
  double worst_db = infinite, worst_share = -1;
  subjects.for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (!subjects.is_scaled(ref) || !counts_elements(tensor.evidence)) return;
    const Census census = census_of(tensor.evidence);
    if (census.nonzero() == 0) return;
    const auto lost_at = [&](int scale) { return flushed_most(tensor.evidence, target, scale); };
    const int own = std::clamp(largest_safe_scale_log2(target, largest_at_most(tensor.evidence)), lowest, scale_log2_limit);
    judgement.flushed_own += lost_at(own);
    const Noise noise = judged ? Noise(tensor.evidence, question, format) : Noise();
    const auto state_at = [&](int scale) {
      const std::optional<double> db = noise.at(scale);
      return TensorState{ref, db && std::isfinite(*db) ? db : std::nullopt, lost_at(scale), census.nonzero()};
    };
    const auto at_safe = noise.at(judgement.safe);
    const auto at_shown = noise.at(shown);
    const TensorState state = state_at(shown);
    const double share = static_cast<double>(state.flushed) / static_cast<double>(state.nonzero);
    const double db = at_shown.value_or(infinite);
    if (db < worst_db || (db == worst_db && share > worst_share)) {
      worst_db = db;
      worst_share = share;
      judgement.worst = state;
    }
    if (const auto own_db = noise.at(own)) {
      judgement.worst_own_db = std::min(judgement.worst_own_db.value_or(infinite), *own_db);
    }
    if (!at_safe) return;
    judgement.errors_known = true;
    const auto keeps = [&](int scale) { return noise.at(scale).value_or(-infinite) >= judgement.floor_db; };
    if (*at_safe < judgement.floor_db) {
      judgement.hopeless.push_back(state_at(judgement.safe));
      return;
    }
    if (judgement.precise_unscaled) {
      const double unscaled = noise.at(0).value_or(-infinite);
      const bool has_range = exponent_bits(target.format) >= 8;
      judgement.precise_unscaled = unscaled >= judgement.floor_db && (has_range || unscaled >= *at_safe - 1);
    }
    if (low >= judgement.safe || keeps(low)) return;
    low = least_scale(low + 1, judgement.safe, keeps);
    judgement.precision_by = ref;
  });
  judgement.precision_low = unless_lowest(low);
  std::ranges::stable_sort(judgement.hopeless, {}, [](const TensorState& state) { return state.snr_db.value_or(0); });
}

void judge_range(const Subjects& subjects, const Target& target, const Policy& policy, Judgement& judgement) {
  const FlushedPool& weights = subjects.weights_pool();
  const Interval anyway = weights.zero_or_flushed_at(target, judgement.safe);
  const Interval nonzero = weights.nonzero(target, judgement.safe);
  const auto more = [&](int scale) { return weights.zero_or_flushed_at(target, scale) - anyway; };
  const auto allows = [&](std::uint64_t lost, std::uint64_t of) {
    return static_cast<double>(lost) <= policy.max_flushed * static_cast<double>(of);
  };
  const auto surely = [&](int scale) { return allows(more(scale).most, nonzero.least); };
  const auto perhaps = [&](int scale) { return allows(more(scale).least, nonzero.most); };
  const int sure = least_scale(-scale_log2_limit, judgement.safe, surely);
  const int low = least_scale(-scale_log2_limit, sure, perhaps);
  judgement.range_low = unless_lowest(sure);
  judgement.range_low_least = unless_lowest(low);
  if (!judgement.range_low_least) return;
  std::uint64_t most = 0;
  subjects.for_each([&](TensorRef ref, const TensorSummary& tensor) {
    if (!subjects.weights(ref) || !counts_elements(tensor.evidence)) return;
    const std::uint64_t lost = (zero_or_flushed_at(tensor.evidence, target, low - 1) -
                                zero_or_flushed_at(tensor.evidence, target, judgement.safe))
                                   .most;
    if (lost <= most) return;
    most = lost;
    judgement.range_by = ref;
  });
}

}  // namespace

bool precision_decides(const Judgement& judgement, const Policy& policy) {
  return policy.criteria->precision && judgement.errors_known;
}

bool range_decides(const Judgement& judgement, const Policy& policy) {
  return policy.criteria->range || !judgement.errors_known;
}

double ceiling_db(int fraction_bits) {
  return 13.5 + db_per_bit * fraction_bits;
}

double Policy::floor_db(int fraction_bits) const {
  return std::min(min_snr_db, ceiling_db(fraction_bits) - db_per_bit * bits_below_ceiling);
}

LossDtype loss_dtype_of(const Subjects& subjects, const Policy& policy) {
  if (policy.loss_format) return {policy.loss_format, false};
  for (const StepSummary& step : subjects.summary().steps) {
    if (!step.loss_dtype) continue;
    if (const Dtype* dtype = find_dtype(*step.loss_dtype)) return {dtype->format, false};
    const FormatLookup found = find_format(*step.loss_dtype);
    if (found.found) return {found.format, false};
  }
  LossDtype implied;
  subjects.for_each([&](TensorRef ref, const TensorSummary&) {
    if (subjects.kind(ref) == TensorKind::loss_gradient) implied = {ieee_format(5, 10), true};
  });
  return implied;
}

Lost lost_at(const Subjects& subjects, const Target& target, int scale_log2) {
  const FlushedPool& all = subjects.pool();
  return {all.flushed_at(target, scale_log2), all.zero_or_flushed_at(target, scale_log2), all.elements()};
}

Judgement judge(const Subjects& subjects, const Question& question, std::size_t format, int headroom,
                const Policy& policy) {
  const Target target = question.target(format);
  Judgement judgement;
  limit_by_gradients(subjects, target, judgement);
  if (judgement.limits.empty()) return judgement;
  limit_by_loss(subjects, target, policy, judgement);
  limit_by_dump(subjects, target, judgement);
  limit_by_forward(subjects, target, judgement);
  judgement.safe = *judgement.limits.front().log2;
  for (const Limit& limit : judgement.limits)
    judgement.safe = std::min(judgement.safe, limit.log2.value_or(judgement.safe));
  judgement.safe = std::clamp(judgement.safe, -scale_log2_limit, scale_log2_limit);
  judgement.headroom = headroom;
  judgement.floor_db = policy.floor_db(fraction_bits(target.format));
  judge_precision(subjects, question, format, judgement);
  judge_range(subjects, target, policy, judgement);
  return judgement;
}

}  // namespace lowp
