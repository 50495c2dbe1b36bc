// SPDX-License-Identifier: Apache-2.0
// precision-audit replay PATH...|--maxima FILE: what a loss scaler would have done on this run.
#include <array>

#include "arguments.h"
#include "commands.h"
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
    const Effort effort{
        .threads = job.threads, .chunk_bytes = job.chunk_bytes, .progress = job.progress, .count_tensor = {}};
    auto facts = maxima.empty() ? scaling::facts_of_dumps(job.series, dump_scale_log2, effort)
                                : scaling::read_maxima(maxima);
    if (!facts) return facts.error();
    run_series = std::move(*facts);
    auto replayed = scaling::replay_all(run_series, setups, loop, loss, advises);
    if (!replayed) return replayed.error();
    answer = std::move(*replayed);
    answer.shows_differences = shows_differences;
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
            loop.steps, optionally(integer_between<std::size_t>(1, 10'000'000)));
    o.value({.name = "--resume", .value = "STEP", .help = "save and load a checkpoint before this step"},
            loop.resume_before, optionally(integer_between<std::int64_t>(INT64_MIN, INT64_MAX)));
  }
};

}  // namespace

std::unique_ptr<Task> make_replay(Options& options) {
  return std::make_unique<ReplayTask>(options);
}

}  // namespace lowp::tool
