// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each parses its own arguments and returns the exit code.
#pragma once

#include <string_view>

namespace lowp::tool {

inline constexpr std::string_view version = "0.1.0";

enum ExitCode : int {
  exit_fine = 0,
  exit_finding = 1,  // a --fail-on condition holds, or a verification found a mismatch
  exit_usage = 2,
  exit_input = 3,  // a file could not be read or written
};

// argv[0] is the name to show in usage lines, for example "precision-audit audit".
int cmd_audit(int argc, char** argv);
int cmd_cast(int argc, char** argv);
int cmd_formats(int argc, char** argv);
int cmd_monitor(int argc, char** argv);
int run_accumulate_command(int argc, char** argv);
int run_verify_command(int argc, char** argv);
int run_verify_conversions(int argc, char** argv);
int run_verify_tensor_core(int argc, char** argv);
int run_verify_gemm(int argc, char** argv);
int run_verify_gpu(int argc, char** argv);

}  // namespace lowp::tool
