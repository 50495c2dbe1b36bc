// SPDX-License-Identifier: Apache-2.0
// Scalers that look at more than one bit, and those that look at nothing: OpenSeq2Seq, PopART, static scales.
#include <cmath>

#include "lowp/scaling/scaler_arithmetic.h"
#include "lowp/scaling/scaler_rules.h"

namespace lowp::scaling {
namespace {

double clipped(double x, const Settings& p) {
  return std::isnan(x) ? x : std::fmin(std::fmax(x, fl32(p.floor)), fl32(p.ceiling));
}

}  // namespace

State start_backoff(const Settings& settings) {
  return {.scale = fl32(settings.ceiling), .last_overflow = -1};
}

// The graph reads and raises the iteration in no fixed order; here it is read first.
Advance after_backoff(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = clipped(fl32(s.scale / fl32(p.growth)), p);
    s.last_overflow = s.iteration;
  } else if (is_multiple(s.iteration - s.last_overflow, p.interval)) {
    s.scale = clipped(fl32(s.scale * fl32(p.growth)), p);
  }
  ++s.iteration;
  return {s};
}

State start_logmax(const Settings&) {
  return {.scale = 1};
}

// Mean and deviation of log2 of the largest gradient as FP16 holds it, each with its own memory; an overflow counts as
// 2^log_max.
Advance after_logmax(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  const auto b1 = static_cast<float>(p.beta1), b2 = static_cast<float>(p.beta2);
  const auto rest1 = static_cast<float>(1 - p.beta1), rest2 = static_cast<float>(1 - p.beta2);
  const auto largest = static_cast<float>(fl16(s.scale * f.largest) / s.scale);
  const float x = f.overflow ? std::pow(2.0f, static_cast<float>(p.log_max)) : std::log(largest) / std::log(2.0f);
  s.mean = b1 * s.mean + rest1 * x;
  s.fade1 = s.fade1 * b1;
  s.slow_mean = b2 * s.slow_mean + rest2 * x;
  s.square = b2 * s.square + rest2 * (x * x);
  s.fade2 = s.fade2 * b2;
  const float mean = s.mean / (1 - s.fade1);
  const float square = s.square / (1 - s.fade2), slow_mean = s.slow_mean / (1 - s.fade2);
  const float variance = square - slow_mean * slow_mean;
  const float deviation = std::sqrt(variance > 0 || std::isnan(variance) ? variance : 0.0f);
  s.scale = clipped(std::pow(2.0f, 16 - (deviation * static_cast<float>(p.deviations) + mean)), p);
  ++s.iteration;
  return {s};
}

// Halves or doubles at the end of every period, whatever overflowed.
Advance after_popart(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (!equals(++s.clean, p.interval)) return {s};
  s.clean = 0;
  s.scale = fl32(s.scale * (f.above_edge > p.threshold ? 0.5 : 2));
  return {s};
}

State start_msamp(const Settings& settings) {
  return {.scale = 1 / std::sqrt(settings.ranks)};
}

Advance after_nothing(const Settings&, const State& before, const Facts&) {
  return {before};
}

}  // namespace lowp::scaling
