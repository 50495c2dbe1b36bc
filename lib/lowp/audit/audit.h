// SPDX-License-Identifier: Apache-2.0
// The audit of a dump: summarize, then one sweep over what was kept.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "lowp/audit/summarize.h"
#include "lowp/summary/sweep.h"

namespace lowp {

enum class Scope : std::uint8_t { total, tensor, step };
struct ScopeName {
  std::string_view name;
  Scope scope;
};
inline constexpr std::array scope_names{ScopeName{"total", Scope::total}, ScopeName{"tensor", Scope::tensor},
                                        ScopeName{"step", Scope::step}};

struct AuditOptions {
  Question question;
  int dump_scale_log2 = 0;         // of inputs that do not say theirs
  Scope by = Scope::total;         // `total` is always reported; the others come on top
  Level tensors = Level::flushed;  // what the summary keeps of each tensor
  Effort effort;
  // Sees each tensor's evidence while it is there, from any thread; every tensor then gets a table of its own.
  std::function<void(TensorRef tensor, const Evidence& evidence)> watch_tensor = {};
};

struct ScopedOutcomes {
  Scope scope = Scope::total;
  TensorRef ref;      // the tensor for Scope::tensor; for Scope::step only the step counts
  Outcomes outcomes;  // none where what the summary keeps of the tensor gives the same: see outcomes_of
};

struct AuditResult {
  Summary summary;
  Outcomes total;  // empty where nothing but largest magnitudes is known
  std::vector<ScopedOutcomes> scoped;  // tensors or steps in the order of the series; empty for Scope::total
};

// What a summary should keep of each tensor for a question: the signal to noise of single tensors costs up to 20 KB for
// each, and is known of nearest_even alone. Outcomes of each tensor would cost more.
Level judged_level(const Question& question, Scope by, const StepSeries& series);

// Why nothing can be audited: files that can be read but hold no floating-point tensor. Says what was left out.
std::optional<Error> without_tensors(const StepSeries& series);

// Reads every tensor once. The result is bit-identical for any number of threads and any chunk size. The error, if
// any, is that of the question, or of the first faulty tensor in series order.
Result<AuditResult> run_audit(const StepSeries& series, const AuditOptions& options);

// Those of a tensor or step of this result, which had this question.
Outcomes outcomes_of(const AuditResult& result, const ScopedOutcomes& scoped, const Question& question);

}  // namespace lowp
