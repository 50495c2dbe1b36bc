// SPDX-License-Identifier: Apache-2.0
// THE TABLE of readers of what a run has logged, and runs as a user names them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/file.h"
#include "lowp/tensor/logged.h"

namespace lowp {

struct LoggedReader {
  std::string_view name;        // "tensorboard"
  std::string_view extensions;  // for help texts
  std::string_view what;        // one line for --help
  bool (*recognises)(const std::shared_ptr<const File>& file);
  Result<LoggedRun> (*read)(const std::shared_ptr<const File>& file);
};
std::span<const LoggedReader> logged_readers();

// One file and what is in it. Names of histograms from a folder inside the one that the user named begin with it.
struct LoggedInput {
  std::string path;
  std::string_view reader;
  std::uint64_t bytes = 0;
  LoggedRun run;
};

// Whether a path is a file of one of these kinds, or a directory that holds event files or .wandb files, at most four
// folders deep, and no dump of its own. Reads first bytes only.
bool is_logged_run(const std::string& path);

// Whether a path is an event file or a .wandb file.
bool is_record_file(const std::string& path);

// All files of such paths, by name. `select`: globs over names, none: all.
Result<std::vector<LoggedInput>> open_logged(std::span<const std::string> paths, std::span<const std::string> select);

}  // namespace lowp
