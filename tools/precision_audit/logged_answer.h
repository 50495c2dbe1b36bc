// SPDX-License-Identifier: Apache-2.0
// The audit of what a run has logged.
#pragma once

#include <span>
#include <string>

#include "lowp/audit/recommend.h"
#include "lowp/report/writers.h"

namespace lowp::tool {

struct LoggedQuestion {
  std::span<const std::string> select;  // globs over names; none: all
  const Question& question;
  int dump_scale_log2 = 0;  // the loss scale that the logged values had
  const Policy& policy;
  const Writer& writer;
  const std::string& plot;  // file for the picture, or empty
};

// Reads the paths, all of them logged runs, and answers on stdout; the exit code.
int answer_from_logs(std::span<const std::string> paths, const LoggedQuestion& asked);

}  // namespace lowp::tool
