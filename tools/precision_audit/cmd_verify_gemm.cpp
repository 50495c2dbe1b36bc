// SPDX-License-Identifier: Apache-2.0
// precision-audit verify gemm PATH...: matrix products that a GPU's library returned against the emulation.
#include <fmt/format.h>

#include "commands.h"
#include "recorded_gemm_story.h"
#include "vector_files.h"
#include "vector_options.h"

namespace lowp::tool {
namespace {

struct GemmVectorsTask final : Task {
  VectorPaths paths;

  explicit GemmVectorsTask(Options& o) { paths.declare(o, "products"); }

  std::optional<Error> check() override { return paths.check(); }

  Result<Answer> run(Job& job) override {
    auto files = vector_files(paths.all, "recorded products");
    if (!files) return files.error();
    Answer answer;
    std::vector<ReplayedGemms> all;
    std::size_t outputs = 0, mismatches = 0;
    for (const std::string& path : *files) {
      const auto kind = kind_of(path);
      if (!kind) return kind.error();
      if (*kind != recorded_gemm_kind) {
        answer.said.push_back(fmt::format("passed over {}: no recorded products", path));
        continue;
      }
      auto file = read_recorded_gemms(path);
      if (!file) return file.error();
      GemmReplay result = replay(*file, job.threads);
      outputs += result.outputs;
      mismatches += result.mismatches;
      all.push_back({std::move(*file), std::move(result)});
    }
    if (all.empty()) return fault(fmt::format("{}: no file of kind {}", paths.all.front(), recorded_gemm_kind));
    answer.report = report_of(all, outputs, mismatches);
    answer.is_finding = mismatches != 0;
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_verify_gemm(Options& options) {
  return std::make_unique<GemmVectorsTask>(options);
}

}  // namespace lowp::tool
