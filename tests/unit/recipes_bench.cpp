// SPDX-License-Identifier: Apache-2.0
// Not a test: user CPU time of quantizing 2^24 elements by each kind of recipe, beside that of copying them.
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "lowp/recipes/quantize.h"

namespace {

double user_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

// The least of three runs, in nanoseconds of an element.
template <class Work>
double nanoseconds(std::size_t elements, Work work) {
  double best = INFINITY;
  for (int run = 0; run < 3; ++run) {
    const double before = user_seconds();
    work();
    best = std::min(best, user_seconds() - before);
  }
  return 1e9 * best / static_cast<double>(elements);
}

}  // namespace

int main() {
  using namespace lowp::recipes;
  constexpr std::size_t rows = 4096, columns = 4096;
  std::vector<float> values(rows * columns), copy(rows * columns);
  std::uint32_t state = 1;
  for (float& x : values) {
    state = state * 1664525u + 1013904223u;
    x = std::ldexp(static_cast<float>(static_cast<std::int32_t>(state)), -40 - static_cast<int>(state >> 28));
  }
  std::vector<std::uint8_t> codes(values.size());
  const double copying = nanoseconds(values.size(), [&] { std::memcpy(copy.data(), values.data(), 4 * values.size()); });
  std::printf("memcpy %.3f ns an element\n", copying);
  for (const char* name : {"fp8-current-te-e4m3", "fp8-current-te-e5m2", "fp8-rowwise-torchao-e4m3",
                           "fp8-block-1x128-te-e4m3", "fp8-block-128x128-te-e4m3", "mx-rceil-te-e4m3", "mx-rceil-te-e5m2",
                           "mx-rceil-te-e3m2", "mx-rceil-te-e2m3", "mx-rceil-te-e2m1", "mx-floor-torchao-e4m3",
                           "mx-rceil-torchao-e4m3", "nvfp4-te", "nvfp4-te-2d", "nvfp4-torchao", "nvfp4-te-4over6-mae"}) {
    const Recipe& recipe = *find_recipe(name);
    const BlockGrid grid = block_grid(recipe, rows, columns);
    std::vector<std::uint32_t> scales(grid.rows * grid.columns);
    const double each = nanoseconds(values.size(), [&] {
      TensorScale tensor;
      if (recipe.row->tensor_rule != nullptr) {
        tensor = recipe.row->tensor_rule(recipe, largest_magnitude(values, recipe.row->nan));
      }
      quantize_rows(recipe, tensor, std::nullopt, {rows, columns, values}, scales, codes);
    });
    std::printf("%-28s %.3f ns per element, %.2f Gelem/s per core, %.1f memcpy\n", name, each, 1 / each, each / copying);
  }
  return 0;
}
