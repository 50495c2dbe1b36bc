// SPDX-License-Identifier: Apache-2.0
// THE TABLE of commands, and what makes each row's task.
#pragma once

#include <memory>
#include <span>

#include "frame.h"
#include "lowp/base/version.h"

namespace lowp::tool {

std::span<const Command> commands();  // the first is the default
const Command* find_command(std::span<const Command> among, std::string_view name);

std::unique_ptr<Task> make_formats(Options& options);

// Not on the frame yet: each parses its own words; argv[0] is the name to show in usage lines.
int cmd_audit(int argc, char** argv);
int cmd_cast(int argc, char** argv);
int run_accumulate_command(int argc, char** argv);
int run_verify_command(int argc, char** argv);
int run_verify_conversions(int argc, char** argv);
int run_verify_tensor_core(int argc, char** argv);
int run_verify_gemm(int argc, char** argv);
int run_verify_gpu(int argc, char** argv);

}  // namespace lowp::tool
