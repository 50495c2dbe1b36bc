// SPDX-License-Identifier: Apache-2.0
// The questions of `accumulate` on dumps small enough to be summed by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "accumulate_dumps.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/quantize.h"
#include "lowp/training/gemm_operands.h"
#include "lowp/training/gemm_replay.h"
#include "lowp/training/norm.h"
#include "lowp/training/operations.h"
#include "lowp/training/over.h"
#include "lowp/training/update.h"

using namespace lowp;
using namespace lowp::training;
using namespace lowp::testing;

namespace {

OverOptions over_options(std::vector<const char*> formats, std::vector<const char*> models) {
  OverOptions options;
  for (const char* name : formats) options.accumulators.push_back(in_format(name));
  for (const char* name : models) options.models.push_back(find_sum_model(name));
  return options;
}

const OverOutcome& outcome(const OverResult& result, std::size_t accumulator, std::size_t model, std::size_t terms) {
  for (const OverOutcome& o : result.outcomes) {
    if (o.accumulator == accumulator && o.model == model && o.terms == terms) return o;
  }
  REQUIRE(false);
  return result.outcomes.front();
}

double exact_row_value(const OperandRows& rows, std::size_t n) {
  const Exact x = rows.exact_row(0)[n];
  return std::ldexp(static_cast<double>(x.significand), x.exponent);
}

}  // namespace

TEST_CASE("over: what four dumps lose in bf16") {
  Dumps dumps;
  // Elements: one that stalls, one that is exact, one with a zero, one that cancels.
  const float values[4][4] = {{256, 1, 0, 8}, {1, 2, 3, -8}, {1, 3, 4, 5}, {1, 4, 5, -5}};
  for (int step = 0; step < 4; ++step) {
    dumps.add(step + 1,
              {{"grad/w", {4}, {values[step], values[step] + 4}}, {"grad/only" + std::to_string(step), {1}, {1}}});
  }
  const OverOptions options = over_options({"bf16", "fp32"}, {"sequential", "kahan", "pairwise"});
  const auto result = sum_over(dumps.open(), options);
  REQUIRE(result);
  CHECK(result->tensors == 1);
  CHECK(result->elements == 4);
  CHECK(result->left_out == std::vector<std::string>{"grad/only0"});
  const OverOutcome& bf16 = outcome(*result, 0, 0, 4);
  CHECK(bf16.contributions == 15);
  CHECK(bf16.absorbed == 3);
  CHECK(bf16.flushed == 0);
  CHECK(bf16.stopped == 1);
  CHECK(bf16.error.exact_count() == 3);
  CHECK(*bf16.error.largest_relative() == doctest::Approx(3.0 / 259));
  CHECK(*bf16.error.bias() == doctest::Approx(-3.0 / (259 + 10 + 12)));
  CHECK(*bf16.error.snr_db() == doctest::Approx(10 * std::log10((259.0 * 259 + 100 + 144) / 9)));
  CHECK(outcome(*result, 0, 0, 2).absorbed == 1);
  CHECK(*outcome(*result, 0, 1, 4).error.largest_relative() == doctest::Approx(1.0 / 259));  // 260, the nearest
  CHECK(outcome(*result, 0, 2, 4).absorbed == 1);                                            // 256 + 1, then 1 + 1
  const OverOutcome& fp32 = outcome(*result, 1, 0, 4);
  CHECK(fp32.absorbed == 0);
  CHECK(fp32.error.exact_count() == 4);
}

TEST_CASE("over: overflow on the way, at each scale, and contributions that are flushed") {
  Dumps dumps;
  dumps.add(1, {{"g", {3}, {40000, 1e-9f, 1}}});
  dumps.add(2, {{"g", {3}, {40000, 1e-9f, INFINITY}}});
  dumps.add(3, {{"g", {3}, {-40000, 1e-9f, 1}}});
  OverOptions options = over_options({"fp16"}, {"sequential"});
  options.scale_high = 1;
  const auto result = sum_over(dumps.open(), options);
  REQUIRE(result);
  CHECK(result->nonfinite == 1);
  for (const OverOutcome& o : result->outcomes) {
    if (o.terms != 3) continue;
    CHECK(o.elements == 2);
    CHECK(o.flushed == 3);
    CHECK(o.overflowed == (o.scale_log2 == 0 ? 1 : 0));  // 40000 fits
    CHECK(o.beyond == (o.scale_log2 == 1 ? 1 : 0));      // 80000 does not
  }
}

TEST_CASE("over: any number of threads, any tensor size, the same") {
  Dumps dumps;
  for (int step = 1; step <= 5; ++step) {
    std::vector<float> values(40000);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] =
          std::sin(static_cast<float>(i * static_cast<std::size_t>(step))) * std::exp2(static_cast<float>(i % 20));
    }
    dumps.add(step, {{"g", {200, 200}, values}});
  }
  OverOptions options = over_options({"bf16", "fp16"}, {"sequential", "nccl_ring", "neumaier"});
  options.accumulators.front().rounding = Rounding::stochastic_c;
  options.threads = 1;
  const auto one = sum_over(dumps.open(), options);
  options.threads = 3;
  const auto three = sum_over(dumps.open(), options);
  REQUIRE(one);
  REQUIRE(three);
  for (std::size_t i = 0; i < one->outcomes.size(); ++i) {
    CHECK(one->outcomes[i].absorbed == three->outcomes[i].absorbed);
    CHECK(one->outcomes[i].error.snr_db() == three->outcomes[i].error.snr_db());
    CHECK(one->outcomes[i].error.bias() == three->outcomes[i].error.bias());
  }
}

TEST_CASE("norm: 3, 4, 5, and FP16 sums of squares at scale 2^16") {
  Dumps dumps;
  dumps.add(1, {{"grad/a", {1}, {3}}, {"grad/b", {1}, {4}}, {"param/a", {1}, {1000}}});
  const NormOptions options{{in_format("fp32"), in_format("fp16")}, 1, 16};
  const auto result = replay_norm(dumps.open().inputs.front(), options);
  REQUIRE(result);
  CHECK(result->exact_norm == 5);
  CHECK(result->exact_coefficient == doctest::Approx(0.2));
  CHECK(result->tensors == 2);
  for (const NormOutcome& o : result->outcomes) {
    const bool fp32 = o.format == 0;
    if (fp32) CHECK(o.norm == std::ldexp(5, o.scale_log2));
    if (o.scale_log2 == 0) CHECK(o.norm == 5);
    if (!fp32 && o.scale_log2 >= 16) CHECK(std::isinf(o.norm));  // 3 * 2^16 is already too large
    if (!fp32 && o.scale_log2 >= 16) CHECK(o.coefficient == 0);
    if (!fp32 && o.scale_log2 == 8) CHECK(std::isinf(o.norm) == !o.fp32_inside);  // (3 * 2^8)^2 is too large
    if (fp32 && o.scale_log2 == 4) CHECK(o.coefficient == doctest::Approx(1.0 / 80));
  }
  CHECK(result->outcomes.size() == 9 * 3);
}

TEST_CASE("operations: sums of ones, softmax of large values") {
  Dumps dumps;
  std::vector<float> ones(300, 1), large{0, 12};
  dumps.add(1, {{"ones", {1, 300}, ones}, {"large", {1, 2}, large}});
  const auto result = replay_operations(dumps.open().inputs.front(), {in_format("bf16"), in_format("fp16")}, 2);
  REQUIRE(result);
  CHECK(result->rows == 2);
  const auto find = [&](std::size_t format, std::string_view name, bool inside) -> const OperationOutcome& {
    for (const OperationOutcome& o : result->outcomes) {
      if (o.format == format && operations()[o.operation].name == name && o.fp32_inside == inside) return o;
    }
    REQUIRE(false);
    return result->outcomes.front();
  };
  CHECK(*find(0, "sum", false).error.largest_relative() == doctest::Approx(44.0 / 300));  // stalls at 256
  CHECK(*find(0, "sum", true).error.largest_relative() == 0);                             // 300 is a bf16 number
  CHECK(*find(1, "sum", false).error.largest_relative() == 0);
  CHECK(find(1, "softmax (raw)", false).not_finite == 1);  // exp(12) / exp(12): Inf / Inf; 1 / Inf is 0
  CHECK(find(1, "softmax (raw)", false).flushed == 1);
  CHECK(find(1, "softmax (raw)", true).not_finite == 0);
  CHECK(find(1, "softmax", false).not_finite == 0);
}

TEST_CASE("gemm: FP8 accumulators stop growing where they are known to") {
  constexpr std::size_t k = 32 * 600;
  Dumps dumps;
  dumps.add(1, {{"a", {k, 1}, std::vector<float>(k, 0.0625f)}, {"b", {k, 1}, std::vector<float>(k, 0.0625f)}});
  GemmOptions options{"a", "b", {}, {}, 1};
  for (const char* word : {"ideal:e4m3", "h100:wgmma:e4m3:f32", "h100:wgmma:e4m3:f32+4", "h100:mma:e4m3:f32"}) {
    auto path = parse_path(word);
    REQUIRE(path);
    options.paths.push_back(*path);
  }
  const auto result = replay_gemm(dumps.open().inputs.front(), options);
  REQUIRE(result);
  CHECK(result->orientation == "A^T B");
  CHECK(result->k == k);
  std::vector<double> last(4);
  for (const GemmOutcome& o : result->outcomes) {
    if (o.k == k) last[o.path] = *o.error.largest_relative();
    CHECK(o.misrounded == (o.path == 1 && o.k > 16384 ? 1 : 0));  // 64 is reached after 16384 products
  }
  CHECK(last[0] == 0);
  CHECK(last[1] == doctest::Approx((75.0 - 64.0) / 75.0));  // 64 of 75
  CHECK(last[2] == 0);
  CHECK(last[3] == 0);
  REQUIRE(result->divergences.size() == 3);
  CHECK(result->divergences[0].earliest == 32 * 513);  // the first instruction that should have gone beyond 64
  CHECK(result->divergences[1].differing == 0);
}

TEST_CASE("gemm: block scales, by hand") {
  // One row of K = 64 against ones. MXFP4: 6 * 2^-1 is the largest of the first block, 0.4 of the second.
  std::vector<float> a(64, 0.5f), ones(64, 1);
  a[0] = 3;
  for (std::size_t n = 32; n < 64; ++n) a[n] = 0.4f;
  Values v{1, 64, {a.begin(), a.end()}};
  const auto block = [](std::string_view name) -> const BlockFormat& {
    return *std::ranges::find(block_format_table, name, &BlockFormat::name);
  };
  const OperandRows mx = block_rounded(v, block("mxfp4"));
  CHECK(mx.blocks == 2);
  CHECK(mx.scale == std::vector<std::uint64_t>{126, 123});  // 2^(1 - 2), 2^(-2 - 2)
  CHECK(exact_row_value(mx, 0) == 3);
  CHECK(exact_row_value(mx, 1) == 0.5);
  CHECK(exact_row_value(mx, 40) == 0.375);  // 0.4 / 2^-4 = 6.4, saturated to 6
  // NVFP4: the tensor's scale is 3 / (448 * 6), the first block's 448, the last's 0.4 / 6 / that, rounded to E4M3.
  const OperandRows nv = block_rounded(v, block("nvfp4"));
  CHECK(nv.blocks == 4);
  CHECK(nv.tensor_scale == static_cast<double>(3.0f / 2688));
  CHECK(exact_row_value(nv, 0) * nv.tensor_scale == doctest::Approx(3).epsilon(1e-6));
  CHECK(nv.scale[3] == 0x67);  // 59.7 becomes 60 = 2^5 * 1.875
  Dumps dumps;
  dumps.add(1, {{"a", {1, 64}, a}, {"b", {64, 1}, ones}});
  GemmOptions options{"a", "b", {}, {}, 1};
  for (const char* word : {"ideal:mxfp4", "b200:tcgen05.mxf4:e2m1:f32", "b200:tcgen05.mxf4:e2m1:f32+1",
                           "rtxblackwell:mma.mxf4nvf4:e2m1:f32"}) {
    auto path = parse_path(word);
    REQUIRE(path);
    options.paths.push_back(*path);
  }
  const auto result = replay_gemm(dumps.open().inputs.front(), options);
  REQUIRE(result);
  for (const GemmOutcome& o : result->outcomes) {
    CHECK(o.error.count() == 1);
    CHECK(*o.error.largest_relative() == 0);  // 3 + 31 * 0.5 + 32 * 0.375: far from any limit
  }
  CHECK(result->divergences.size() == 2);
  CHECK(result->divergences[0].differing == 0);
}

TEST_CASE("gemm: operands of every recipe are what the recipe makes of the whole matrix") {
  // 300 rows, of which 256 are chosen; magnitudes differ from row to row, so that scales do.
  constexpr std::size_t rows = 300, k = 160;
  Values v{0, k, {}};
  for (std::size_t i = 0; i < rows * k; ++i) {
    const float x = std::sin(static_cast<float>(i)) * std::exp2(static_cast<float>(i / k % 13) - 6);
    v.whole.push_back(x);
  }
  for (std::size_t i = 0; i < 256; ++i) v.chosen.push_back(i * rows / 256);
  v.rows = v.chosen.size();
  std::size_t inside = 0, outside = 0;
  for (const recipes::Recipe& recipe : recipes::all_recipes()) {
    CAPTURE(recipe.name);
    const OperandRows operand = recipe_rounded(v, recipe);
    (operand.outside ? outside : inside) += 1;
    std::vector<float> rotated = v.whole;
    recipes::rotate(recipe.row->orientation, rotated);
    const auto made = recipes::dequantized(recipe, recipes::quantize_matrix(recipe, {rows, k, rotated}));
    std::size_t differing = 0;
    for (std::size_t row = 0; row < v.rows; ++row) {
      const std::vector<Exact> exact = operand.exact_row(row);
      for (std::size_t n = 0; n < k; ++n) {
        const double magnitude = std::ldexp(static_cast<double>(exact[n].significand), exact[n].exponent);
        const double value = (exact[n].negative ? -magnitude : magnitude) * operand.factor(row);
        differing += value == made[v.chosen[row] * k + n] ? 0 : 1;
      }
    }
    CHECK(differing == 0);
  }
  CHECK(inside > 50);
  CHECK(outside > 10);
}

TEST_CASE("gemm: paths with recipes") {
  std::vector<float> a, b;
  for (int i = 0; i < 3 * 64; ++i) a.push_back(std::sin(static_cast<float>(i)) * std::exp2(static_cast<float>(i / 64)));
  for (int i = 0; i < 4 * 64; ++i) b.push_back(std::cos(static_cast<float>(i)));
  Dumps dumps;
  dumps.add(1, {{"a", {3, 64}, a}, {"b", {4, 64}, b}});
  const auto ask = [&](std::vector<std::string> words) {
    GemmOptions options{"a", "b", {}, {}, 1};
    for (const std::string& word : words) options.paths.push_back(*parse_path(word));
    auto result = replay_gemm(dumps.open().inputs.front(), options);
    REQUIRE(result);
    return std::move(*result);
  };
  const auto total = [](const GemmResult& result, std::size_t path) {
    for (const GemmOutcome& o : result.outcomes) {
      if (o.path == path && o.k == result.k) return *o.total.relative_size();
    }
    return -1.0;
  };
  // OCP's rule is what block formats do; it stays the same on the instruction that reads such scales.
  const GemmResult mx =
      ask({"ideal:mxfp8_e4m3", "ideal:mx-floor-e4m3", "b200:tcgen05.mxf8f6f4:e4m3:f32@mx-floor-e4m3"});
  CHECK(total(mx, 0) == total(mx, 1));
  CHECK(mx.divergences.size() == 1);
  // One scale per row instead of one per tensor: rows of a differ by 4 in size, E4M3 keeps three bits of all of them.
  const GemmResult fp8 =
      ask({"h100:wgmma:e4m3:f32@fp8-current-te-e4m3", "h100:wgmma:e4m3:f32@fp8-rowwise-torchao-e4m3"});
  CHECK(total(fp8, 0) < 0.05);
  CHECK(total(fp8, 1) < 0.05);
  CHECK(total(fp8, 0) != total(fp8, 1));
  // A rotation changes neither the exact product nor its scale.
  CHECK(total(ask({"ideal:nvfp4-te-rht"}), 0) < 0.2);
  for (const char* wrong : {"h100:wgmma:e4m3:f32@", "h100:wgmma:e4m3:f32@nothing",
                            "h100:wgmma:e5m2:f32@fp8-current-te-e4m3", "h100:wgmma:e4m3:f32@fp8-block-1x128-te-e4m3",
                            "b200:tcgen05.mxf8f6f4:e4m3:f32@fp8-current-te-e4m3", "ideal:nvfp5"}) {
    CAPTURE(wrong);
    CHECK(!parse_path(wrong));
  }
  Dumps narrow;
  narrow.add(1, {{"a", {1, 24}, std::vector<float>(24, 1)}, {"b", {24, 1}, std::vector<float>(24, 1)}});
  GemmOptions options{"a", "b", {*parse_path("ideal:nvfp4-te-rht")}, {}, 1};
  CHECK(!replay_gemm(narrow.open().inputs.front(), options));
}

TEST_CASE("gemm: block-scaled products equal the spec on whole rows, and promote like plain ones") {
  std::vector<float> a, b;
  for (int i = 0; i < 3 * 200; ++i) {
    a.push_back(std::sin(static_cast<float>(i)) * std::exp2(static_cast<float>(i % 23) - 11));
  }
  for (int i = 0; i < 4 * 200; ++i) b.push_back(std::cos(static_cast<float>(i)));
  const Values va{3, 200, {a.begin(), a.end()}}, vb{4, 200, {b.begin(), b.end()}};
  Dumps dumps;
  dumps.add(1, {{"a", {3, 200}, a}, {"b", {4, 200}, b}});
  GemmOptions options{"a", "b", {}, {}, 2};
  for (const char* word : {"b200:tcgen05.mxf8f6f4:e4m3:f32", "b200:tcgen05.mxf8f6f4:e4m3:f32+2"}) {
    options.paths.push_back(*parse_path(word));
  }
  const auto result = replay_gemm(dumps.open().inputs.front(), options);
  REQUIRE(result);
  CHECK(result->orientation == "A B^T");
  const NamedPath& path = options.paths[0];
  const OperandRows left = block_rounded(va, *path.block), right = block_rounded(vb, *path.block);
  ErrorStatistics chained, promoted;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      const auto x = left.operands(*path.path.row, i), y = right.operands(*path.path.row, j);
      const auto p = left.scales(i), q = right.scales(j);
      const auto part = [&](std::size_t from, std::size_t count, std::uint64_t c) {
        return scaled_dot(*path.path.row, std::span(x).subspan(from, count), std::span(y).subspan(from, count),
                          std::span(p).subspan(from / 32), std::span(q).subspan(from / 32), c);
      };
      std::uint64_t main = 0;
      for (std::size_t k = 0; k < 200; k += 64) {
        main = promote(*path.path.row, part(k, std::min<std::size_t>(64, 200 - k), 0), main);
      }
      ExactSum sum;
      const auto u = left.exact_row(i), v = right.exact_row(j);
      for (std::size_t k = 0; k < 200; ++k) sum.add_product(u[k], v[k]);
      const auto value = [](std::uint64_t code) {
        return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(code)));
      };
      chained.add(value(part(0, 200, 0)), precise(sum));
      promoted.add(value(main), precise(sum));
    }
  }
  for (const GemmOutcome& o : result->outcomes) {
    if (o.k != 200) continue;
    const ErrorStatistics& wanted = o.path == 0 ? chained : promoted;
    CHECK(o.error.snr_db() == wanted.snr_db());
    CHECK(o.error.bias() == wanted.bias());
    CHECK(o.error.exact_count() == wanted.exact_count());
  }
}

TEST_CASE("gemm: parts of a split K are kept in FP32, or in 16 bits where that is asked for") {
  // Two parts of 32: 256 and 1 + ... + 1 = 3. BF16 holds both, but of their sum only 260; FP32 and FP16 keep 259.
  std::vector<float> a(64, 0), ones(64, 1);
  a[0] = 256;
  a[40] = a[50] = a[60] = 1;
  Dumps dumps;
  dumps.add(1, {{"a", {1, 64}, a}, {"b", {64, 1}, ones}});
  GemmOptions options{"a", "b", {}, {}, 1};
  struct Asked {
    const char* word;
    double error;  // of the sums
  };
  const Asked asked[] = {{"h100:wgmma:bf16:f32", 0},
                         {"h100:wgmma:bf16:f32/2", 0},
                         {"h100:wgmma:bf16:f32/2:bf16", 1},
                         {"h100:wgmma:fp16:f32/2:fp16", 0},
                         {"ada:mma:e5m2:f32/2:bf16", 1},
                         {"b200:tcgen05.mxf8f6f4:e5m2:f32/2:bf16", 1},
                         {"b200:tcgen05.mxf8f6f4:e5m2:f32/2p", 0}};
  for (const Asked& one : asked) options.paths.push_back(*parse_path(one.word));
  CHECK(options.paths[1].split.order == TileOrder::contiguous);
  CHECK(options.paths[4].split.order == TileOrder::interleaved);  // one tile of 64: the other part is empty
  CHECK(options.paths[6].split.combination == Combination::pairwise);
  const auto result = replay_gemm(dumps.open().inputs.front(), options);
  REQUIRE(result);
  for (const GemmOutcome& o : result->outcomes) {
    if (o.k != 64) continue;
    CAPTURE(asked[o.path].word);
    CHECK(*o.error.largest_relative() == doctest::Approx(asked[o.path].error / 259));
    CHECK(o.instruction.exact_count() == 1);
    CHECK(o.inputs.exact_count() == 1);
    CHECK(o.misrounded == 0);  // 260 is the BF16 number nearest to 259: a tie, to even
    // Stored in BF16 but for the FP16 path: every result is 260 there.
    CHECK(*o.total.largest_relative() == doctest::Approx(o.path == 3 ? 0 : 1.0 / 259));
  }
  CHECK(result->divergences.empty());
  CHECK_FALSE(parse_path("h100:wgmma:bf16:f32/0"));
  CHECK_FALSE(parse_path("h100:wgmma:bf16:f32/p"));
  CHECK_FALSE(parse_path("h100:wgmma:bf16:f32/2:e4m3"));
  CHECK_FALSE(parse_path("h100:wgmma:bf16:f32/2+1"));
}

TEST_CASE("gemm: rounding the inputs is part of the total, and so is storing the result") {
  // 1.1 in E4M3 is 1.125: 32 products of 1.125 and 1 are exact in FP32, and 2.3 % too large for the values as dumped.
  Dumps dumps;
  dumps.add(1, {{"a", {1, 32}, std::vector<float>(32, 1.1f)}, {"b", {32, 1}, std::vector<float>(32, 1)}});
  GemmOptions options{"a", "b", {*parse_path("ideal:e4m3")}, Accumulator{"e4m3", find_format("e4m3").format}, 1};
  const auto result = replay_gemm(dumps.open().inputs.front(), options);
  REQUIRE(result);
  const GemmOutcome& o = result->outcomes.back();
  CHECK(o.error.exact_count() == 1);
  CHECK(*o.inputs.largest_relative() == doctest::Approx(1.125 / 1.1 - 1));
  CHECK(result->result_scale[0] == 7 - 5);  // 36 is brought to the last binade but one of E4M3
  CHECK(o.storing.exact_count() == 1);      // 36 * 4 = 144 = 9 * 2^4
  CHECK(*o.total.largest_relative() == doctest::Approx(1.125 / 1.1 - 1));
}

TEST_CASE("gemm: values that a format holds are not scaled") {
  const Format e4m3 = find_format("e4m3").format;
  CHECK(rounded({1, 3, {1, -448, 0x1p-9}}, e4m3).scale_log2 == 0);
  CHECK(rounded({1, 2, {1, 0x1p-10}}, e4m3).scale_log2 == 7);
  CHECK(rounded({1, 2, {1, 0x1p-10}}, e4m3).code == std::vector<std::uint64_t>{0x70, 0x20});  // 2^7, 2^-3
}

TEST_CASE("what cannot be asked is an Error") {
  Dumps dumps;
  dumps.add(1, {{"a", {2, 3}, std::vector<float>(6, 1)}, {"b", {4, 5}, std::vector<float>(20, 1)}});
  const StepSeries series = dumps.open();
  CHECK_FALSE(sum_over(series, over_options({"bf16"}, {"sequential"})));
  CHECK_FALSE(stalled_updates(series.inputs.front(), {{in_format("bf16")}}));
  CHECK_FALSE(moments_over_steps(series, {{in_format("bf16")}}));
  CHECK_FALSE(replay_gemm(series.inputs.front(), {"a", "b", {}, {}, 1}));
  CHECK_FALSE(replay_gemm(series.inputs.front(), {"a", "none", {}, {}, 1}));
  for (const char* word :
       {"", "h100", "h100:wgmma:e4m3", "h100:wgmma:e4m3:f32+", "h100:wgmma:e4m3:f32+0", "ideal:", "h900:mma:fp16:f32",
        "mi300:mfma:fp16:f32", "b200:tcgen05.mxf4:e2m1:f16", "ideal:e8m0", "ideal:mxfp5"}) {
    CAPTURE(word);
    CHECK_FALSE(parse_path(word));
  }
}
