// SPDX-License-Identifier: Apache-2.0
// lowp-gpu-check: the comparison of emulators with silicon as a program of its own, for a machine that has a CUDA
// toolkit and nothing else of ours. README.md tells how it is built.
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "lowp/gpu/cuda_backend.h"
#include "lowp/gpu/verify.h"

namespace {

using namespace lowp::gpu;

enum ExitCode : int { exit_fine = 0, exit_finding = 1, exit_usage = 2, exit_input = 3 };

constexpr const char* help =
    R"(lowp-gpu-check: does the GPU round and multiply as this project's emulators say?

  lowp-gpu-check [--quick] [--only TEXT] [--digests FILE] [--sass FILE] [--out DIR]

Runs on the first GPU, prints one line per thing compared, then the first mismatches in hex and what the
hardware says on the points that only it can settle.

  conversion   all inputs of every conversion instruction (2^32 FP32 codes, 2^16 FP16 and BF16 codes): hardware
               against the project's rounding function compiled for the same GPU
  arithmetic   add, sub, mul, fma: every pair of FP16 and BF16 codes, 2^30 drawn operands of FP32 and fma
  core         that rounding function on the GPU against the digests recorded on a CPU
  layout       matrix instructions: each element comes from where it should
  probe        sums that tell descriptions of tensor cores apart, in every place they may stand in
  random       10^6 dot products of each of six kinds against the emulated instruction
  chain        up to 256 instructions with the accumulator kept in registers
  feed         wgmma: A from registers, scale-d = 0, scale-a = -1
  order        the same products in another order
  record       with --out: 2,000 and more results per instruction as .safetensors that
               `precision-audit verify tensor-core --vectors DIR` replays without a GPU

  --quick         a sixty-fourth of the inputs, no digests
  --only TEXT     only lines whose part and instruction contain TEXT: "wgmma", "probe mma m16n8k16", "e4m3"
  --digests FILE  data/golden/digests.tsv of the repository
  --sass FILE     what `cuobjdump -sass lowp-gpu-check` printed, as provenance of recorded results
  --out DIR       an existing folder for recorded results

Instructions that the machine code of this program has not (it was compiled for another chip) are named and
left out: compile for the chip at hand, with an "a" behind the number from 90 on.
Exit: 0 nothing differs, 1 something does, 2 usage, 3 no GPU, or a file that cannot be read or written.
)";

bool read_text(const std::string& path, std::string& text) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "lowp-gpu-check: %s: cannot be read\n", path.c_str());
    return false;
  }
  text.assign(std::istreambuf_iterator<char>(in), {});
  return true;
}

// The exit code that ends the program, or -1 to go on.
int parse(int argc, char** argv, VerifyOptions& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(help, stdout);
      return exit_fine;
    }
    if (word == "--quick") {
      options.quick = true;
      continue;
    }
    const bool known = word == "--only" || word == "--digests" || word == "--sass" || word == "--out";
    if (!known || i + 1 == argc) {
      std::fprintf(stderr, "lowp-gpu-check: %s '%s' (see --help)\n", known ? "a value is missing after" : "unknown",
                   argv[i]);
      return exit_usage;
    }
    const std::string value = argv[++i];
    if (word == "--only") options.only = value;
    if (word == "--out") options.record_into = value;
    if (word == "--digests" && !read_text(value, options.digests)) return exit_input;
    if (word == "--sass" && !read_text(value, options.disassembly)) return exit_input;
  }
  return -1;
}

void print_line(const VerifyLine& line) {
  std::printf("%-11s %-42s %13" PRIu64 " %10" PRIu64 " %8.2f  %s\n", line.part.c_str(), line.name.c_str(), line.cases,
              line.mismatches, line.seconds, line.note.c_str());
  std::fflush(stdout);
}

int run(Backend& backend, const VerifyOptions& options) {
  const Chip chip = backend.chip();
  std::printf("%s (%s), machine code for sm_%d%s, driver %s, CUDA runtime %s, compiled by %s\n\n", chip.name.c_str(),
              chip.capability.c_str(), chip.code.architecture / 10, chip.code.specific ? "a" : "", chip.driver.c_str(),
              chip.runtime.c_str(), chip.compiler.c_str());
  std::printf("%-11s %-42s %13s %10s %8s  %s\n", "part", "instruction", "cases", "mismatches", "seconds", "note");
  const Verification result = verify(backend, options, print_line);
  std::printf("\n");
  for (const VerifyLine& line : result.lines) {
    for (const std::string& first : line.first) {
      std::printf("%s %s: %s\n", line.part.c_str(), line.name.c_str(), first.c_str());
    }
  }
  for (const std::string& answer : result.says) std::printf("%s\n", answer.c_str());
  for (const std::string& file : result.files) std::printf("recorded %s\n", file.c_str());
  std::printf("%" PRIu64 " mismatches in %.0f seconds\n", result.mismatches(), result.seconds);
  return result.mismatches() == 0 ? exit_fine : exit_finding;
}

}  // namespace

int main(int argc, char** argv) {
  VerifyOptions options;
  if (const int code = parse(argc, argv, options); code >= 0) return code;
  std::string reason;
  const auto backend = open_cuda_backend(reason);
  if (backend == nullptr) {
    std::fprintf(stderr, "lowp-gpu-check: no usable GPU: %s\n", reason.c_str());
    return exit_input;
  }
  try {
    return run(*backend, options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lowp-gpu-check: %s\n", error.what());
    return exit_input;
  }
}
