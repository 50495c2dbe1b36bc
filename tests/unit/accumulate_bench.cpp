// SPDX-License-Identifier: Apache-2.0
// Speed of the matrix product replay: accumulate_bench [threads...]. Prints products per second.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "accumulate_codes.h"
#include "lowp/accumulate/gemm.h"
#include "lowp/core/convert.h"

using namespace lowp;
using namespace lowp::testing;

namespace {

CodeMatrix random_matrix(const char* format, std::size_t rows, std::size_t columns) {
  CodeSource source(rows);
  const Format f = code_format(format);
  CodeMatrix m{find_format(format).format, rows, columns, {}};
  for (std::size_t i = 0; i < rows * columns; ++i) m.code.push_back(source.code(f, Draw::near_one));
  return m;
}

struct Speed {
  double per_second = 0, per_cpu_second = 0;  // products
};

// Best of five, a shared machine being what it is; CPU time tells what a core does when others use it too.
Speed speed_of(const GemmPath& path, const CodeMatrix& a, const CodeMatrix& b, int threads) {
  Speed best;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    const auto result = gemm(path, a, b, threads);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double cpu_seconds = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
    const double products = static_cast<double>(a.rows * a.columns) * static_cast<double>(b.columns);
    best.per_second = std::max(best.per_second, products / seconds.count());
    best.per_cpu_second = std::max(best.per_cpu_second, products / cpu_seconds);
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  struct Case {
    const char *path, *input, *accumulator;
    int promotion;
  };
  const Case cases[] = {{"mma", "fp16", "f32", 0},   {"wgmma", "bf16", "f32", 0}, {"mma", "tf32", "f32", 0},
                        {"wgmma", "e4m3", "f32", 0}, {"wgmma", "e4m3", "f32", 4}, {"mma", "e4m3", "f32", 0},
                        {"mma", "fp16", "f16", 0}};
  std::vector<int> threads;
  for (int i = 1; i < argc; ++i) threads.push_back(std::atoi(argv[i]));
  if (threads.empty()) threads = {1};
  for (const Case& c : cases) {
    const TensorCore* row = find_tensor_core("h100", c.path, c.input, c.input, c.accumulator);
    const CodeMatrix a = random_matrix(c.input, 256, 2048), b = random_matrix(c.input, 2048, 512);
    std::printf("h100 %-5s %-4s -> %s promotion %d:", c.path, c.input, c.accumulator, c.promotion);
    for (const int count : threads) {
      const Speed speed = speed_of({row, c.promotion}, a, b, count);
      std::printf("  %d threads %.2f G products/s (%.2f per CPU second)", count, speed.per_second * 1e-9,
                  speed.per_cpu_second * 1e-9);
    }
    CodeMatrix nan_a = a, nan_b = b;  // one NaN in every row of a and every column of b
    const std::uint64_t nan = encode_nan(a.format);
    for (std::size_t i = 0; i < a.rows; ++i) nan_a.code[i * a.columns + i % a.columns] = nan;
    for (std::size_t j = 0; j < b.columns; ++j) nan_b.code[j % b.rows * b.columns + j] = nan;
    std::printf("  with NaN %.2f\n", speed_of({row, c.promotion}, nan_a, nan_b, 1).per_cpu_second * 1e-9);
  }
  return 0;
}
