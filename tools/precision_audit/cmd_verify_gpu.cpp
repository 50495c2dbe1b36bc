// SPDX-License-Identifier: Apache-2.0
// precision-audit verify gpu: the first GPU against core and the emulated tensor cores.
#include <fmt/format.h>

#include <cstdio>

#include "arguments.h"
#include "commands.h"
#include "lowp/gpu/cuda_backend.h"
#include "lowp/gpu/gpu_report.h"
#include "lowp/verify/digest_table.h"

namespace lowp::tool {

using namespace verify;
namespace {

struct GpuTask final : Task {
  gpu::VerifyOptions wanted;

  explicit GpuTask(Options& o) {
    wanted.digests = DigestTable::recorded().text();
    o.flag({.name = "--quick", .help = "a sixty-fourth of the inputs, no digests"}, wanted.quick);
    o.value({.name = "--only",
             .value = "TEXT",
             .help = "only lines whose part and instruction contain this: wgmma, 'probe mma'"},
            wanted.only, any_text);
    o.value({.name = "--out",
             .value = "DIR",
             .help = "an existing folder for results as .safetensors, for verify tensor-core"},
            wanted.record_into, any_text)
        .is_file = true;
  }

  Result<Answer> run(Job&) override {
    std::string reason;
    const auto backend = gpu::open_cuda_backend(reason);
    if (backend == nullptr) return fault("verify gpu: no usable GPU: " + reason);
    try {
      const gpu::Verification verification = gpu::verify(*backend, wanted, [](const gpu::VerifyLine& line) {
        fmt::print(stderr, "{} {}: {} mismatches\n", line.part, line.name, line.mismatches);
      });
      Answer answer;
      add_to_report(verification, answer.report);
      answer.is_finding = verification.mismatches() != 0;
      return answer;
    } catch (const std::exception& error) {
      return fault(fmt::format("verify gpu: {}", error.what()));
    }
  }
};

}  // namespace

std::unique_ptr<Task> make_verify_gpu(Options& options) {
  return std::make_unique<GpuTask>(options);
}

}  // namespace lowp::tool
