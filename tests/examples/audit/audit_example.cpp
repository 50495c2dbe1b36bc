// SPDX-License-Identifier: Apache-2.0
// audit_example DUMP...: how much is lost in FP16 at 2^16, what to do, and the whole answer as a page of text.
#include <iostream>

#include "lowp/audit/audit_report.h"
#include "lowp/core/formats.h"
#include "lowp/report/writers.h"

int main(int argc, char** argv) {
  const auto dump = lowp::open_series(std::vector<std::string>(argv + 1, argv + argc), {});
  if (!dump) return std::cerr << dump.error().message() << '\n', 1;
  const lowp::Question question{.formats = {{"fp16", lowp::find_format("fp16").format}}, .overflow = {}, .scales = {-8, 32}};
  const auto result = lowp::run_audit(*dump, {.question = question, .effort = {}});  // the only call that reads data
  if (!result) return std::cerr << result.error().message() << '\n', 1;
  const lowp::Outcome& outcome = result->total[0][question.scales.index(16)];
  std::cout << "flushed at 2^16: " << outcome.counts[lowp::ElementClass::flushed].least << '\n';
  const lowp::Policy policy;
  const lowp::AuditFindings found{*result, question, policy, recommend(*result, question, policy), {}};
  for (const lowp::Recommendation& advice : found.recommendations) std::cout << advice.reasons.front() << '\n';
  std::string page;
  lowp::find_writer("text")->write(audit_report(found, false), {}, page);
  std::cout << page;
}
