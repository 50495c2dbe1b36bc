// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/adamw.h"

#include <cmath>

namespace lowp::training {
namespace {

// Inside arithmetic on values held in doubles. FP32 by way of doubles: one operation on 24-bit operands rounds
// innocuously twice; fused multiply-add needs the real one.
struct Inside {
  bool wide;
  double round(double x) const { return wide ? x : static_cast<double>(static_cast<float>(x)); }
  double multiply_add(double a, double b, double c) const {
    if (wide) return std::fma(a, b, c);
    return static_cast<double>(std::fma(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)));
  }
};

}  // namespace

AdamW::AdamW(AdamKind kind, const Accumulator& stored, const AdamSettings& s, double step)
    : stored_(stored), fused_(kind == AdamKind::fused), wide_(stored.format.precision > 24) {
  const Inside in{wide_};
  const double bias1 = 1 - std::pow(s.beta1, step), bias2 = 1 - std::pow(s.beta2, step);
  const auto in_storage = [&](bool rounded, double x) {
    Accumulator nearest = stored;
    nearest.rounding = Rounding::nearest_even;
    return rounded ? Adder(nearest).round(in.round(x)) : in.round(x);
  };
  const bool foreach = kind == AdamKind::foreach;
  keep_ = in_storage(foreach, 1 - s.learning_rate * s.weight_decay);
  beta2_ = in_storage(foreach, s.beta2);
  epsilon_ = in_storage(!fused_, s.epsilon);
  lerp_ = in.round(1 - s.beta1);
  square_weight_ = in.round(1 - s.beta2);
  bias_root_ = in.round(fused_ ? std::sqrt(bias2) : std::pow(bias2, 0.5));
  step_size_ = in.round(-(s.learning_rate / bias1));
}

// Tensor.lerp starts from the nearer end.
AdamW::Moments AdamW::moments(const AdamState& state, double gradient) {
  const Inside in{wide_};
  const double way = in.round(gradient - state.first);
  const double first =
      lerp_ < 0.5 ? in.multiply_add(way, lerp_, state.first) : in.multiply_add(way, in.round(lerp_ - 1), gradient);
  const double faded = settle(in.round(state.second * beta2_));
  const double second = in.multiply_add(in.round(square_weight_ * gradient), gradient, faded);
  return {settle(first), settle(second)};
}

double AdamW::update(double first, double second) {
  const Inside in{wide_};
  const double root = settle(in.round(std::sqrt(second)));
  const double denominator = settle(in.round(settle(in.round(root / bias_root_)) + epsilon_));
  return in.round(in.round(step_size_ * first) / denominator);
}

double AdamW::decayed(double weight) {
  return keep_ == 1 ? weight : settle(Inside{wide_}.round(weight * keep_));
}

double AdamW::apply(double weight, double first, double second) {
  return stored_.round(Inside{wide_}.round(decayed(weight) + update(first, second)));
}

double AdamW::step(AdamState& state, double gradient) {
  const Moments made = moments(state, gradient);
  const double added = update(made.first, made.second);
  state.weight = stored_.round(Inside{wide_}.round(decayed(state.weight) + added));
  state.first = stored_.round(made.first);
  state.second = stored_.round(made.second);
  return added;
}

}  // namespace lowp::training
