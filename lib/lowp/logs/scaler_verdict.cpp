// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/scaler_verdict.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>
#include <vector>

namespace lowp {
namespace {

constexpr std::array state_table{
    ScalerStateName{ScalerState::no_scale_logged, "no scale logged",
                    "The lines show neither a loss scale nor which steps were skipped.",
                    "Log the scale at each step: scaler.get_scale() in PyTorch, steps_per_print and the monitor in "
                    "DeepSpeed, log_loss_scale_to_tensorboard in Megatron.",
                    false},
    ScalerStateName{ScalerState::healthy, "healthy",
                    "No step was skipped, or only where the scale had just been raised, which is how a scaler finds "
                    "the limit.",
                    "", false},
    ScalerStateName{ScalerState::start_up_skips, "start-up skips",
                    "The first steps overflowed until the scale had come down to one that fits.",
                    "Harmless. Start the next run at the scale that the scaler settled at.", false},
    ScalerStateName{ScalerState::spike_and_recovery, "spike and recovery",
                    "After steps that went well the gradients overflowed at a scale that had held before.",
                    "Look at the data and the loss of that step; a lower learning rate or gradient clipping helps "
                    "where it comes back.",
                    false},
    ScalerStateName{ScalerState::loss_cap, "16-bit loss cap",
                    "Every step at 65536 overflows and 32768 holds: the gradient of the loss is the scale itself, and "
                    "in FP16 65536 is infinite.",
                    "Compute the loss in FP32, or start at 32768 and expect no more than that.", true},
    ScalerStateName{ScalerState::lost_state, "resumed with lost state",
                    "Training went on, but the scaler started anew: its scale jumped back up.",
                    "Save and load the scaler's state_dict with the checkpoint.", true},
    ScalerStateName{ScalerState::growing, "growing without bound",
                    "The scale was raised ten times or more and no overflow ever answered.",
                    "Check that the scaled loss is the one that backward() runs on and that skipped steps are "
                    "noticed; a scale that started low may only be on its way up.",
                    true},
    ScalerStateName{ScalerState::sinking, "sinking to the floor",
                    "The gradients overflow at ever lower scales; the scale does not settle.",
                    "Not a question of the scale: look for Inf in the forward pass or the loss, lower the learning "
                    "rate, or train in BF16.",
                    true},
    ScalerStateName{ScalerState::stuck, "stuck at the floor",
                    "The scale is at its minimum and step after step is skipped there: nothing is learned.",
                    "Stop the run. Look for Inf in the forward pass, go back to an earlier checkpoint, lower the "
                    "learning rate, or train in BF16.",
                    true},
    ScalerStateName{ScalerState::nan_source, "NaN source",
                    "The loss or the gradient norm is NaN at skipped steps: no scale can help.",
                    "Find the operation that makes the NaN (torch.autograd.set_detect_anomaly, log of 0, 0/0, a bad "
                    "batch); skip or clean that batch.",
                    true},
};

constexpr std::uint64_t many = 10;
constexpr double many_halvings = 1024;  // 2^10

bool raises(const ScalerStep& step) {
  return step.used && step.after && *step.after > *step.used;
}

// Skipped steps in a row, no raise between them.
struct Burst {
  std::size_t begin = 0, end = 0;  // steps
  ScalerState state = ScalerState::spike_and_recovery;
  bool lone = false;  // one step at an unknown scale: a probe, for all that can be seen
  std::uint64_t taken_before = 0;
};

// A burst at the very beginning is start-up. One that begins where the scale was just raised and goes no deeper than
// that raise is a probe of the limit. Any other hits a scale that had held.
std::vector<Burst> bursts_of(const ScalerRun& run) {
  const auto& steps = run.steps;
  std::vector<Burst> bursts;
  bool seen_taken = !run.from_start, raised = false;
  std::uint64_t taken = 0;
  for (std::size_t i = 0; i < steps.size();) {
    raised |= steps[i].raised_before;
    seen_taken |= steps[i].raised_before;
    if (!steps[i].skipped) {
      seen_taken = true;
      taken += steps[i].count;
      raised = raises(steps[i]);
      ++i;
      continue;
    }
    Burst burst{i, i + 1, ScalerState::spike_and_recovery, false, taken};
    std::uint64_t skips = steps[i].count;
    bool deeper = false;
    while (burst.end < steps.size() && steps[burst.end].skipped && !steps[burst.end].raised_before) {
      deeper |= steps[burst.end].used < steps[i].used;
      skips += steps[burst.end++].count;
    }
    if (!seen_taken) {
      burst.state = ScalerState::start_up_skips;
    } else if (!steps[i].used) {
      burst.lone = skips == 1;
    } else if (raised && !deeper) {
      burst.state = ScalerState::healthy;
    }
    bursts.push_back(burst);
    raised = false;
    taken = 0;
    i = burst.end;
  }
  return bursts;
}

// Where no scale is logged, lone skips can be probes only if one growth interval divides the steps taken before each.
void judge_lone_skips(std::vector<Burst>& bursts) {
  std::uint64_t interval = 0, lone = 0;
  for (const Burst& burst : bursts) {
    if (!burst.lone) continue;
    interval = std::gcd(interval, burst.taken_before);
    ++lone;
  }
  if (lone > 1 && interval == 1) return;
  for (Burst& burst : bursts) {
    if (burst.lone) burst.state = ScalerState::healthy;
  }
}

// The descent that the log ends in, if it is one: from its first skip on the scale did not settle.
struct Descent {
  std::size_t begin = 0;
  std::uint64_t skips = 0;
  std::optional<double> top = {}, bottom = {};
  std::optional<double> raised_from = {};      // a raise whose answer is not seen yet
  std::uint64_t taken = 0, longest_taken = 0;  // steps in a row

  bool deep() const { return top && bottom ? *top / *bottom >= many_halvings : skips >= many; }
};

std::optional<Descent> last_descent(const ScalerRun& run) {
  std::optional<Descent> descent;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const ScalerStep& step = run.steps[i];
    if (descent && step.raised_before) descent->raised_from = descent->bottom;
    if (step.skipped) {
      if (!descent) descent = Descent{.begin = i, .top = step.used ? step.used : step.after};
      descent->skips += step.count;
      descent->longest_taken = std::max(descent->longest_taken, descent->taken);
      descent->taken = 0;
      if (step.after) descent->bottom = step.after;
    } else if (descent) {
      const bool held = descent->raised_from && step.used && *step.used >= *descent->raised_from;
      descent->raised_from = raises(step) ? step.used : std::nullopt;
      descent->taken += step.count;
      if (held || descent->taken >= (step.used ? many : 3)) descent.reset();
    }
  }
  if (descent && descent->taken > 2 * descent->longest_taken) descent.reset();
  return descent;
}

// First step of ten or more skips in a row at the lowest scale there is.
std::optional<std::size_t> stuck_at(const ScalerRun& run) {
  std::optional<double> lowest;
  for (const ScalerStep& step : run.steps) {
    for (const auto& scale : {step.used, step.after}) {
      if (scale && (!lowest || *scale < *lowest)) lowest = scale;
    }
  }
  std::uint64_t row = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; lowest && i < run.steps.size(); ++i) {
    const ScalerStep& step = run.steps[i];
    const bool at_floor = step.skipped && !step.absorbed && step.used == lowest && step.after == lowest;
    if (!at_floor) {
      row = 0;
      continue;
    }
    if (row == 0) begin = i;
    row += step.count;
    if (row >= many) return begin;
  }
  return {};
}

// Overflows at 65536 alone, three times or more, while 32768 holds.
std::optional<std::size_t> loss_cap_at(const ScalerRun& run) {
  std::uint64_t overflows = 0;
  bool holds = false;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const ScalerStep& step = run.steps[i];
    if (!step.used) continue;
    if (step.skipped ? *step.used < 65536 : *step.used > 32768) return {};
    holds |= !step.skipped && *step.used == 32768;
    if (!step.skipped || *step.used != 65536) continue;
    ++overflows;
    if (!first) first = i;
  }
  return overflows >= 3 && holds ? first : std::nullopt;
}

// Binades that the scale was raised by.
std::uint64_t raise_count(const ScalerRun& run) {
  double raised = 0;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const ScalerStep& step = run.steps[i];
    if (raises(step)) raised += std::max(1.0, std::round(std::log2(*step.after / *step.used)));
    if (step.raised_before && i > 0 && !raises(run.steps[i - 1])) raised += 1;
  }
  return static_cast<std::uint64_t>(raised);
}

// The verdicts that hold, the first step of each.
class Judge {
 public:
  explicit Judge(const ScalerRun& run) : run_(run) {}

  ScalerVerdict verdict() {
    const bool skips_any = std::ranges::any_of(run_.steps, &ScalerStep::skipped);
    if (run_.logs_scale || run_.shows_skips) find(ScalerState::healthy, {});
    auto bursts = bursts_of(run_);
    judge_lone_skips(bursts);
    if (run_.logs_scale || run_.shows_skips) {
      for (const Burst& burst : bursts) find(burst.state, burst.begin);
      if (const auto at = loss_cap_at(run_)) find(ScalerState::loss_cap, at);
      const auto reset = std::ranges::find_if(run_.steps, &ScalerStep::reset);
      if (reset != run_.steps.end()) find(ScalerState::lost_state, index(reset));
      if (!skips_any && raise_count(run_) >= many) find(ScalerState::growing, first_raise());
      find_descent(bursts);
      if (const auto at = stuck_at(run_)) find(ScalerState::stuck, at);
    }
    const auto nan = std::ranges::find_if(run_.steps, [](const ScalerStep& s) { return s.skipped && s.nan; });
    if (nan != run_.steps.end()) find(ScalerState::nan_source, index(nan));
    count_skips();
    return verdict_;
  }

 private:
  std::size_t index(std::vector<ScalerStep>::const_iterator step) const {
    return static_cast<std::size_t>(step - run_.steps.begin());
  }

  // A later row of the table wins; of the same row the first event counts.
  void find(ScalerState state, std::optional<std::size_t> at) {
    if (state <= verdict_.state) return;
    verdict_.state = state;
    if (state == ScalerState::healthy || !at) {
      verdict_.began.reset();
      verdict_.began_step.reset();
      return;
    }
    verdict_.began = *at;
    verdict_.began_step = run_.steps[*at].step;
  }

  void find_descent(const std::vector<Burst>& bursts) {
    const auto descent = last_descent(run_);
    if (descent && (descent->deep() || run_.ended_at_minimum)) {
      find(ScalerState::sinking, descent->begin);
    } else if (run_.ended_at_minimum) {
      find(ScalerState::sinking, bursts.empty() ? std::nullopt : std::optional(bursts.back().begin));
    }
  }

  std::optional<std::size_t> first_raise() const {
    const auto step = std::ranges::find_if(run_.steps, raises);
    if (step == run_.steps.end()) return {};
    return index(step);
  }

  void count_skips() {
    if (run_.steps.empty()) return;
    verdict_.skipped_steps = 0;
    for (const ScalerStep& step : run_.steps) {
      if (step.skipped) *verdict_.skipped_steps += step.count;
    }
  }

  const ScalerRun& run_;
  ScalerVerdict verdict_;
};

}  // namespace

std::span<const ScalerStateName> scaler_states() {
  return state_table;
}

const ScalerStateName& name_of(ScalerState state) {
  const auto row = std::ranges::find(state_table, state, &ScalerStateName::state);
  assert(row != state_table.end());
  return *row;
}

ScalerVerdict judge(const ScalerRun& run) {
  return Judge(run).verdict();
}

}  // namespace lowp
