// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "lowp/recipes/delayed.h"
#include "lowp/recipes/element_cast.h"
#include "lowp/recipes/quantize.h"
#include "lowp/recipes/recipe_counts.h"

using namespace lowp;
using namespace lowp::recipes;

namespace {

std::uint32_t byte_of(const char* recipe, float largest) {
  return scale_of(*find_recipe(recipe), {}, {largest}).code;
}
float next(float x, int ulps) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(x) + ulps));
}

}  // namespace

TEST_CASE("every row of the table says what it is") {
  std::set<std::string> names, cells;
  for (const Recipe& recipe : all_recipes()) {
    CHECK(names.insert(recipe.name).second);
    CHECK(find_recipe(recipe.name) == &recipe);
    CHECK(!recipe.row->rule.empty());
    CHECK(!recipe.row->specials.empty());
    CHECK(!recipe.row->source.empty());
    CHECK(is_valid(recipe.element));
  }
  CHECK(find_recipe("nvfp4") == nullptr);
  CHECK(find_cell("mx/e4m3/rceil#te_host").recipe == find_recipe("mx-rceil-te-e4m3"));
  CHECK(find_cell("mx/e4m3/rceil_colwise#te_host").orientation == Orientation::columns);
  CHECK(find_cell("mx/e4m3/sideways#te_host").recipe == nullptr);
}

// The definition by comparison: no smaller power of two brings the largest magnitude to the largest number.
TEST_CASE("rceil is the smallest scale that fits, at every binade and to the ulp") {
  for (const Recipe& recipe : all_recipes()) {
    if (recipe.row->name != "mx-rceil") continue;
    for (int k = -110; k < 110; ++k) {
      const float edge = std::ldexp(recipe.largest, k);
      if (!std::isfinite(edge)) continue;
      for (int ulps = -3; ulps <= 3; ++ulps) {
        const float largest = next(edge, ulps);
        if (!std::isfinite(largest)) continue;
        const auto byte = static_cast<int>(scale_of(recipe, {}, {largest}).code);
        const auto fits = [&](int b) {
          return static_cast<double>(largest) <= std::ldexp(static_cast<double>(recipe.largest), b - 127);
        };
        CHECK(fits(byte));
        CHECK(!fits(byte - 1));
      }
    }
  }
}

TEST_CASE("where implementations part") {
  CHECK(byte_of("mx-floor-e4m3", next(8.0f, -1)) == 121);
  CHECK(byte_of("mx-floor-microxcaling-e4m3", next(8.0f, -1)) == 122);
  CHECK(byte_of("mx-rceil-te-e4m3", next(1.75f * 32, 1)) == 125);
  CHECK(byte_of("mx-rceil-te-e4m3", 0) == 0);
  CHECK(byte_of("mx-rceil-mlx-e4m3", 0) == 127);
  CHECK(byte_of("mx-floor-autoround-e4m3", 0) == 120);
  CHECK(byte_of("mx-rceil-mlx-e4m3", 0x1p-121f) == 254);
  CHECK(byte_of("mx-rceil-te-e4m3", INFINITY) == 254);
  CHECK(byte_of("mx-rceil-e4m3", NAN) == 255);
  CHECK(byte_of("mx-ct-e4m3", 1.75f) == byte_of("mx-even-e4m3", 1.75f) + 1);
}

TEST_CASE("any shape: padding counts as zeros, tails are blocks of their own") {
  const Recipe& recipe = *find_recipe("mx-rceil-te-e4m3");
  std::vector<float> values(3 * 70);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 70 < 64 ? 1 : 448);
  const Quantized q = quantize_matrix(recipe, {3, 70, values});
  CHECK(q.grid.rows == 3);
  CHECK(q.grid.columns == 3);
  for (std::size_t r = 0; r < 3; ++r) {
    CHECK(q.scales[r * 3] == 119);
    CHECK(q.scales[r * 3 + 2] == 127);
    CHECK(q.codes[r * 70 + 69] == 0x7e);
  }
  CHECK(quantize_matrix(recipe, {0, 0, {}}).codes.empty());
}

TEST_CASE("square blocks share one scale, and copies along columns are the transpose") {
  std::vector<float> values(20 * 20, 1.0f);
  values[5 * 20 + 5] = 6.0f;
  const Quantized q = quantize_matrix(*find_recipe("nvfp4-te-2d"), {20, 20, values});
  CHECK(q.grid.rows == 2);
  CHECK(q.grid.columns == 2);
  CHECK(q.scales[0] == 0x7e);
  CHECK(q.scales[0] != q.scales[3]);
  const Oriented turned = oriented({2, 3, std::span(values).first(6)}, Orientation::columns);
  CHECK(turned.rows == 3);
  CHECK(turned.columns == 2);
}

TEST_CASE("the rotation keeps lengths, and applied to the rows of H gives unit vectors") {
  std::vector<float> values(16, 0.0f);
  values[3] = 2.0f;
  rotate_16(values);
  double sum = 0;
  for (const float x : values) {
    CHECK(std::abs(x) == 0.5f);
    sum += static_cast<double>(x) * static_cast<double>(x);
  }
  CHECK(sum == 4.0);
  std::vector<float> again = values, fp32 = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  rotate_16_in_fp32(fp32);
  CHECK(fp32 == again);
}

TEST_CASE("runs of rows give what the whole gives") {
  std::vector<float> values(256 * 40);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::ldexp(static_cast<float>(i % 37) - 18, static_cast<int>(i % 29));
  for (const char* name : {"mx-rceil-te-e4m3", "nvfp4-te", "fp8-block-128x128-te-e4m3", "fp8-current-te-e5m2"}) {
    const Recipe& recipe = *find_recipe(name);
    const Quantized whole = quantize_matrix(recipe, {256, 40, values});
    std::vector<std::uint8_t> codes(values.size());
    const float largest = largest_magnitude(values, recipe.row->nan);
    for (std::size_t half = 0; half < 2; ++half) {
      const auto part = std::span(values).subspan(half * 128 * 40, 128 * 40);
      const BlockGrid grid = block_grid(recipe, 128, 40);
      std::vector<std::uint32_t> scales(grid.rows * grid.columns);
      quantize_rows(recipe, whole.tensor, recipe.row->block.rows == 0 ? std::optional(largest) : std::nullopt,
                    {128, 40, part}, scales, std::span(codes).subspan(half * 128 * 40, 128 * 40));
    }
    CHECK(codes == whole.codes);
  }
}

TEST_CASE("vector code gives what one element at a time gives, for every cast") {
  std::vector<float> y;
  for (std::uint32_t bits = 0; bits < 0xff000000u; bits += 0x10437u) y.push_back(std::bit_cast<float>(bits));
  for (const float x : {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f, 0x1p-10f, 0x1p-17f}) {
    for (const int ulps : {-1, 0, 1}) {
      y.push_back(next(x, ulps));
      y.push_back(-next(x, ulps));
    }
  }
  std::vector<float> finite;
  for (const float x : y) {
    if (std::isfinite(x)) finite.push_back(x);
  }
  std::vector<std::uint8_t> codes(finite.size());
  for (const Recipe& recipe : all_recipes()) {
    const Cast cast = recipe.row->cast;
    cast_all(cast, recipe, finite, codes);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < finite.size(); ++i) wrong += codes[i] != cast_one(cast, recipe, finite[i]);
    CHECK_MESSAGE(wrong == 0, recipe.name);
  }
}

TEST_CASE("an Inf freezes delayed scaling for the whole window, a zero step only the fused kernel") {
  DelayedOptions options;
  options.window = 4;
  DelayedState state = initial_state(options);
  CHECK(state.scale == 1);
  state = advance(options, state, 448);
  CHECK(state.scale == 1);
  state = advance(options, state, INFINITY);
  for (int step = 0; step < 4; ++step) {
    state = advance(options, state, 1);
    CHECK((state.scale == 1) == (step < 3));
  }
  CHECK(state.scale == 448);
  const DelayedState before = state;
  CHECK(advance(options, state, 0) == before);
  options.by = DelayedBy::te_unfused;
  CHECK(!(advance(options, state, 0) == before));
}

TEST_CASE("operands of products read back as code times scale") {
  const std::vector<float> values{1, 2, 3, 448, 0, -448, 5, 6};
  const Recipe& recipe = *find_recipe("fp8-current-te-e4m3");
  const Quantized q = quantize_matrix(recipe, {2, 4, values});
  const std::vector<double> back = dequantized(recipe, q);
  CHECK(back[3] == 448);
  CHECK(back[5] == -448);
  CHECK(back[4] == 0);
}
