// SPDX-License-Identifier: Apache-2.0
#include "logged_answer.h"

#include <algorithm>

#include "commands.h"
#include "lowp/audit/logged_report.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

}  // namespace

int answer_from_logs(std::span<const std::string> paths, const LoggedQuestion& asked) {
  const auto inputs = open_logged(paths, asked.select);
  if (!inputs) return fail(inputs.error().message());
  if (std::ranges::all_of(*inputs, [](const LoggedInput& input) { return input.run.histograms.empty(); })) {
    return fail(Error{
        paths.front(), {}, "histograms of gradients", asked.select.empty() ? "none" : "none that --select matches"}
                    .message());
  }
  const LoggedAudit audit = audit_logged(*inputs, asked.question, asked.dump_scale_log2, asked.policy);
  const Report report = logged_report(*inputs, asked.question, audit, version);
  std::string document, picture;
  asked.writer.write(report, stdout_style(), document);
  if (!asked.plot.empty()) {
    find_writer("svg")->write(report, {}, picture);
    if (const std::string error = write_file(asked.plot, picture); !error.empty()) return fail(error);
  }
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  return exit_fine;
}

}  // namespace lowp::tool
