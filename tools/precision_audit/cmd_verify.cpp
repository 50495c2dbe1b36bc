// SPDX-License-Identifier: Apache-2.0
// precision-audit verify [SUBJECT]: the table of what can be verified; without a subject the first row.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "commands.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Subject {
  std::string_view name;
  int (*run)(int argc, char** argv);
  std::string_view what;
};

constexpr Subject subjects[] = {
    {"conversions", run_verify_conversions,
     "every code of a format through every conversion, against exact arithmetic"},
    {"tensor-core", run_verify_tensor_core, "dot products recorded on GPUs, against the emulated instructions"},
    {"gemm", run_verify_gemm, "matrix products recorded on GPUs, against instruction, split and epilogue"},
    {"gpu", run_verify_gpu, "the GPU of this machine, instruction by instruction, against core and the emulation"},
};

void print_usage(std::FILE* out, const char* name) {
  std::string text = fmt::format("{} [SUBJECT] ...\n\nSubjects (--help after one tells its options):\n", name);
  for (const Subject& subject : subjects) text += fmt::format("  {:<12} {}\n", subject.name, subject.what);
  std::fputs(text.c_str(), out);
}

}  // namespace

int run_verify_command(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h") {
    print_usage(stdout, argv[0]);
    return exit_fine;
  }
  if (word.empty() || word.starts_with('-')) return subjects[0].run(argc, argv);
  for (const Subject& subject : subjects) {
    if (word != subject.name) continue;
    std::string name = fmt::format("{} {}", argv[0], word);
    argv[1] = name.data();
    return subject.run(argc - 1, argv + 1);
  }
  complain(fmt::format("verify: unknown subject '{}' (see {} --help)", word, argv[0]));
  return exit_usage;
}

}  // namespace lowp::tool
