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

void limit_by_gradients(const Summary& summary, const Subjects& subjects, const Target& target, Judgement& judgement) {
  Exact largest;
  std::optional<TensorRef> where;
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
    if (!subjects.has(tensor) || kind_of(tensor.name) == TensorKind::loss_gradient) return;
    if (counts_elements(tensor.evidence)) judgement.nonzero += census_of(tensor.evidence).nonzero();
    const Exact most = largest_at_most(tensor.evidence);
    if (!magnitude_less(largest, most)) return;
    largest = most;
    where = ref;
  });
  if (where) judgement.limits.push_back({Cause::gradient, largest_safe_scale_log2(target, largest), where});
}

void limit_by_loss(const Summary& summary, const Target& target, const Policy& policy, Judgement& judgement) {
  const LossDtype loss = loss_dtype_of(summary, policy);
  if (!loss.format || !is_narrower(target.format, ieee_format(5, 10)) ||
      !is_narrower(*loss.format, ieee_format(5, 10))) {
    return;
  }
  const Target dtype{"", *loss.format, Rounding::nearest_even, {}};
  judgement.limits.push_back({Cause::loss_dtype, largest_safe_scale_log2(dtype, exact_finite(false, 1, 0)), {}});
}

// Inf in a dump of few exponent bits is the overflow at its own scale.
void limit_by_dump(const Summary& summary, const Subjects& subjects, const Target& target, Judgement& judgement) {
  std::optional<Limit> least;
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary& step, const TensorSummary& tensor) {
    if (!subjects.has(tensor) || !counts_elements(tensor.evidence) || census_of(tensor.evidence).inf_in == 0 ||
        exponent_bits(tensor.dtype->format) >= 8 ||
        !is_narrower(target.format, tensor.dtype->format)) {
      return;
    }
    const int below = step.dump_scale_log2 - 1;
    if (!least || below < *least->log2) least = Limit{Cause::dump_scale, below, ref};
  });
  if (least) judgement.limits.push_back(*least);
}

// Activations in 8 bits have scales of their own.
void limit_by_forward(const Summary& summary, const Target& target, Judgement& judgement) {
  if (target.format.width <= 8) return;
  Exact largest;
  std::optional<TensorRef> where;
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
    if (kind_of(tensor.name) != TensorKind::forward) return;
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
void judge_precision(const Summary& summary, const Question& question, std::size_t format, const Subjects& subjects,
                     Judgement& judgement) {
  const Target target = question.target(format);
  const int lowest = -scale_log2_limit, shown = std::max(judgement.safe - judgement.headroom, lowest);
  int low = lowest;
  judgement.precise_unscaled = judgement.safe >= 0;
  double worst_db = infinite, worst_share = -1;
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
    if (!counts_elements(tensor.evidence)) return;
    const Census census = census_of(tensor.evidence);
    if (!subjects.has(tensor) || census.nonzero() == 0 || kind_of(tensor.name) == TensorKind::loss_gradient) return;
    const auto lost_at = [&](int scale) { return flushed_most(tensor.evidence, target, scale); };
    const int own = std::clamp(largest_safe_scale_log2(target, largest_at_most(tensor.evidence)), lowest, scale_log2_limit);
    judgement.flushed_own += lost_at(own);
    const Noise noise(tensor.evidence, question, format);
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
  std::ranges::sort(judgement.hopeless, {}, [](const TensorState& state) { return state.snr_db.value_or(0); });
}

void judge_range(const Summary& summary, const Target& target, const Subjects& subjects, const Policy& policy,
                 Judgement& judgement) {
  struct Weights {
    TensorRef ref;
    const Evidence* evidence;
  };
  std::vector<Weights> weights;
  Interval nonzero;  // zeros of bins may be as many as what is zero or flushed in any case
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
    if (!subjects.weights(tensor) || !counts_elements(tensor.evidence)) return;
    weights.push_back({ref, &tensor.evidence});
    const Census census = census_of(tensor.evidence);
    nonzero += level_of(tensor.evidence) == Level::bins
                   ? Interval::exactly(census.elements) -
                         Interval{census.zero_in, zero_or_flushed_at(tensor.evidence, target, judgement.safe).most}
                   : Interval::exactly(census.nonzero());
  });
  const auto lost = [&](int scale) {
    Interval flushed;
    for (const Weights& one : weights) flushed += zero_or_flushed_at(*one.evidence, target, scale);
    return flushed;
  };
  const Interval anyway = lost(judgement.safe);
  const auto allows = [&](std::uint64_t more, std::uint64_t of) {
    return static_cast<double>(more) <= policy.max_flushed * static_cast<double>(of);
  };
  const auto surely = [&](int scale) { return allows((lost(scale) - anyway).most, nonzero.least); };
  const auto perhaps = [&](int scale) { return allows((lost(scale) - anyway).least, nonzero.most); };
  const int sure = least_scale(-scale_log2_limit, judgement.safe, surely);
  const int low = least_scale(-scale_log2_limit, sure, perhaps);
  judgement.range_low = unless_lowest(sure);
  judgement.range_low_least = unless_lowest(low);
  if (!judgement.range_low_least) return;
  std::uint64_t most = 0;
  for (const Weights& one : weights) {
    const std::uint64_t more =
        (zero_or_flushed_at(*one.evidence, target, low - 1) - zero_or_flushed_at(*one.evidence, target, judgement.safe))
            .most;
    if (more <= most) continue;
    most = more;
    judgement.range_by = one.ref;
  }
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

Subjects::Subjects(const Summary& summary) {
  std::size_t gradients = 0, forwards = 0, all = 0;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    const TensorKind kind = kind_of(tensor.name);
    if (!counts_elements(tensor.evidence)) return;
    ++all;
    gradients += is_gradient(kind) ? 1 : 0;
    forwards += kind == TensorKind::forward ? 1 : 0;
    any_weights_ = any_weights_ || kind == TensorKind::weight_gradient;
  });
  named_ = gradients != 0;
  left_out_ = named_ ? all - gradients - forwards : 0;
}

bool Subjects::has(const TensorSummary& tensor) const {
  const TensorKind kind = kind_of(tensor.name);
  return named_ && counts_elements(tensor.evidence) ? is_gradient(kind) : kind != TensorKind::forward;
}

bool Subjects::weights(const TensorSummary& tensor) const {
  const TensorKind kind = kind_of(tensor.name);
  if (kind == TensorKind::loss_gradient) return false;
  return any_weights_ ? kind == TensorKind::weight_gradient : has(tensor);
}

LossDtype loss_dtype_of(const Summary& summary, const Policy& policy) {
  if (policy.loss_format) return {policy.loss_format, false};
  for (const StepSummary& step : summary.steps) {
    if (!step.loss_dtype) continue;
    if (const Dtype* dtype = find_dtype(*step.loss_dtype)) return {dtype->format, false};
    const FormatLookup found = find_format(*step.loss_dtype);
    if (found.found) return {found.format, false};
  }
  LossDtype implied;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    if (kind_of(tensor.name) == TensorKind::loss_gradient) implied = {ieee_format(5, 10), true};
  });
  return implied;
}

Lost lost_at(const Summary& summary, const Target& target, int scale_log2) {
  const Subjects subjects(summary);
  Lost lost;
  for_each_tensor(summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    if (kind_of(tensor.name) == TensorKind::loss_gradient || !counts_elements(tensor.evidence)) return;
    if (!subjects.has(tensor)) return;
    lost.flushed += flushed_at(tensor.evidence, target, scale_log2);
    lost.zero_or_flushed += zero_or_flushed_at(tensor.evidence, target, scale_log2);
    lost.elements += census_of(tensor.evidence).elements;
  });
  return lost;
}

Drift gradient_drift(const Summary& summary, const Subjects& subjects) {
  return drift_of(summary, [&](const TensorSummary& tensor) {
    return subjects.has(tensor) && kind_of(tensor.name) != TensorKind::loss_gradient;
  });
}

Judgement judge(const Summary& summary, const Question& question, std::size_t format, const Policy& policy) {
  const Subjects subjects(summary);
  const Target target = question.target(format);
  Judgement judgement;
  limit_by_gradients(summary, subjects, target, judgement);
  if (judgement.limits.empty()) return judgement;
  limit_by_loss(summary, target, policy, judgement);
  limit_by_dump(summary, subjects, target, judgement);
  limit_by_forward(summary, target, judgement);
  judgement.safe = *judgement.limits.front().log2;
  for (const Limit& limit : judgement.limits)
    judgement.safe = std::min(judgement.safe, limit.log2.value_or(judgement.safe));
  judgement.safe = std::clamp(judgement.safe, -scale_log2_limit, scale_log2_limit);
  judgement.headroom = headroom_wanted(gradient_drift(summary, subjects), policy);
  judgement.floor_db = policy.floor_db(fraction_bits(target.format));
  judge_precision(summary, question, format, subjects, judgement);
  judge_range(summary, target, subjects, policy, judgement);
  return judgement;
}

}  // namespace lowp
