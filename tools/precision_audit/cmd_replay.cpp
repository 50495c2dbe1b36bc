// SPDX-License-Identifier: Apache-2.0
// precision-audit replay PATHS|--maxima FILE: what a loss scaler would have done on this run.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "arguments.h"
#include "command_line.h"
#include "commands.h"
#include "lowp/audit/summarize.h"
#include "lowp/core/formats.h"
#include "lowp/report/writers.h"
#include "lowp/scaling/maxima_file.h"
#include "lowp/scaling/replay_report.h"
#include "lowp/scaling/scaler_words.h"
#include "lowp/scaling/summary_series.h"
#include "replay_words.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

using scaling::Loop;
using scaling::RunSeries;
using scaling::Setup;
using Wrong = std::optional<std::string>;

struct Words {
  std::vector<std::string> paths, select;
  std::string maxima;
  ScalerWords scaler;
  std::string loss_dtype, divide = "1", dump_scale = "1", output = "text", plot;
  std::int64_t steps = 0, accumulate = 1, resume = 0;
  bool advise = false, diff = false;
  int threads = 0;
};

void declare_options(CLI::App& app, Words& words) {
  app.add_option("PATH", words.paths, "dumps of gradients: files, or directories with one file per step");
  app.add_option(
      "--maxima", words.maxima,
      "in place of dumps: CSV or JSON lines of step,largest or step,name,kind,largest, unscaled; kinds grad, "
      "act_grad, op_grad, act, loss_grad");
  const char* group = "The scaler";
  app.add_option("--scaler", words.scaler.scalers, "one or more: " + scaler_names())
      ->capture_default_str()
      ->group(group);
  app.add_option("--init", words.scaler.init, "first scale, 2^16 or 65536; default: the scaler's own")->group(group);
  app.add_option("--growth-interval", words.scaler.interval, "clean steps to a growth; default: the scaler's own")
      ->group(group);
  app.add_option("--param", words.scaler.parameters, "NAME=VALUE in the framework's own words; may be repeated")
      ->allow_extra_args(false)
      ->group(group);
  group = "The training loop";
  app.add_option("--loss-dtype", words.loss_dtype, "of the loss: fp16 (then its own gradient counts), bf16, fp32")
      ->group(group);
  app.add_option("--accumulate", words.accumulate, "steps of the run per update; the scale stands still inside")
      ->capture_default_str()
      ->group(group);
  app.add_option("--divide", words.divide, "gradients are divided by this before they are FP16 (loss / N)")
      ->capture_default_str()
      ->group(group);
  app.add_option("--dump-scale", words.dump_scale, "the loss scale the dumps were taken with, a power of two")
      ->capture_default_str()
      ->group(group);
  app.add_option("--steps", words.steps, "updates to replay; beyond the run its steps come again in the same order")
      ->group(group);
  app.add_option("--resume", words.resume, "save and load a checkpoint before this step")->group(group);
  app.add_option("--select", words.select, "only tensors whose name matches, for example 'grad/*'; may be repeated")
      ->allow_extra_args(false)
      ->group(group);
  group = "How to answer";
  app.add_flag("--advise", words.advise, "which first scale and interval skip least and lose least")->group(group);
  app.add_flag("--diff", words.diff, "the first step at which each scaler differs from the first one")->group(group);
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str()->group(group);
  app.add_option("--plot", words.plot, "also write the picture to this SVG file")->group(group);
  app.add_option("--threads", words.threads, "0: one per processor")->capture_default_str()->group(group);
  app.footer("Exit codes: 0 fine, 2 usage, 3 input.");
}

// A positive number, or what is wrong.
Wrong read_positive(std::string_view option, const std::string& word, double& value) {
  const auto number = scaling::parse_real(word);
  if (!number || !(*number > 0) || !std::isfinite(*number))
    return fmt::format("{}: wanted a number above 0, found '{}'", option, word);
  value = *number;
  return {};
}

Wrong read_loop(const CLI::App& app, const Words& words, Loop& loop, int& dump_scale_log2) {
  if (words.paths.empty() == words.maxima.empty()) return "wanted either PATH or --maxima";
  if (words.accumulate < 1) return fmt::format("--accumulate: wanted 1 or more, found {}", words.accumulate);
  if (app.count("--steps") != 0 && (words.steps < 1 || words.steps > 10'000'000))
    return fmt::format("--steps: wanted 1 to 10,000,000, found {}", words.steps);
  if (words.threads < 0 || words.threads > 4096)
    return fmt::format("--threads: wanted 0 to 4096, found {}", words.threads);
  const std::string& loss = words.loss_dtype;
  if (!loss.empty() && loss != "fp16" && loss != "bf16" && loss != "fp32")
    return fmt::format("--loss-dtype: wanted fp16, bf16 or fp32, found '{}'", loss);
  if (Wrong wrong = read_positive("--divide", words.divide, loop.divide)) return wrong;
  const auto dump = parse_power_of_two(words.dump_scale);
  if (!dump || *dump < -scale_log2_limit || *dump > scale_log2_limit)
    return fmt::format("--dump-scale: wanted a power of two such as 65536 or 2^16, found '{}'", words.dump_scale);
  dump_scale_log2 = *dump;
  loop.accumulate = words.accumulate;
  if (app.count("--steps") != 0) loop.steps = static_cast<std::size_t>(words.steps);
  if (app.count("--resume") != 0) loop.resume_before = words.resume;
  return {};
}

Result<RunSeries> run_of(const Words& words, int dump_scale_log2) {
  if (!words.maxima.empty()) return scaling::read_maxima(words.maxima);
  OpenOptions open;
  open.select = words.select;
  const auto series = open_series(words.paths, open);
  if (!series) return series.error();
  Keep keep;
  keep.question.formats = {{"fp16", find_format("fp16").format}};
  keep.question.scales = {0, 0};
  keep.question.counts_only = true;
  keep.dump_scale_log2 = dump_scale_log2;
  Effort effort;
  effort.threads = words.threads;
  const auto summary = summarize(*series, keep, effort);
  if (!summary) return summary.error();
  for (const Input& input : series->inputs) {
    if (const auto doubt = changed_since_open(input)) complain(*doubt);
  }
  return scaling::facts_of_summary(*summary);
}

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

int answer(const Words& words, const std::vector<Setup>& setups, Loop loop, int dump_scale_log2, const Writer& writer) {
  const auto run = run_of(words, dump_scale_log2);
  if (!run) return fail(run.error().message());
  if (run->steps.size() < static_cast<std::size_t>(loop.accumulate))
    return fail(
        fmt::format("{}: wanted {} steps for one update, found {}", run->source, loop.accumulate, run->steps.size()));
  const std::string loss = words.loss_dtype.empty() ? run->loss_dtype.value_or("") : words.loss_dtype;
  loop.loss_is_fp16 = loss == "fp16" || loss == "float16" || loss == "torch.float16";
  scaling::ReplayAnswer answer{*run, loop, {}, {}, words.diff, words.advise, !loss.empty()};
  for (const Setup& setup : setups) answer.replays.push_back(scaling::replay(*run, setup, loop));
  answer.advice = scaling::advise(*run, setups.front(), loop, words.advise);
  Report report = scaling::replay_report(answer);
  const std::vector<Cell> tool{Cell{std::string("precision-audit")}, Cell{std::string(version)}};
  report.tables.insert(report.tables.begin(), Table{"tool", {"name", "version"}, {tool}, true});
  std::string document, plot;
  writer.write(report, stdout_style(), document);
  if (!words.plot.empty()) {
    find_writer("svg")->write(report, {}, plot);
    if (const std::string error = write_file(words.plot, plot); !error.empty()) return fail(error);
  }
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  return exit_fine;
}

}  // namespace

int run_replay_command(int argc, char** argv) {
  Words words;
  CLI::App app{"What a framework's loss scaler would have done on this run.", argv[0]};
  declare_options(app, words);
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  std::vector<Setup> setups;
  Loop loop;
  int dump_scale_log2 = 0;
  Wrong wrong = read_setups(words.scaler, setups);
  if (!wrong) wrong = read_loop(app, words, loop, dump_scale_log2);
  const Writer* writer = find_writer(words.output);
  if (!wrong && writer == nullptr)
    wrong = fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  if (wrong) {
    complain(*wrong);
    return exit_usage;
  }
  return answer(words, setups, loop, dump_scale_log2, *writer);
}

}  // namespace lowp::tool
