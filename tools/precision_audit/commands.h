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
// What `audit WORDS` means: what is to be audited is a dump, or histograms that a run has logged.
const Command& audit_of(const std::vector<std::string>& words);

std::unique_ptr<Task> make_audit(Options& options);
std::unique_ptr<Task> make_compare(Options& options);
std::unique_ptr<Task> make_cast(Options& options);
std::unique_ptr<Task> make_formats(Options& options);
std::unique_ptr<Task> make_summarize(Options& options);
std::unique_ptr<Task> make_merge(Options& options);
std::unique_ptr<Task> make_info(Options& options);
std::unique_ptr<Task> make_over(Options& options);
std::unique_ptr<Task> make_update(Options& options);
std::unique_ptr<Task> make_gemm(Options& options);
std::unique_ptr<Task> make_norm(Options& options);
std::unique_ptr<Task> make_operations(Options& options);
std::unique_ptr<Task> make_monitor(Options& options);
std::unique_ptr<Task> make_histograms(Options& options);
std::unique_ptr<Task> make_replay(Options& options);
std::unique_ptr<Task> make_scalers(Options& options);
std::unique_ptr<Task> make_recipes(Options& options);
std::unique_ptr<Task> make_plan_task(Options& options);
std::unique_ptr<Task> make_memory(Options& options);
std::unique_ptr<Task> make_verify_conversions(Options& options);
std::unique_ptr<Task> make_verify_tensor_core(Options& options);
std::unique_ptr<Task> make_verify_gemm(Options& options);
std::unique_ptr<Task> make_verify_scalers(Options& options);
std::unique_ptr<Task> make_verify_recipes(Options& options);
std::unique_ptr<Task> make_verify_gpu(Options& options);

// `accumulate --over steps` is `accumulate over steps`.
std::optional<Error> modernise_accumulate(std::vector<std::string>& words);

}  // namespace lowp::tool
