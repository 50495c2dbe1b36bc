// SPDX-License-Identifier: Apache-2.0
// Scalers in plain Python numbers, which are doubles: Apex, DeepSpeed, fairseq, fairscale, MindSpore's manager.
#include <cmath>

#include "lowp/scaling/scaler_arithmetic.h"
#include "lowp/scaling/scaler_rules.h"

namespace lowp::scaling {

State start_double(const Settings& settings) {
  return {.scale = settings.init};
}

State start_apex_amp(const Settings& settings) {
  return {.scale = python_min(settings.ceiling, settings.init)};
}

State start_iterations(const Settings& settings) {
  return {.scale = settings.init, .last_overflow = -1, .last_rescale = -1};
}

State start_deepspeed(const Settings& settings) {
  State s = start_iterations(settings);
  s.hysteresis = whole(settings.hysteresis);
  return s;
}

State start_manager(const Settings& settings) {
  return {.scale = settings.init, .iteration = 1};
}

// The factor is 2 whatever is configured.
Advance after_apex_amp(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = is_bound(p.floor) ? python_max(p.floor, s.scale / 2) : s.scale / 2;
    s.clean = 0;
  } else {
    ++s.clean;
  }
  if (equals(s.clean, p.interval)) {
    s.scale = python_min(p.ceiling, s.scale * 2);
    s.clean = 0;
  }
  return {s};
}

Advance after_fp16_utils(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = python_max(s.scale / p.growth, 1);
    s.last_overflow = s.iteration;
  } else if (is_multiple(s.iteration - s.last_overflow, p.interval)) {
    s.scale *= p.growth;
  }
  ++s.iteration;
  return {s};
}

// The first growth comes after interval + 1 clean steps. Only a scale equal to the floor raises; one below it is
// lowered up to it.
Advance after_deepspeed(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    if (p.hysteresis == 1 || s.hysteresis == 1) {
      if (s.scale == p.floor && p.raises != 0) return {s, true};
      s.scale = python_max(s.scale / p.growth, p.floor);
    } else {
      --s.hysteresis;
    }
    s.last_overflow = s.iteration;
  } else {
    const std::int64_t full = whole(p.hysteresis);
    if (p.consecutive != 0) s.hysteresis = full;
    const std::int64_t stable = s.iteration - s.last_overflow - 1;
    if (stable > 0 && is_multiple(stable, p.interval)) {
      if (p.consecutive == 0) s.hysteresis = full;
      s.scale *= p.growth;
    }
  }
  ++s.iteration;
  return {s};
}

// Without hysteresis and without an exception at the floor.
Advance after_deepspeed_optimizer(const Settings& p, const State& before, const Facts& f) {
  Settings plain = p;
  plain.hysteresis = 1;
  plain.raises = plain.consecutive = 0;
  return after_deepspeed(plain, before, f);
}

// An overflow lowers the scale where overflows are at least `tolerance` of the steps since the last change.
Advance after_fairseq(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    const double steps = static_cast<double>(s.iteration - s.last_rescale);
    s.last_overflow = s.iteration;
    ++s.overflows;
    if (static_cast<double>(s.overflows) / steps >= p.tolerance) {
      s.scale /= p.growth;
      if (!std::isnan(p.threshold)) s.scale = python_max(s.scale, p.threshold);
      s.last_rescale = s.iteration;
      s.overflows = 0;
    }
    if (s.scale <= p.floor) {
      s.scale = before.scale;
      return {s, true};
    }
  } else if (is_multiple(s.iteration - s.last_overflow, p.interval)) {
    s.scale *= p.growth;
    s.last_rescale = s.iteration;
  }
  ++s.iteration;
  return {s};
}

// One layer: its own scale, clamped on every change.
Advance after_fairscale(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  const auto clamped = [&](double scale) { return python_max(p.floor, python_min(scale, p.ceiling)); };
  if (f.overflow) {
    s.scale = clamped(p.backoff * s.scale);
    s.clean = 0;
  } else if (equals(++s.clean, p.interval)) {
    s.scale = clamped(p.growth * s.scale);
    s.clean = 0;
  }
  return {s};
}

// The 1001st overflow in a row raises, after the scale has been lowered.
Advance after_mindspore_manager(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = python_max(s.scale * (1 / p.growth), 1);
    s.last_overflow = s.iteration;
    ++s.bad;
  } else {
    if (is_multiple(s.iteration - s.last_overflow, p.interval)) s.scale *= p.growth;
    s.bad = 0;
  }
  if (s.bad > 1000) return {s, true};
  ++s.iteration;
  return {s};
}

}  // namespace lowp::scaling
