// SPDX-License-Identifier: Apache-2.0
// Scalers inside compiled graphs: TensorFlow, Keras, JAX (JMP, Flax), MindSpore's cells.
#include <bit>
#include <cmath>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/scaling/scaler_arithmetic.h"
#include "lowp/scaling/scaler_rules.h"

namespace lowp::scaling {
namespace {

double product(double scale, double factor) {
  return fl32(scale * fl32(factor));
}
// A compiler makes x / c of a constant to x * (1 / c).
double by_reciprocal(double scale, double factor) {
  return fl32(scale * fl32(1 / fl32(factor)));
}

}  // namespace

// Keras 2 and TensorFlow 1 count to the window and past it, so that a window lowered below the count still ends.
Advance after_tf_keras(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = std::fmax(by_reciprocal(s.scale, p.growth), 1);
    s.clean = 0;
  } else if (static_cast<double>(s.clean + 1) >= p.interval) {
    const double grown = product(s.scale, p.growth);
    if (std::isfinite(grown)) s.scale = grown;
    s.clean = 0;
  } else {
    ++s.clean;
  }
  return {s};
}

Advance after_tf1(const Settings& p, const State& before, const Facts& f) {
  return after_tf_keras(p, before, f);
}

// Neither floor nor guard: Inf stays Inf, and XLA flushes what is below 2^-126 to 0, which stays 0.
Advance after_keras(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = flushed32(fl32(s.scale / 2));
    s.clean = 0;
  } else if (equals(s.clean, p.interval - 1)) {
    s.scale = fl32(s.scale * 2);
    s.clean = 0;
  } else {
    ++s.clean;
  }
  return {s};
}

State start_jmp(const Settings& settings) {
  return {.scale = settings.bits == 16 ? fl16(settings.init) : fl32(settings.init)};
}

// Passing through jit loses a floor that is not 1 and turns the division into a product.
Advance after_jmp(const Settings& p, const State& before, const Facts& f) {
  const auto rounded = [&](double x) { return p.bits == 16 ? fl16(x) : fl32(x); };
  State s = before;
  const double factor = rounded(p.growth);
  if (f.overflow) {
    const double lowered = p.eager != 0 ? rounded(s.scale / factor) : rounded(s.scale * rounded(1 / factor));
    s.scale = std::fmax(p.eager != 0 ? rounded(p.floor) : 1, lowered);
    s.clean = 0;
    return {s};
  }
  if (equals(s.clean, p.interval - 1)) {
    const double grown = rounded(s.scale * factor);
    if (std::isfinite(grown)) s.scale = grown;
  }
  s.clean = equals(s.clean + 1, p.interval) ? 0 : s.clean + 1;
  return {s};
}

// The count is compared before it is raised: a growth comes after interval + 1 finite steps.
Advance after_flax(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  const bool grow = equals(s.clean, p.interval);
  s.scale = fl32(s.scale);
  if (f.overflow) {
    s.scale = flushed32(product(s.scale, p.backoff));
    if (!std::isnan(p.floor)) s.scale = std::fmax(s.scale, fl32(p.floor));
  } else if (grow) {
    s.scale = std::fmin(product(s.scale, p.growth), fp32_max);
  }
  s.clean = grow || f.overflow ? 0 : s.clean + 1;
  return {s};
}

// A true division on the way down.
Advance after_mindspore_amp(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  if (f.overflow) {
    s.scale = std::fmax(1, fl32(s.scale / fl32(p.growth)));
    s.clean = 0;
    return {s};
  }
  if (equals(s.clean, p.interval - 1)) {
    const double grown = product(s.scale, p.growth);
    if (std::isfinite(grown)) s.scale = grown;
  }
  s.clean = equals(s.clean + 1, p.interval) ? 0 : s.clean + 1;
  return {s};
}

State start_cell(const Settings& settings) {
  return {.scale = fl32(settings.init), .iteration = 1};
}

// `last_overflow` is also set by a growth.
Advance after_mindspore_cell(const Settings& p, const State& before, const Facts& f) {
  State s = before;
  const bool grow = static_cast<double>(s.iteration - s.last_overflow) >= p.interval;
  if (f.overflow) {
    s.scale = std::fmax(by_reciprocal(s.scale, p.growth), 1);
  } else if (grow) {
    s.scale = product(s.scale, p.growth);
  }
  if (f.overflow || grow) s.last_overflow = s.iteration;
  ++s.iteration;
  return {s};
}

double fl16(double x) {
  constexpr Format fp16 = find_format("fp16").format, fp64 = find_format("fp64").format;
  const std::uint64_t code =
      encode(fp16, Rounding::nearest_even, Overflow{}, decode(fp64, std::bit_cast<std::uint64_t>(x)));
  return std::bit_cast<double>(encode(fp64, Rounding::nearest_even, Overflow{}, decode(fp16, code)));
}

}  // namespace lowp::scaling
