// SPDX-License-Identifier: Apache-2.0
// The table of scalers against recorded trajectories, step by step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowp/scaling/scaler.h"
#include "lowp/scaling/trajectory_file.h"

namespace lowp::scaling {

struct CheckedFile {
  std::string path;
  std::string scaler;  // as the file names it
  std::string provenance;
  const Scaler* row = nullptr;  // nullptr: unknown
  std::uint64_t cases = 0, steps = 0;
  std::uint64_t wrong_cases = 0;
  // Steps whose scale, skip or counters differ, and final values, state dicts and exceptions that differ.
  std::uint64_t mismatches = 0;
  std::vector<std::string> first;  // at most eight, one line each: case, step, what, recorded, ours
};

// Settings of a case: the defaults of the row, then its preset, then its arguments; a line that says which argument the
// row does not have, in `unknown`.
Settings settings_of(const Scaler& row, const std::map<std::string, ConfigValue>& config, std::string& unknown);

// Runs every case of `file`. A case with an argument that the row does not have counts as one mismatch.
CheckedFile check_trajectories(const TrajectoryFile& file, const Inputs& inputs);

}  // namespace lowp::scaling
