// SPDX-License-Identifier: Apache-2.0
// precision-audit replay PATH...|--maxima FILE: what a loss scaler would have done on this run.
#include <fmt/format.h>

#include <array>

#include "arguments.h"
#include "commands.h"
#include "lowp/audit/summarize.h"
#include "lowp/core/formats.h"
#include "lowp/scaling/maxima_file.h"
#include "lowp/scaling/replay_report.h"
#include "lowp/scaling/summary_series.h"
#include "scaler_options.h"

namespace lowp::tool {
namespace {

using scaling::RunSeries;

struct LossName {
  std::string_view name, alias;
};
constexpr std::array loss_names{LossName{"fp16", "float16"}, LossName{"bf16", "bfloat16"}, LossName{"fp32", "float32"}};

std::string_view name_of(const LossName& loss) {
  return loss.name;
}

Result<std::optional<std::size_t>> steps_word(std::string_view word) {
  auto steps = integer_between<std::size_t>(1, 10'000'000)(word);
  if (!steps) return steps.error();
  return std::optional(*steps);
}

Result<std::optional<std::int64_t>> step_word(std::string_view word) {
  auto step = integer_between<std::int64_t>(INT64_MIN, INT64_MAX)(word);
  if (!step) return step.error();
  return std::optional(*step);
}

struct ReplayTask final : Task {
  std::vector<const scaling::Scaler*> scalers;
  ScalerSettings settings;
  scaling::Loop loop;
  std::string maxima;
  std::string_view loss;
  int dump_scale_log2 = 0;
  bool advises = false, shows_differences = false;
  std::vector<scaling::Setup> setups;
  RunSeries run_series;  // what the answer refers to, until it is written
  scaling::ReplayAnswer answer;

  explicit ReplayTask(Options& o) {
    o.value(
         {.name = "--maxima",
          .value = "FILE",
          .help =
              "in place of dumps: CSV or JSON lines of step,largest or step,name,kind,largest, unscaled; kinds grad, "
              "act_grad, op_grad, act, loss_grad"},
         maxima, any_text)
        .is_file = true;
    o.flag({.name = "--advise", .help = "which first scale and interval skip least and lose least"}, advises);
    o.flag({.name = "--diff", .help = "the first step at which each scaler differs from the first one"},
           shows_differences);
    o.group("The scaler");
    o.choices({.name = "--scaler", .help = "one or more", .initial = "torch"}, scalers, scaler_names());
    settings.declare(o);
    o.group("The training loop");
    declare_loop(o);
  }

  std::optional<Error> check() override {
    auto made = settings.setups(scalers);
    if (!made) return made.error();
    setups = std::move(*made);
    return {};
  }

  bool needs_dump() const override { return maxima.empty(); }

  Result<Answer> run(Job& job) override {
    auto facts = maxima.empty() ? facts_of(job) : scaling::read_maxima(maxima);
    if (!facts) return facts.error();
    run_series = std::move(*facts);
    if (run_series.steps.size() < static_cast<std::size_t>(loop.accumulate))
      return Error{run_series.source, std::nullopt, fmt::format("{} steps for one update", loop.accumulate),
                   fmt::format("{}", run_series.steps.size())};
    const std::string said = loss.empty() ? run_series.loss_dtype.value_or("") : std::string(loss);
    loop.loss_is_fp16 = said == "fp16" || said == "float16" || said == "torch.float16";
    answer.run = &run_series;
    answer.loop = loop;
    for (const scaling::Setup& setup : setups) answer.replays.push_back(scaling::replay(run_series, setup, loop));
    answer.advice = scaling::advise(run_series, setups.front(), loop, advises);
    answer.shows_differences = shows_differences;
    answer.shows_advice = advises;
    answer.loss_known = !said.empty();
    Answer written{scaling::replay_report(answer)};
    if (!maxima.empty()) written.report.sources.push_back({maxima, "maxima", {}, 0, 0, 0, {}});
    return written;
  }

 private:
  void declare_loop(Options& o) {
    o.choice(
        {.name = "--loss-dtype", .help = "type of the loss: if it is fp16 its own gradient counts, which is the scale"},
        loss, one_of<std::string_view>(loss_names, name_of));
    o.value({.name = "--accumulate",
             .value = "N",
             .help = "steps of the run per update; the scale stands still inside",
             .initial = "1"},
            loop.accumulate, integer_between<std::int64_t>(1, std::int64_t{1} << 32));
    o.value({.name = "--divide",
             .value = "X",
             .help = "gradients are divided by this before they are FP16 (loss / N)",
             .initial = "1"},
            loop.divide, number_that([](double x) { return x > 0; }, "a number above 0"));
    o.value({.name = "--dump-scale",
             .value = "SCALE",
             .help = "the loss scale that dumps were taken with where they do not say, a power of two",
             .initial = "1"},
            dump_scale_log2, power_of_two_word);
    o.value({.name = "--steps",
             .value = "N",
             .help = "updates to replay; beyond the run its steps come again in the same order"},
            loop.steps, steps_word);
    o.value({.name = "--resume", .value = "STEP", .help = "save and load a checkpoint before this step"},
            loop.resume_before, step_word);
  }

  Result<RunSeries> facts_of(const Job& job) const {
    Keep keep;
    keep.question.formats = {{"fp16", find_format("fp16").format}};
    keep.question.scales = {0, 0};
    keep.question.counts_only = true;
    keep.dump_scale_log2 = dump_scale_log2;
    Effort effort;
    effort.threads = job.threads;
    effort.chunk_bytes = job.chunk_bytes;
    effort.progress = job.progress;
    const auto summary = summarize(job.series, keep, effort);
    if (!summary) return summary.error();
    return scaling::facts_of_summary(*summary);
  }
};

}  // namespace

std::unique_ptr<Task> make_replay(Options& options) {
  return std::make_unique<ReplayTask>(options);
}

}  // namespace lowp::tool
