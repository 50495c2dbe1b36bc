// SPDX-License-Identifier: Apache-2.0
// The options that the frame brings: how to answer, which files and how to read them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "frame.h"

namespace lowp::tool {

enum class ShowProgress { automatic, always, never };

struct StandardOptions {
  const Writer* writer = nullptr;
  std::string plot, page, table;
  int threads = 0;
  ShowProgress progress = ShowProgress::automatic;
  std::vector<std::string> paths, paths_b;  // of the dump; of a pair, one each
  OpenOptions open;
  std::size_t chunk_bytes = 1 << 20;

  void declare(const Uses& uses, Options& options);
  std::optional<Error> check() const;  // of the values together
  // Why --plot or --report must not be written where they are to be; `inputs` are the files that are read.
  std::optional<Error> why_not_written(const std::vector<std::string>& inputs) const;
  bool shows_progress() const;
  const Writer* plot_writer() const;  // by the name's ending; nullptr: none makes such a picture

 private:
  void declare_paths(const Uses& uses, Options& options);
  void declare_answer(const Uses& uses, Options& options);
  void declare_files(Options& options);
};

}  // namespace lowp::tool
