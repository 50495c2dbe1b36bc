// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <algorithm>

#include "lowp/tensor/logged_series.h"

namespace lowp::tool {
namespace {

constexpr Uses dump_questions{.dump = true, .threads = true, .figures = true, .page = true};

constexpr Command accumulate_rows[] = {
    {.name = "over",
     .what = "the same tensors of several dumps, micro-batches or ranks, added element by element",
     .uses = dump_questions,
     .make = make_over},
    {.name = "update",
     .what = "weights and AdamW moments: updates that vanish, moments that become zero",
     .uses = dump_questions,
     .make = make_update},
    {.name = "gemm",
     .what = "two tensors multiplied on emulated tensor cores",
     .uses = dump_questions,
     .make = make_gemm},
    {.name = "norm",
     .what = "the global gradient norm and clip coefficient, and clipping before unscaling",
     .uses = dump_questions,
     .make = make_norm},
    {.name = "ops",
     .what = "softmax, log-sum-exp, norms, losses on the selected tensors: which need FP32",
     .uses = dump_questions,
     .make = make_operations},
};

constexpr Command verify_rows[] = {
    {.name = "conversions",
     .what = "every code of a format through every conversion, against exact arithmetic (the default)",
     .uses = {.threads = true},
     .make = make_verify_conversions},
    {.name = "tensor-core",
     .what = "dot products recorded on GPUs, against the emulated instructions",
     .make = make_verify_tensor_core},
    {.name = "gemm",
     .what = "matrix products recorded on GPUs, against instruction, split and epilogue",
     .uses = {.threads = true},
     .make = make_verify_gemm},
    {.name = "scalers",
     .what = "trajectories recorded of real loss scalers, against the table of scalers",
     .make = make_verify_scalers},
    {.name = "recipes",
     .what = "what libraries returned for FP8, FP6 and FP4, against the table of recipes",
     .make = make_verify_recipes},
    {.name = "gpu",
     .what = "the GPU of this machine, instruction by instruction, against core and the emulation",
     .make = make_verify_gpu},
};

constexpr Command command_rows[] = {
    {.name = "audit",
     .what = "what each format loses at each loss scale, and which scale to start with (the default)",
     .uses = {.dump = true, .peaks = true, .pipes = true, .threads = true, .figures = true, .page = true},
     .make = make_audit},
    {.name = "summarize",
     .what = "what later questions need of a dump, in a file of a hundredth of its size",
     .uses = {.dump = true, .peaks = true, .threads = true},
     .make = make_summarize},
    {.name = "merge",
     .what = "summaries of parts, ranks and steps become one",
     .uses = {.dump = true},
     .make = make_merge},
    {.name = "info", .what = "what a summary holds", .uses = {.dump = true}, .make = make_info},
    {.name = "compare",
     .what = "two dumps, element by element: where they first differ, and by how much",
     .uses = {.dump = true, .pair = true, .threads = true, .figures = true, .page = true},
     .make = make_compare},
    {.name = "cast", .what = "what one number becomes in a format, bit by bit, and why", .make = make_cast},
    {.name = "formats", .what = "what each number format can hold", .make = make_formats},
    {.name = "accumulate",
     .what = "what sums, dot products and weight updates lose, and in which format",
     .below = accumulate_rows,
     .modernise = modernise_accumulate},
    {.name = "replay",
     .what = "what a framework's loss scaler would have done on this run",
     .uses = {.dump = true, .may_lack_dump = true, .peaks = true, .threads = true, .figures = true, .page = true},
     .make = make_replay},
    {.name = "scalers", .what = "the loss scalers of the frameworks: rules, defaults, sources", .make = make_scalers},
    {.name = "recipes",
     .what = "what FP8, FP6 and FP4 recipes lose, block by block, and whose bytes they equal",
     .uses = {.dump = true, .may_lack_dump = true, .threads = true, .figures = true, .page = true},
     .make = make_recipes},
    {.name = "plan",
     .what = "the cheapest format or recipe for each tensor that keeps a stated precision and range",
     .uses = {.dump = true, .threads = true, .figures = true, .page = true},
     .make = make_plan_task},
    {.name = "memory",
     .what = "bytes of weights, gradients and optimizer state, each term with its formula",
     .make = make_memory},
    {.name = "monitor",
     .what = "what a training log says about its loss scaler, and from which step",
     .uses = {.figures = true, .page = true},
     .make = make_monitor},
    {.name = "histograms",
     .what = "bounds on the audit from histograms that a run has logged (PATHs that are such runs need no word)",
     .uses = {.figures = true, .page = true},
     .make = make_histograms},
    {.name = "verify",
     .what = "the emulation against exact arithmetic and recorded hardware results",
     .below = verify_rows,
     .first_is_default = true},
};

}  // namespace

std::span<const Command> commands() {
  return command_rows;
}

const Command& audit_of(const std::vector<std::string>& words) {
  const bool logged = std::ranges::any_of(words, is_logged_run);
  return logged ? *find_command(commands(), "histograms") : commands().front();
}

const Command* find_command(std::span<const Command> among, std::string_view name) {
  for (const Command& row : among) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace lowp::tool
