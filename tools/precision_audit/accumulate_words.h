// SPDX-License-Identifier: Apache-2.0
// The words of `precision-audit accumulate` and what they mean.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lowp/accumulate/sums.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/step_series.h"
#include "lowp/training/gemm_replay.h"

namespace lowp::tool::accumulate {

// The command line as it was typed.
struct Words {
  std::vector<std::string> paths;
  std::string over;
  std::vector<std::string> gemm;
  bool update = false, norm = false, ops = false;
  std::string formats, models = "sequential,pairwise,kahan,nccl_ring,nccl_tree", rounding = "nearest_even";
  std::string overflow = "ieee", terms, scales = "0", output = "text", plot;
  std::vector<std::string> select;
  std::uint64_t seed = 1, block = 4;
  double predivide = 1, learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double max_norm = 1;
  std::string scale = "2^16";
  std::string paths_of_gemm =
      "ideal:bf16,h100:wgmma:bf16:f32,a100:mma:bf16:f32,h100:wgmma:fp16:f16,ideal:e4m3,h100:wgmma:e4m3:f32,"
      "h100:wgmma:e4m3:f32+4,h100:mma:e4m3:f32";
  std::string result;
  int threads = 0;
};

struct Settings;
using Question = Result<Report> (*)(const StepSeries&, const Words&, const Settings&);

// What they mean.
struct Settings {
  OpenOptions open;
  std::vector<Accumulator> accumulators;
  std::optional<Accumulator> terms;
  std::vector<const SumModel*> models;
  std::vector<NamedPath> paths;
  std::optional<Accumulator> result;
  int scale_low = 0, scale_high = 0;
  int scale_log2 = 16;
  const Writer* writer = nullptr;
  Question question = nullptr;
};

// The questions beside --over.
void declare_modes(CLI::App& app, Words& words, const char* group);
// What is wrong with the words, if anything.
std::optional<std::string> read_words(const Words& words, Settings& settings);

}  // namespace lowp::tool::accumulate
