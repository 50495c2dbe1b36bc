// SPDX-License-Identifier: Apache-2.0
// What a tensor of a dump is, by its name: the words that PyTorch users and hooks give to gradients, activations,
// state.
#pragma once

#include <cstdint>
#include <string_view>

namespace lowp {

enum class TensorKind : std::uint8_t {
  weight_gradient,      // grad/..., NAME.grad, and other names that say gradient
  activation_gradient,  // act_grad/..., op_grad/..., grad_output, grad_input, dgrad, activation gradients
  loss_gradient,        // act_grad/loss, loss_grad: 1, or the loss scale
  forward,              // act/..., activations/...: values of the forward pass, which no loss scale touches
  state,                // param/..., exp_avg, running_mean, NAME.weight: parameters, buffers, optimizer state
  unknown,
};
TensorKind kind_of(std::string_view name);
bool is_gradient(TensorKind kind);

}  // namespace lowp
