// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/maxima_file.h"

#include <fmt/format.h>

namespace lowp::scaling {

Result<RunSeries> read_maxima(const std::string& path) {
  const auto file = read_peaks(path);
  if (!file) return file.error();
  RunSeries run;
  run.source = path;
  run.kinds_known = file->kinds_known;
  std::size_t repeated = 0;
  for (const PeakRow& row : file->rows) {
    if (run.steps.empty() || run.steps.back().step != row.step) {
      run.steps.push_back({.step = row.step});
    } else {
      repeated += !run.kinds_known && file->names.size() == 1;
    }
    run.steps.back().see(row.kind, row.largest);
  }
  if (repeated != 0) {
    run.notes.push_back(
        fmt::format("{}: {} of a step given before; the largest of each step counts, as all ranks share "
                    "one scale",
                    path, repeated == 1 ? "1 line is" : fmt::format("{} lines are", repeated)));
  }
  return run;
}

}  // namespace lowp::scaling
