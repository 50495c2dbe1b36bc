// SPDX-License-Identifier: Apache-2.0
// THE TABLE of AdamW implementations: what each rounds to the format that parameters, gradients and state are kept in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "lowp/accumulate/adder.h"

namespace lowp::training {

enum class AdamKind : std::uint8_t { exact, loop, foreach, fused };

struct AdamModel {
  std::string_view name;
  AdamKind kind;
  std::string_view what;
  std::string_view source;
};
// `exact` needs no table row's arithmetic: moments in FP64, each rounded once. It stands first.
inline constexpr std::array adam_table{
    AdamModel{"rounded once", AdamKind::exact, "exact arithmetic, each moment rounded once per step", "definition"},
    AdamModel{"for-loop", AdamKind::loop, "AdamW(foreach=False), a CPU's default: every operation is rounded",
              "torch/optim/adam.py; torch 2.15 gives the same bits on a CPU"},
    AdamModel{"foreach", AdamKind::foreach,
              "AdamW(foreach=True), a GPU's default: every operation is rounded, on a CPU beta2 and the decay too",
              "torch/optim/adam.py; torch 2.15 gives the same bits on a CPU; on a GPU from source, not run"},
    AdamModel{"fused", AdamKind::fused, "AdamW(fused=True): FP32 inside, parameter and moments rounded once",
              "PyTorch FusedAdamKernel.cpp; torch 2.15 gives the same bits on a CPU; on a GPU from source, not run"},
};

struct AdamSettings {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
};

struct AdamState {
  double weight = 0, first = 0, second = 0;  // values of the storage format
};

// One of PyTorch's three AdamWs at one step count, in any storage format: FP32 inside, FP64 for formats beyond FP32.
// Bits are torch's on a CPU but for two places: FP32 square roots of for-loop and foreach, which MKL rounds otherwise
// now and then, and FP32 inside fused for the elements after a tensor's last whole vector. NaN and Inf as IEEE 754.
class AdamW {
 public:
  AdamW(AdamKind kind, const Accumulator& stored, const AdamSettings& settings, double step);

  void start(std::uint64_t stream) { stored_.start(stream); }  // of stochastic roundings
  // The state after one more step; gives back what is added to the weight, before that is rounded.
  double step(AdamState& state, double gradient);
  // The last part alone: the weight after a step that left these moments. Fused reads them before they are rounded.
  double apply(double weight, double first, double second);
  // The weight after decay alone, as the next operation reads it.
  double decayed(double weight);

 private:
  struct Moments {
    double first, second;
  };
  Moments moments(const AdamState& state, double gradient);
  double update(double first, double second);
  double settle(double x) { return fused_ ? x : stored_.round(x); }  // what is rounded after every operation

  Adder stored_;
  bool fused_, wide_;
  double keep_, lerp_, beta2_, square_weight_, bias_root_, epsilon_, step_size_;  // as the arithmetic sees them
};

}  // namespace lowp::training
