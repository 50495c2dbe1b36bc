// SPDX-License-Identifier: Apache-2.0
// precision-audit scalers [NAME...] [--diff A B]: the table of loss scalers.
#include "arguments.h"
#include "commands.h"
#include "lowp/scaling/maxima_file.h"
#include "lowp/scaling/scaler_report.h"
#include "scaler_options.h"

namespace lowp::tool {
namespace {

using scaling::NamedRun;
using scaling::Scaler;
using scaling::Setup;

Result<const Scaler*> scaler_word(std::string_view word) {
  const auto choice = scaler_names();
  if (const auto found = choice.find(word)) return *found;
  return unknown_word(word, choice.names);
}

struct ScalersTask final : Task {
  std::vector<const Scaler*> names, diff;
  ScalerSettings settings;
  std::string maxima;
  std::vector<Setup> setups;

  explicit ScalersTask(Options& o) {
    o.repeated({.name = "NAME", .help = "scalers to show in full"}, names, scaler_word).choices = scaler_names().names;
    o.several({.name = "--diff", .value = "A B", .help = "the first step at which two of them differ"}, 2, diff,
              scaler_names());
    o.value({.name = "--maxima",
             .value = "FILE",
             .help =
                 "with --diff: on this run, CSV or JSON lines of step,largest; default: on examples, from 2^10 with an "
                 "interval of 10"},
            maxima, any_text)
        .is_file = true;
    settings.declare(o);
  }

  std::optional<Error> check() override {
    if (diff.empty()) return {};
    if (maxima.empty()) {
      if (!settings.init) settings.init = 1024;
      if (!settings.interval) settings.interval = 10;
    }
    auto made = settings.setups(diff);
    if (!made) return made.error();
    setups = std::move(*made);
    return {};
  }

  Result<Answer> run(Job&) override {
    if (diff.empty()) return Answer{scaling::scalers_report(names.empty() ? all() : names)};
    std::vector<NamedRun> runs;
    if (maxima.empty()) {
      runs = scaling::example_runs();
    } else {
      auto run = scaling::read_maxima(maxima);
      if (!run) return run.error();
      runs.push_back({maxima, std::move(*run)});
    }
    return Answer{scaling::difference_report(setups[0], setups[1], runs, {})};
  }

 private:
  static std::vector<const Scaler*> all() {
    std::vector<const Scaler*> rows;
    for (const Scaler& row : scaling::scalers()) rows.push_back(&row);
    return rows;
  }
};

}  // namespace

std::unique_ptr<Task> make_scalers(Options& options) {
  return std::make_unique<ScalersTask>(options);
}

}  // namespace lowp::tool
