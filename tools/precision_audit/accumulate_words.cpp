// SPDX-License-Identifier: Apache-2.0
#include "accumulate_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arguments.h"
#include "command_line.h"
#include "commands.h"
#include "lowp/training/gemm_report.h"
#include "lowp/training/norm.h"
#include "lowp/training/operations.h"
#include "lowp/training/over_report.h"
#include "lowp/training/update_report.h"

namespace lowp::tool::accumulate {
namespace {

using Wrong = std::optional<std::string>;

Result<Report> answer_over(const StepSeries& series, const Words& words, const Settings& settings) {
  const OverOptions options{settings.accumulators, settings.models,    settings.terms,      words.block,
                            words.predivide,       settings.scale_low, settings.scale_high, words.threads};
  auto result = sum_over(series, options);
  if (!result) return result.error();
  return over_report(series, options, *result, words.over == "files", version);
}

// Moments over the steps of a series of gradients, or the updates of one state.
Result<Report> answer_update(const StepSeries& series, const Words& words, const Settings& settings) {
  const UpdateOptions options{settings.accumulators, words.learning_rate, words.beta1, words.beta2,
                              words.epsilon,         words.weight_decay,  words.seed,  words.threads};
  if (series.inputs.size() > 1) {
    auto result = moments_over_steps(series, options);
    if (!result) return result.error();
    return moments_report(series, options, *result, version);
  }
  auto result = stalled_updates(series.inputs.front(), options);
  if (!result) return result.error();
  return state_report(series, options, *result, version);
}

Result<Report> answer_gemm(const StepSeries& series, const Words& words, const Settings& settings) {
  const GemmOptions options{words.gemm[0], words.gemm[1], settings.paths, settings.result, words.threads};
  auto result = replay_gemm(series.inputs.front(), options);
  if (!result) return result.error();
  return gemm_report(series, options, *result, version);
}

Result<Report> answer_norm(const StepSeries& series, const Words& words, const Settings& settings) {
  const NormOptions options{settings.accumulators, words.max_norm, settings.scale_log2, words.threads};
  std::vector<NormResult> results;
  for (const Input& input : series.inputs) {
    auto result = replay_norm(input, options);
    if (!result) return result.error();
    results.push_back(std::move(*result));
  }
  return norm_report(series, options, results, version);
}

Result<Report> answer_operations(const StepSeries& series, const Words& words, const Settings& settings) {
  auto result = replay_operations(series.inputs.front(), settings.accumulators, words.threads);
  if (!result) return result.error();
  return operations_report(series, settings.accumulators, *result, version);
}

// One row per question: how it is asked, what it is kept in unless told otherwise, who answers.
struct Mode {
  std::string_view name;
  bool (*asked)(const Words& words);
  std::string_view formats;
  Question question;
};
const Mode modes[] = {
    {"--over", [](const Words& w) { return !w.over.empty(); }, "bf16,fp16,fp32", answer_over},
    {"--update", [](const Words& w) { return w.update; }, "bf16,fp16,e4m3,e5m2,fp32", answer_update},
    {"--gemm", [](const Words& w) { return !w.gemm.empty(); }, "fp32", answer_gemm},
    {"--norm", [](const Words& w) { return w.norm; }, "fp32,bf16,fp16", answer_norm},
    {"--ops", [](const Words& w) { return w.ops; }, "fp16,bf16", answer_operations},
};

Wrong read_accumulators(const Words& words, std::string_view formats, Settings& settings) {
  const RoundingName* rounding = find_rounding(words.rounding);
  if (!rounding) return fmt::format("--rounding: unknown '{}'; known: {}", words.rounding, names_of(rounding_names));
  const OverflowName* overflow = find_overflow(words.overflow);
  if (!overflow) return fmt::format("--overflow: unknown '{}'; known: {}", words.overflow, names_of(overflow_names));
  const auto read = [&](const std::string& name) -> std::optional<Accumulator> {
    const FormatLookup found = find_format(name);
    if (!found.found || !fits_double(found.format) || !is_signed(found.format)) return {};
    const int random_bits = std::min(32, 62 - found.format.precision);
    const auto* known = std::ranges::find(format_table, found.format, &NamedFormat::format);
    return Accumulator{known == format_table.end() ? name : std::string(known->name),
                       found.format,
                       rounding->mode,
                       overflow->rule,
                       std::min(random_bits, 23),
                       words.seed};
  };
  for (const std::string& name : split(formats, ',')) {
    const auto accumulator = read(name);
    if (!accumulator) return fmt::format("--formats: '{}' is no format that sums can be kept in", name);
    const auto same = [&](const Accumulator& other) { return other.format == accumulator->format; };
    if (std::ranges::none_of(settings.accumulators, same)) settings.accumulators.push_back(*accumulator);
  }
  if (!words.terms.empty()) {
    settings.terms = read(words.terms);
    if (!settings.terms) return fmt::format("--terms: '{}' is no format that contributions can have", words.terms);
  }
  return {};
}

Wrong read_models(const Words& words, Settings& settings) {
  for (const std::string& name : split(words.models, ',')) {
    const SumModel* model = find_sum_model(name);
    if (!model) return fmt::format("--models: unknown '{}'; known: {}", name, names_of(sum_table));
    settings.models.push_back(model);
  }
  return {};
}

Wrong read_paths(const Words& words, Settings& settings) {
  for (const std::string& word : split(words.paths_of_gemm, ',')) {
    auto path = parse_path(word);
    if (!path) return path.error().message();
    settings.paths.push_back(std::move(*path));
  }
  if (words.result.empty()) return {};
  const FormatLookup found = find_format(words.result);
  const bool fits = found.found && is_signed(found.format) && found.format.has_zero && found.format.precision <= 24 &&
                    exponent_bits(found.format) <= 8;
  if (!fits) return fmt::format("--result: '{}' is no format that a product can be stored in", words.result);
  settings.result = Accumulator{words.result, found.format};
  return {};
}

Wrong read_numbers(const Words& words, Settings& settings) {
  const auto scales = parse_scales(words.scales);
  if (!scales || scales->low < -200 || scales->high > 200) {
    return fmt::format("--scales: wanted LOW:HIGH as log2 between -200 and 200, found '{}'", words.scales);
  }
  settings.scale_low = scales->low;
  settings.scale_high = scales->high;
  const auto scale = parse_power_of_two(words.scale);
  if (!scale) return fmt::format("--scale: wanted a power of two such as 65536 or 2^16, found '{}'", words.scale);
  settings.scale_log2 = *scale;
  if (!words.over.empty() && words.over != "steps" && words.over != "files") return "--over: wanted steps or files";
  const auto share = [](double x) { return x >= 0 && x < 1; };
  if (!share(words.beta1) || !share(words.beta2)) return "--beta1, --beta2: wanted numbers from 0 to below 1";
  for (const double x : {words.learning_rate, words.epsilon, words.weight_decay}) {
    if (!(x >= 0) || !std::isfinite(x)) return "--lr, --eps, --weight-decay: wanted numbers from 0 on";
  }
  if (!(words.max_norm > 0) || !std::isfinite(words.max_norm)) return "--max-norm: wanted a positive number";
  if (words.block < 1) return "--block: wanted at least 1";
  if (!(words.predivide > 0) || !std::isfinite(words.predivide)) return "--predivide: wanted a positive number";
  if (words.threads < 0 || words.threads > 1024) return "--threads: wanted 0 to 1024";
  return {};
}

}  // namespace

void declare_modes(CLI::App& app, Words& words, const char* group) {
  app.add_flag("--update", words.update,
               "weights and AdamW moments of a state dump: which updates vanish in each storage format; of a series of "
               "gradients: what moments kept in each format become")
      ->group(group);
  app.add_option("--gemm", words.gemm, "multiply two tensors of the dump, A B, on emulated tensor cores")
      ->expected(2)
      ->group(group);
  app.add_option(
         "--paths", words.paths_of_gemm,
         "of --gemm: GPU:PATH:INPUT:ACCUMULATOR[+N][/P[p][:FORMAT]] with promotion every N instructions (+4 is what "
         "cuBLASLt does for FP8 without fast accumulation) and K split in P parts, added one after the other or "
         "pairwise (p), kept in fp32 or FORMAT (bf16, fp16); or ideal:INPUT; for example "
         "b200:tcgen05.mxf4nvf4:e2m1:f32, ada:mma:e4m3:f32+4/3p, ideal:nvfp4")
      ->capture_default_str()
      ->group("How it is computed");
  app.add_option("--result", words.result,
                 "of --gemm: the format that products are stored in; of 16-bit inputs their own, bf16 of narrower ones")
      ->group("How it is computed");
  app.add_flag("--norm", words.norm, "the global gradient norm and clip coefficient, and clipping before unscaling")
      ->group(group);
  app.add_option("--max-norm", words.max_norm, "of --norm: what gradients are clipped to")->capture_default_str();
  app.add_option("--scale", words.scale, "of --norm: the loss scale of gradients clipped too early")
      ->capture_default_str();
  app.add_flag("--ops", words.ops, "softmax, log-sum-exp, norms, losses on the selected tensors: which need FP32")
      ->group(group);
  const char* adam = "Of --update";
  app.add_option("--lr", words.learning_rate, "learning rate")->capture_default_str()->group(adam);
  app.add_option("--beta1", words.beta1, "")->capture_default_str()->group(adam);
  app.add_option("--beta2", words.beta2, "")->capture_default_str()->group(adam);
  app.add_option("--eps", words.epsilon, "")->capture_default_str()->group(adam);
  app.add_option("--weight-decay", words.weight_decay, "decoupled, as AdamW's")->capture_default_str()->group(adam);
}

std::optional<std::string> read_words(const Words& words, Settings& settings) {
  const Mode* chosen = nullptr;
  std::string names;
  for (const Mode& mode : modes) {
    names += (names.empty() ? "" : ", ") + std::string(mode.name);
    if (!mode.asked(words)) continue;
    if (chosen != nullptr) return fmt::format("wanted one of {}, found {} and {}", names, chosen->name, mode.name);
    chosen = &mode;
  }
  if (chosen == nullptr) return fmt::format("wanted one of {} (see accumulate --help)", names);
  settings.question = chosen->question;
  settings.open.select = words.select;
  const std::string formats = words.formats.empty() ? std::string(chosen->formats) : words.formats;
  if (Wrong wrong = read_accumulators(words, formats, settings)) return wrong;
  if (Wrong wrong = read_models(words, settings)) return wrong;
  if (Wrong wrong = read_paths(words, settings)) return wrong;
  if (Wrong wrong = read_numbers(words, settings)) return wrong;
  settings.writer = find_writer(words.output);
  if (!settings.writer) return fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  return {};
}

}  // namespace lowp::tool::accumulate
