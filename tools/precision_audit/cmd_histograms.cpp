// SPDX-License-Identifier: Apache-2.0
// precision-audit [histograms] RUN...: the audit of histograms that a run has logged.
#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "commands.h"
#include "format_words.h"
#include "lowp/audit/logged_report.h"
#include "policy_options.h"

namespace lowp::tool {
namespace {

Result<NamedTarget> histogram_format(std::string_view word) {
  auto format = auditable_format(word);
  if (!format) return format.error();
  return NamedTarget{format->name, format->format};
}

std::string reader_help() {
  std::string text = "File kinds:\n";
  for (const LoggedReader& reader : logged_readers()) text += fmt::format("  {:<16} {}\n", reader.name, reader.what);
  return text + "\n";
}

struct HistogramsTask final : Task {
  std::vector<std::string> paths, select;
  Question question;
  int dump_scale_log2 = 0;
  std::vector<LoggedInput> inputs;  // what the answer refers to, until it is written
  Policy policy;
  LoggedAudit audit;

  explicit HistogramsTask(Options& o) {
    o.repeated(
         {.name = "RUN", .help = "files, or directories of TensorBoard event files or .wandb files", .required = true},
         paths, any_text)
        .is_file = true;
    o.list({.name = "--formats",
            .value = "NAME",
            .help = "formats to convert to: " + auditable_names() + ", or any eXmY",
            .initial = "fp16,bf16,e4m3,e5m2"},
           question.formats, histogram_format);
    o.value({.name = "--scales",
             .value = "LOW:HIGH",
             .help = "loss scales to try, as log2, both ends included",
             .initial = "-8:32"},
            question.scales, scale_range);
    o.choice({.name = "--rounding", .help = "rounding mode", .initial = "nearest_even"}, question.rounding,
             deterministic_modes());
    o.value({.name = "--dump-scale",
             .value = "SCALE",
             .help = "the loss scale that the logged gradients had, a power of two (wandb.watch sees scaled ones)",
             .initial = "1"},
            dump_scale_log2, power_of_two_word);
    o.repeated({.name = "--select", .value = "GLOB", .help = "only histograms whose name matches; may be repeated"},
               select, any_text);
    o.group("How to advise");
    declare_policy(o, policy);
    o.footer() += reader_help();
  }

  Result<Answer> run(Job&) override {
    auto opened = open_logged(paths, select);
    if (!opened) return opened.error();
    inputs = std::move(*opened);
    if (std::ranges::all_of(inputs, [](const LoggedInput& input) { return input.run.histograms.empty(); })) {
      return Error{paths.front(), std::nullopt, "histograms of gradients",
                   select.empty() ? "none" : "none that --select matches"};
    }
    audit = audit_logged(inputs, question, policy, dump_scale_log2);
    return Answer{logged_report(inputs, question, audit)};
  }
};

}  // namespace

std::unique_ptr<Task> make_histograms(Options& options) {
  return std::make_unique<HistogramsTask>(options);
}

}  // namespace lowp::tool
