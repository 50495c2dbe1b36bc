// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate gemm A B PATH...: two tensors of a dump multiplied on emulated tensor cores.
#include "accumulator_options.h"
#include "arguments.h"
#include "commands.h"
#include "lowp/training/gemm_report.h"

namespace lowp::tool {

using namespace training;
namespace {

Result<std::optional<Accumulator>> result_storage(std::string_view word) {
  auto format = any_format(word);
  if (!format) return format.error();
  const Format f = format->format;
  if (is_signed(f) && f.has_zero && f.precision <= 24 && exponent_bits(f) <= 8)
    return std::optional(Accumulator{format->name, f});
  return Error{"", std::nullopt, "a format up to FP32, which products can be stored in", quoted(word)};
}

struct GemmTask final : Task {
  GemmOptions gemm;

  explicit GemmTask(Options& o) {
    o.value({.name = "A", .help = "name of a tensor", .required = true}, gemm.a, any_text);
    o.value({.name = "B", .help = "and of what it is multiplied with", .required = true}, gemm.b, any_text);
    o.group("How it is computed");
    o.list(
        {.name = "--paths",
         .value = "PATH",
         .help =
             "GPU:PATH:INPUT:ACCUMULATOR[+N][/P[p][:FORMAT]][@RECIPE] with promotion every N instructions (+4 is what "
             "cuBLASLt does for FP8 without fast accumulation) and K split in P parts, added one after the "
             "other or pairwise (p), kept in fp32 or FORMAT (bf16, fp16); @RECIPE at the end rounds the inputs as "
             "`recipes --list` says; or ideal:INPUT, INPUT a format or a recipe; for example "
             "b200:tcgen05.mxf4nvf4:e2m1:f32, ada:mma:e4m3:f32+4/3p, "
             "b200:tcgen05.mxf8f6f4:e4m3:f32@mx-rceil-te-e4m3, ideal:nvfp4",
         .initial = "ideal:bf16,h100:wgmma:bf16:f32,a100:mma:bf16:f32,h100:wgmma:fp16:f16,ideal:e4m3,"
                    "h100:wgmma:e4m3:f32,h100:wgmma:e4m3:f32+4,h100:mma:e4m3:f32"},
        gemm.paths, parse_path);
    o.value({.name = "--result",
             .value = "NAME",
             .help = "the format that products are stored in; of 16-bit inputs their own, bf16 of narrower ones"},
            gemm.result, result_storage);
  }

  Result<Answer> run(Job& job) override {
    gemm.threads = job.threads;
    auto result = replay_gemm(job.series.inputs.front(), gemm);
    if (!result) return result.error();
    return Answer{gemm_report(job.series, gemm, *result)};
  }
};

}  // namespace

std::unique_ptr<Task> make_gemm(Options& options) {
  return std::make_unique<GemmTask>(options);
}

}  // namespace lowp::tool
