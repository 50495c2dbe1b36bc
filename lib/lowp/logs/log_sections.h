// SPDX-License-Identifier: Apache-2.0
// A log becomes sections: one per run or table that it holds, each with a verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/logs/scaler_verdict.h"

namespace lowp {

enum class ScaleMeaning { of_this_step, of_the_next_step, not_logged };
std::string_view name_of(ScaleMeaning meaning);  // "of this step"

struct LogSection {
  std::string file;
  std::string framework;         // empty where no line is known
  std::uint64_t first_line = 1;  // lines from 1, both included
  std::uint64_t last_line = 1;
  ScalerRun run;
  ScalerVerdict verdict;
  ScaleMeaning scale_meaning = ScaleMeaning::not_logged;
};

// Fills in what `events` say: run, verdict, meaning of the scale.
void judge_section(LogSection& section, std::span<const LogEvent> events);

// Lines from 1, both included; no end: to the end of the file.
struct LineRange {
  std::uint64_t first = 1;
  std::optional<std::uint64_t> last;
};

// The sections of a log, at least one. A directory of event files or .wandb files, or one such file, is read for its
// scalars and has no lines to choose from. Of a text, lines beginning with '#' belong to none
// and end the section before them; so do a step counter that starts again, the end of a run, the borders of a CSV
// table. Errors: no such file or lines, a line with a NUL byte (not a text), more lines about scalers than fit in
// memory (5 million).
Result<std::vector<LogSection>> read_log(const std::string& path, LineRange lines);
// The same from text in memory; `name` is the file in sections and errors.
Result<std::vector<LogSection>> parse_log(std::string_view text, const std::string& name, LineRange lines);

}  // namespace lowp
