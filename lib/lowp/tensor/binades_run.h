// SPDX-License-Identifier: Apache-2.0
// Where summaries are written: one file, or a directory with one file per step.
#pragma once

#include <set>
#include <string>

#include "lowp/tensor/binades.h"

namespace lowp {

class BinadesRun {
 public:
  // `steps` that will come: several want a directory, as does a path that is one already or ends with '/'.
  static Result<BinadesRun> open(const std::string& path, std::size_t steps);

  // Writes one step, its entries brought to order; added to what this run has written of the same step before. A
  // process that dies while writing loses this step alone.
  Result<Done> add(StepSummary step);

  std::size_t files() const { return written_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  BinadesRun(std::string path, bool is_directory) : path_(std::move(path)), is_directory_(is_directory) {}

  std::string path_;
  bool is_directory_;
  std::set<std::string> written_;
  std::uint64_t bytes_ = 0;
};

}  // namespace lowp
