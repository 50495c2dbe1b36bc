// SPDX-License-Identifier: Apache-2.0
// Replays every file of a folder of results that GPUs recorded: gpu_recorded_test DIR. Exit 77 (skipped) where the
// folder has none.
#include <cstdio>
#include <filesystem>

#include "lowp/verify/recorded.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::error_code error;
  std::size_t files = 0, mismatches = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto recorded = lowp::read_recorded_vectors(entry.path().string());
    if (!recorded) {
      std::printf("%s\n", recorded.error().message().c_str());
      return 1;
    }
    const lowp::RecordedReplay result = lowp::replay(*recorded);
    std::printf("%s: %zu of %zu differ\n", entry.path().c_str(), result.mismatches, result.rows);
    mismatches += result.mismatches;
    ++files;
  }
  if (files == 0) {
    std::printf("skipped: no recorded results in %s\n", argv[1]);
    return 77;
  }
  return mismatches == 0 ? 0 : 1;
}
