// SPDX-License-Identifier: Apache-2.0
// precision-audit verify tensor-core PATH...: recorded hardware results against the emulation.
#include <fmt/format.h>

#include "commands.h"
#include "recorded_story.h"
#include "vector_files.h"
#include "vector_options.h"

namespace lowp::tool {
namespace {

struct TensorCoreTask final : Task {
  VectorPaths paths;

  explicit TensorCoreTask(Options& o) { paths.declare(o, "dot products"); }

  std::optional<Error> check() override { return paths.check(); }

  Result<Answer> run(Job&) override {
    auto files = vector_files(paths.all, "recorded dot products");
    if (!files) return files.error();
    Answer answer;
    std::vector<ReplayedVectors> all;
    std::size_t rows = 0, mismatches = 0;
    for (const std::string& path : *files) {
      const auto kind = kind_of(path);
      if (kind && !kind->empty()) {  // recorded dot products name none
        answer.said.push_back(fmt::format("passed over {}: {}, no recorded dot products", path, *kind));
        continue;
      }
      auto vectors = read_recorded_vectors(path);
      if (!vectors) return vectors.error();
      ReplayedVectors& one = all.emplace_back(ReplayedVectors{std::move(*vectors), {}, {}});
      one.result = replay(one.vectors);
      for (const RecordedMismatch& mismatch : one.result.first) {
        one.traces.push_back(trace_row(one.vectors, mismatch.row));
      }
      rows += one.result.rows;
      mismatches += one.result.mismatches;
    }
    if (all.empty()) return fault(paths.all.front() + ": no recorded dot products");
    answer.report = report_of(all, rows, mismatches);
    answer.is_finding = mismatches != 0;
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_verify_tensor_core(Options& options) {
  return std::make_unique<TensorCoreTask>(options);
}

}  // namespace lowp::tool
