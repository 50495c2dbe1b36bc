// SPDX-License-Identifier: Apache-2.0
// Bytes that training keeps: weights, gradients, master copies, optimizer state, quantized copies. One formula a term.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/recipes/recipe.h"
#include "lowp/report/report.h"

namespace lowp::recipes {

// What is kept for each parameter, in bytes. State tensors have the type of the weights that the optimizer updates.
struct TrainingScheme {
  std::string_view name;
  int weight, gradient, master, state;
  std::string_view meaning;
};
inline constexpr std::array training_schemes{
    TrainingScheme{"fp32", 4, 4, 0, 4, "everything in FP32"},
    TrainingScheme{"autocast", 4, 4, 0, 4, "torch.autocast, FP16 or BF16: weights, gradients and states stay FP32"},
    TrainingScheme{"fp16-master", 2, 2, 4, 4, "16-bit weights and gradients, an FP32 copy to update (Apex O2, DeepSpeed)"},
    TrainingScheme{"fp32-gradients", 2, 4, 4, 4, "16-bit weights, gradients added in FP32, an FP32 copy (Megatron)"},
    TrainingScheme{"bf16", 2, 2, 0, 2, "model.bfloat16(): weights, gradients and states in 16 bits"},
};

// Tensors of state per parameter, and bytes per parameter tensor ("step", an FP32 number).
struct OptimizerMemory {
  std::string_view name;
  int states, step_bytes;
  std::string_view meaning;
};
inline constexpr std::array optimizer_memories{
    OptimizerMemory{"sgd", 0, 0, "no state"},
    OptimizerMemory{"momentum", 1, 0, "momentum_buffer"},
    OptimizerMemory{"adam", 2, 4, "exp_avg, exp_avg_sq, step"},
    OptimizerMemory{"adamw", 2, 4, "exp_avg, exp_avg_sq, step; the same for foreach and fused"},
    OptimizerMemory{"amsgrad", 3, 4, "exp_avg, exp_avg_sq, max_exp_avg_sq, step"},
    OptimizerMemory{"rmsprop", 1, 4, "square_avg, step"},
    OptimizerMemory{"adagrad", 1, 4, "sum, step"},
};

struct ParameterShape {
  std::string name;
  std::vector<std::uint64_t> shape;
};
// Parameters by number alone, or by their shapes.
struct ModelSize {
  std::uint64_t parameters = 0;
  std::vector<ParameterShape> tensors;  // empty: only the number is known
};
struct MemoryQuestion {
  ModelSize model;
  const TrainingScheme* scheme = nullptr;
  const OptimizerMemory* optimizer = nullptr;
  int zero = 0;  // stage: 1 splits states and master, 2 gradients too, 3 weights too
  std::uint64_t ranks = 1;
  const Recipe* recipe = nullptr;              // copies of the weights kept for products
  std::optional<std::uint64_t> activations;    // bytes, if the user knows them
};
struct MemoryTerm {
  std::string name;
  std::string formula;
  std::uint64_t bytes = 0;  // on one rank
};
// Split terms are rounded up to whole bytes. Terms of 0 bytes are left out.
std::vector<MemoryTerm> memory_terms(const MemoryQuestion& question);
std::uint64_t memory_sum(std::span<const MemoryTerm> terms);

// Lines of a name and its axes, "blocks.0.fc.weight 384 96"; '#' begins a comment. At most 2^20 lines.
Result<ModelSize> read_shapes(const std::string& path);

Report memory_report(const MemoryQuestion& question);

}  // namespace lowp::recipes
