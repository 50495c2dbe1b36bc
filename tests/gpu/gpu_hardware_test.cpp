// SPDX-License-Identifier: Apache-2.0
// The quick comparison on the GPU of this machine; exit 77 (skipped) where there is none.
#include <cstdio>
#include <exception>

#include "lowp/gpu/cuda_backend.h"
#include "lowp/gpu/verify.h"

int main() {
  std::string reason;
  const auto backend = lowp::gpu::open_cuda_backend(reason);
  if (backend == nullptr) {
    std::printf("skipped: no usable GPU: %s\n", reason.c_str());
    return 77;
  }
  try {
    lowp::gpu::VerifyOptions options;
    options.quick = true;
    const auto result = lowp::gpu::verify(*backend, options, [](const lowp::gpu::VerifyLine& line) {
      std::printf("%s %s: %llu of %llu %s\n", line.part.c_str(), line.name.c_str(),
                  static_cast<unsigned long long>(line.mismatches), static_cast<unsigned long long>(line.cases),
                  line.note.c_str());
      for (const std::string& first : line.first) std::printf("  %s\n", first.c_str());
    });
    return result.mismatches() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
