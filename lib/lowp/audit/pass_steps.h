// SPDX-License-Identifier: Apache-2.0
// Which steps are counted together, and what is said of each. Part of summarize.cpp.
#pragma once

#include <filesystem>
#include <map>

#include "lowp/audit/pass.h"
#include "lowp/base/crc32c.h"

namespace lowp::pass {

template <class Way>
Result<Done> Pass<Way>::open_batch(std::size_t begin, std::size_t end) {
  opened_.resize(end - begin);
  tbb::parallel_for(begin, end, [&](std::size_t s) { opened_[s - begin].emplace(series_.inputs[s]); });
  first_ = begin;
  for (std::size_t s = begin; s < end; ++s) {
    if (const auto& error = opened_[s - begin]->error()) return *error;
    summary_.steps[s] = described(s);
  }
  return Done{};
}

template <class Way>
StepSummary Pass<Way>::described(std::size_t s) const {
  const Input& input = series_.inputs[s];
  StepSummary step;
  step.path = input.path;
  step.dump = std::filesystem::path(input.path).filename().string();
  step.reader = input.format;
  step.step = input.step;
  step.bytes = input.bytes;
  step.dump_scale_log2 = scale_of(input);
  step.loss_dtype = input.loss_dtype;
  step.notes = input.notes;
  for (const TensorView& view : tensors_of(s))
    step.tensors.push_back({view.name, view.dtype, view.shape, {}, keep_.part});
  return step;
}

// Steps that are counted together share their dump scale. Each is by itself where its total is wanted, and they are
// few where somebody waits for them.
template <class Way>
std::size_t Pass<Way>::end_of_batch(std::size_t begin) const {
  const std::size_t most_waiting = keep_.tensors >= Level::leaves ? 64 : 1024;  // tensors
  if (series_.inputs[begin].summary) return end_of_summaries(begin);
  std::size_t end = begin + 1, tensors = extent_of(series_.inputs[begin]).tensors;
  if (keep_.step_totals) return end;
  for (; end < series_.inputs.size(); ++end) {
    const Input& input = series_.inputs[end];
    tensors += extent_of(input).tensors;
    if (input.summary || scale_of(input) != scale_of(series_.inputs[begin])) break;
    if (watch_.step && tensors > most_waiting) break;
  }
  return end;
}

// What each step's elements were, by checksums joined in the order of its tensors.
template <class Way>
void Pass<Way>::stamp(const std::vector<Job>& jobs) {
  std::map<std::size_t, std::uint32_t> crc;
  for (const Job& job : jobs) {
    std::uint32_t& sum = crc[job.ref.step];
    sum = crc32c_joined(sum, checksums_[job.number], job.bytes());
  }
  for (const auto& [step, sum] : crc) {
    const Input& input = series_.inputs[step];
    summary_.steps[step].sources = {{summary_.steps[step].dump, input.bytes, sum}};
  }
}

}  // namespace lowp::pass
