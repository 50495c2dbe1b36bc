// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/binades_run.h"

#include <filesystem>

namespace lowp {

namespace fs = std::filesystem;

Result<BinadesRun> BinadesRun::open(const std::string& path, std::size_t steps) {
  std::error_code fault;
  const bool is_directory = steps > 1 || path.ends_with('/') || fs::is_directory(path, fault);
  if (is_directory) {
    fs::create_directories(path, fault);
    if (!fs::is_directory(path, fault)) return Error{path, std::nullopt, "a directory for one file per step", "a file"};
  }
  return BinadesRun(path, is_directory);
}

Result<Done> BinadesRun::add(StepSummary step) {
  auto ordered = canonical(std::move(step));
  if (!ordered) return ordered.error();
  const std::string file = is_directory_ ? (fs::path(path_) / binades_name(*ordered)).string() : path_;
  if (!written_.insert(file).second) {
    const auto before = read_binades(file);
    if (!before) return before.error();
    auto sum = merged(*before, *ordered);
    if (!sum) return sum.error();
    ordered = *std::move(sum);
  }
  auto done = write_binades(file, *ordered);
  std::error_code ignored;
  if (done) bytes_ += fs::file_size(file, ignored);
  return done;
}

}  // namespace lowp
