// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/tensor_kind.h"

#include <algorithm>
#include <array>
#include <string>

namespace lowp {
namespace {

std::string lower_case(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// Whether `name` holds `word` between separators or ends.
bool has_word(std::string_view name, std::string_view word) {
  const auto separates = [](char c) { return c == '/' || c == '.' || c == ':' || c == ' '; };
  for (std::size_t at = name.find(word); at != name.npos; at = name.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || separates(name[at - 1])) && (end == name.size() || separates(name[end]))) return true;
  }
  return false;
}

constexpr std::array<std::string_view, 8> activation_gradients{
    "act_grad", "activation_grad", "actgrad", "grad_output", "grad_input", "dgrad", "act_grads", "op_grad"};
constexpr std::array<std::string_view, 6> forwards{"act", "acts", "activation", "activations", "forward", "fwd"};
constexpr std::array<std::string_view, 20> states{
    "param",       "params",  "parameters", "state",       "optimizer",
    "optim",       "exp_avg", "exp_avg_sq", "max_exp_avg", "momentum_buffer",
    "master",      "model",   "weight",     "weights",     "running_mean",
    "running_var", "bias",    "step",       "square_avg",  "ema"};

}  // namespace

TensorKind kind_of(std::string_view name) {
  const std::string text = lower_case(name);
  const auto has = [&](std::string_view word) { return has_word(text, word); };
  const auto holds = [&](std::string_view word) { return text.find(word) != std::string::npos; };
  if (text == "act_grad/loss" || has("loss_grad") || text == "grad/loss") return TensorKind::loss_gradient;
  if (std::ranges::any_of(activation_gradients, holds)) return TensorKind::activation_gradient;
  if (holds("grad")) return TensorKind::weight_gradient;
  if (std::ranges::any_of(forwards, [&](std::string_view word) { return text.starts_with(std::string(word) + "/"); })) {
    return TensorKind::forward;
  }
  if (std::ranges::any_of(states, has)) return TensorKind::state;
  return TensorKind::unknown;
}

bool is_gradient(TensorKind kind) {
  switch (kind) {
    case TensorKind::weight_gradient:
    case TensorKind::activation_gradient:
    case TensorKind::loss_gradient: return true;
    case TensorKind::forward:
    case TensorKind::state:
    case TensorKind::unknown: break;
  }
  return false;
}

}  // namespace lowp
