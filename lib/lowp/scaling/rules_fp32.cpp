// SPDX-License-Identifier: Apache-2.0
// Scalers that keep their scale in an FP32 tensor and count clean steps: PyTorch and what is built on it, Megatron,
// ColossalAI, Paddle.
#include <cmath>

#include "lowp/scaling/scaler_arithmetic.h"
#include "lowp/scaling/scaler_rules.h"

namespace lowp::scaling {
namespace {

// torch's kernel multiplies in double and rounds once; most others round the factor to FP32 first.
double torch_product(double scale, double factor) {
  return fl32(scale * factor);
}
double fp32_product(double scale, double factor) {
  return fl32(scale * fl32(factor));
}

// The clean half of torch's rule: growth to Inf is refused, the count starts again either way.
void torch_clean_step(const Settings& p, State& s) {
  if (!equals(++s.clean, p.interval)) return;
  const double grown = torch_product(s.scale, p.growth);
  if (std::isfinite(grown)) s.scale = grown;
  s.clean = 0;
}

void torch_backoff(const Settings& p, State& s) {
  s.scale = torch_product(s.scale, p.backoff);
  s.clean = 0;
}

}  // namespace

State start_fp32(const Settings& settings) {
  return {.scale = fl32(settings.init)};
}

State start_countdown(const Settings& settings) {
  State s = start_fp32(settings);
  s.hysteresis = whole(settings.hysteresis);
  return s;
}

Advance after_torch(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    torch_backoff(p, s);
  } else {
    torch_clean_step(p, s);
  }
  return {s};
}

Advance after_sharded_cpu(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = fp32_product(s.scale, p.backoff);
    s.clean = 0;
  } else if (equals(++s.clean, p.interval)) {
    s.scale = fp32_product(s.scale, p.growth);
    s.clean = 0;
  }
  return {s};
}

// torch's scaler; the interval is read from the wrong option, and only where the right one is given.
Advance after_fairseq_amp(const Settings& p, const State& before, const Facts& f) {
  Settings torch = p;
  torch.interval = std::isnan(p.interval) ? 2000 : p.amp_interval;
  if (f.overflow && before.scale * p.backoff <= p.floor) return {before, true};
  return after_torch(torch, before, f);
}

// The hysteresis is spent by overflows in a row and refilled by any clean step.
Advance after_nemo(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (!f.overflow) {
    torch_clean_step(p, s);
    s.hysteresis = whole(p.hysteresis);
    return {s};
  }
  if (--s.hysteresis <= 0) {
    torch_backoff(p, s);
  } else {
    s.clean = 0;
  }
  return {s};
}

// The kernel spends, backs off and refills as NeMo's Python does.
Advance after_apex_fused(const Settings& p, const State& before, const Facts& f) {
  return after_nemo(p, before, f);
}

// The hysteresis is refilled by a growth alone; growth has no guard against Inf.
Advance after_megatron(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.clean = 0;
    if (--s.hysteresis <= 0) s.scale = std::fmax(fp32_product(s.scale, p.backoff), fl32(p.floor));
  } else if (equals(++s.clean, p.interval)) {
    s.clean = 0;
    s.hysteresis = whole(p.hysteresis);
    s.scale = fp32_product(s.scale, p.growth);
  }
  return {s};
}

// Counts overflows up to the hysteresis, again from zero after a growth.
Advance after_colossalai(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.clean = 0;
    if (static_cast<double>(++s.hysteresis) >= p.hysteresis) {
      s.scale = fp32_product(s.scale, p.backoff);
      if (is_bound(p.floor)) s.scale = std::fmax(s.scale, fl32(p.floor));
    }
  } else if (equals(++s.clean, p.interval)) {
    s.clean = 0;
    s.hysteresis = 0;
    s.scale = fp32_product(s.scale, p.growth);
    if (is_bound(p.ceiling)) s.scale = std::fmin(s.scale, fl32(p.ceiling));
  }
  return {s};
}

// `bad` overflows in a row lower the scale; neither floor nor guard against Inf.
Advance after_paddle(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (p.dynamic == 0) return {s};
  if (f.overflow) {
    s.clean = 0;
    if (equals(++s.bad, p.hysteresis)) {
      s.scale = fp32_product(s.scale, p.backoff);
      s.bad = 0;
    }
  } else {
    s.bad = 0;
    if (equals(++s.clean, p.interval)) {
      s.scale = fp32_product(s.scale, p.growth);
      s.clean = 0;
    }
  }
  return {s};
}

// The operator of static graphs: a lowered scale is at least 1, growth to Inf is refused.
Advance after_paddle_op(const Settings& p, const State& before, const Facts& f) {
  Advance a = after_paddle(p, before, f);
  if (a.next.scale == before.scale) return a;
  if (f.overflow) {
    if (a.next.scale < 1) a.next.scale = 1;
  } else if (!std::isfinite(a.next.scale)) {
    a.next.scale = before.scale;
  }
  return a;
}

}  // namespace lowp::scaling
