// SPDX-License-Identifier: Apache-2.0
#include "audit_device.h"

#include <fmt/format.h>

#include <array>

#include "lowp/gpu_pass/pass_results.h"

namespace lowp::tool {
namespace {

struct DeviceName {
  std::string_view name;
  bool is_gpu;
};
constexpr std::array device_names{DeviceName{"cpu", false}, DeviceName{"cuda", true}};

// The first tensor that the GPU's pass does not know, as an error.
std::optional<Error> beyond_gpu(const StepSeries& series) {
  for (const Input& input : series.inputs) {
    for (const TensorView& view : input.tensors) {
      if (view.elements == unknown_size)
        return Error{input.path, std::nullopt, "a known --count for --device cuda", "a pipe"};
      if (gpu::is_counted(*view.dtype)) continue;
      return Error{input.path, std::nullopt, "f32, f16 or bf16 elements for --device cuda",
                   fmt::format("{} in {}", view.dtype->name, view.name)};
    }
  }
  return {};
}

}  // namespace

void AuditDevice::declare(Options& o) {
  o.choice({.name = "--device",
            .help = "what reads the elements (cuda: f32, f16, bf16; formats up to 10 fraction bits)",
            .initial = "cpu"},
           is_gpu, one_of<bool>(device_names, &DeviceName::is_gpu));
}

std::optional<Error> AuditDevice::check(const Question& question) const {
  if (!is_gpu) return {};
  if (!gpu::BinadePass::is_built()) return fault("--device cuda: this program was built without CUDA");
  for (const NamedTarget& target : question.formats) {
    if (fraction_bits(target.format) >= leaf_bits)
      return Error{"--device cuda", std::nullopt, fmt::format("formats with at most {} fraction bits", leaf_bits - 1),
                   fmt::format("'{}' with {}", target.name, fraction_bits(target.format))};
  }
  return {};
}

Result<Done> AuditDevice::prepare(const StepSeries& series, Effort& effort) {
  if (!is_gpu) return Done{};
  if (auto error = beyond_gpu(series)) return *error;
  auto opened = gpu::BinadePass::open();
  if (!opened) return fault("--device " + opened.error().message());
  pass = std::move(*opened);
  effort.count_tensor = [this, progress = effort.progress](const TensorView& view, BinadeCounter& counter) {
    return pass->count(view, counter, progress);
  };
  return Done{};
}

}  // namespace lowp::tool
