// SPDX-License-Identifier: Apache-2.0
// Recorded trajectories of real loss scalers: JSON files of the format scaler-trajectories/1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lowp/base/result.h"

namespace lowp::scaling {

// From step `first` until the next run begins: value + delta * (step - first).
struct Run {
  std::int64_t first = 0;
  double value = 0;
  double delta = 0;
};
double value_at(const std::vector<Run>& runs, std::size_t& cursor, std::int64_t step);  // steps ascending; NaN if none

// None of Python is Null; words are strings such as "float16".
using ConfigValue = std::variant<std::monostate, double, std::string>;

struct RecordedRaise {
  std::int64_t step = 0;
  std::string type, message;
  double scale_used = 0, scale_after = 0;
};

struct RecordedCase {
  std::string id;
  std::map<std::string, ConfigValue> config;  // arguments of the constructor
  std::string input;
  std::int64_t steps = 0;                                      // completed
  std::vector<Run> scale;                                      // used in each step
  std::vector<std::pair<std::int64_t, std::int64_t>> skipped;  // first, count
  std::int64_t n_skipped = 0;
  double final_scale = 0;
  std::map<std::string, std::vector<Run>> state;  // after each step
  std::map<std::string, ConfigValue> state_dict;  // after the last
  std::optional<RecordedRaise> raises;
};

struct TrajectoryFile {
  std::string path;
  std::string scaler;
  std::string provenance;  // "torch 2.15.0+cu132, original"
  std::vector<RecordedCase> cases;
};

using Inputs = std::map<std::string, std::vector<float>>;  // largest magnitude of each step

struct TrajectoryFolder {
  std::vector<TrajectoryFile> files;  // by name
  Inputs inputs;
  std::vector<std::string> others;  // *.json of other formats
};

// Reads every *.json directly inside `folder`: those with format scaler-trajectories/1 and the inputs (an object with
// `series`). Errors: no readable folder, no file of the format, a file that is not JSON or breaks the layout, a case
// whose input is missing or shorter than its steps. At most 256 MiB per file and 2^25 input steps in all.
Result<TrajectoryFolder> read_trajectories(const std::string& folder);

}  // namespace lowp::scaling
