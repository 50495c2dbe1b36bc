// SPDX-License-Identifier: Apache-2.0
// precision-audit verify gpu: the first GPU against core and the emulated tensor cores.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "commands.h"
#include "lowp/gpu/cuda_backend.h"
#include "lowp/gpu/gpu_report.h"
#include "lowp/report/writers.h"
#include "lowp/verify/digest_table.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

int verify_chip(const gpu::VerifyOptions& options, const Writer& writer) {
  std::string reason;
  const auto backend = gpu::open_cuda_backend(reason);
  if (backend == nullptr) return fail(fmt::format("verify gpu: no usable GPU: {}", reason));
  gpu::Verification verification;
  try {
    verification = gpu::verify(*backend, options, [](const gpu::VerifyLine& line) {
      fmt::print(stderr, "{} {}: {} mismatches\n", line.part, line.name, line.mismatches);
    });
  } catch (const std::exception& error) {
    return fail(fmt::format("verify gpu: {}", error.what()));
  }
  Report report;
  report.tables = {{"tool", {"name", "version"}, {{Cell{"precision-audit"}, Cell{std::string(version)}}}, true}};
  add_to_report(verification, report);
  std::string document;
  writer.write(report, stdout_style(), document);
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  return verification.mismatches() == 0 ? exit_fine : exit_finding;
}

}  // namespace

int run_verify_gpu(int argc, char** argv) {
  gpu::VerifyOptions options;
  options.digests = DigestTable::recorded().text();
  std::string output = "text";
  CLI::App app{
      "Runs every conversion, arithmetic and matrix instruction of the GPU in this machine and compares every bit "
      "with core and the emulated tensor cores. Where there is no GPU: one line and exit 3.",
      argv[0]};
  app.add_flag("--quick", options.quick, "a sixty-fourth of the inputs, no digests");
  app.add_option("--only", options.only, "only lines whose part and instruction contain this: wgmma, 'probe mma'");
  app.add_option("--out", options.record_into,
                 "an existing folder for results as .safetensors, for verify tensor-core");
  app.add_option("--output", output, "text, json, csv, markdown")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    complain(fmt::format("{} (see {} --help)", error.what(), argv[0]));
    return exit_usage;
  }
  const Writer* writer = find_writer(output);
  if (writer == nullptr) {
    complain(fmt::format("--output: unknown '{}'", output));
    return exit_usage;
  }
  return verify_chip(options, *writer);
}

}  // namespace lowp::tool
