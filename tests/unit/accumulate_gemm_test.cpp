// SPDX-License-Identifier: Apache-2.0
// The fast matrix product equals the spec output by output: every fused row, every vector width, any threads.
#include <doctest/doctest.h>
#include <hwy/targets.h>

#include <sstream>
#include <string>
#include <vector>

#include "accumulate_codes.h"
#include "accumulate_reference.h"
#include "lowp/accumulate/gemm.h"

using namespace lowp;
using namespace lowp::testing;

namespace {

CodeMatrix random_matrix(CodeSource& source, std::string_view format, std::size_t rows, std::size_t columns,
                         bool specials) {
  const Format f = code_format(format);
  CodeMatrix m{find_format(format).format, rows, columns, {}};
  const Draw base = source.chance(2) ? Draw::near_one : Draw::finite;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    m.code.push_back(source.code(f, specials && source.chance(60) ? Draw::landmarks : base));
  }
  return m;
}

std::vector<Operand> row_operands(const GemmPath& path, const CodeMatrix& a, std::size_t i) {
  std::vector<Operand> result;
  for (std::size_t k = 0; k < a.columns; ++k) {
    result.push_back(read_operand(*path.row, a.format, a.code[i * a.columns + k]));
  }
  return result;
}

std::vector<Operand> column_operands(const GemmPath& path, const CodeMatrix& b, std::size_t j) {
  std::vector<Operand> result;
  for (std::size_t k = 0; k < b.rows; ++k) {
    result.push_back(read_operand(*path.row, b.format, b.code[k * b.columns + j]));
  }
  return result;
}

std::size_t differing_outputs(const GemmPath& path, const CodeMatrix& a, const CodeMatrix& b, int threads) {
  const std::vector<std::uint64_t> result = gemm(path, a, b, threads);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < b.columns; ++j) {
      differing +=
          result[i * b.columns + j] != gemm_output(path, row_operands(path, a, i), column_operands(path, b, j));
    }
  }
  return differing;
}

std::string first_word(std::string_view list) {
  return std::string(list.substr(0, list.find(' ')));
}

}  // namespace

TEST_CASE("fast and spec agree for every row, promotion interval and shape") {
  CodeSource source(11);
  for (const TensorCore& row : tensor_core_table) {
    if (!is_emulated(row) || !row.scale.empty()) continue;
    std::istringstream inputs{std::string(row.inputs)};
    for (std::string format; inputs >> format;) {
      for (const bool specials : {false, true}) {
        for (const int promotion : {0, 1, 4}) {
          CAPTURE(std::string(row.architecture) + " " + std::string(row.path) + " " + format);
          CAPTURE(promotion);
          const std::size_t k = 1 + source.bits() % 300, m = 1 + source.bits() % 3, n = 1 + source.bits() % 40;
          const CodeMatrix a = random_matrix(source, format, m, k, specials);
          const CodeMatrix b = random_matrix(source, format, k, n, specials);
          CHECK(differing_outputs({&row, promotion}, a, b, 1) == 0);
        }
      }
    }
  }
}

TEST_CASE("every vector width and number of threads gives the same bits") {
  CodeSource source(12);
  const TensorCore& row = *find_tensor_core("h100", "wgmma", "fp16", "fp16", "f32");
  const CodeMatrix a = random_matrix(source, "fp16", 17, 900, false), b = random_matrix(source, "fp16", 900, 70, false);
  const std::vector<std::uint64_t> one = gemm({&row, 4}, a, b, 1);
  int widths = 0;
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1, ++widths) {
    hwy::SetSupportedTargetsForTest(left & -left);
    CHECK(gemm({&row, 4}, a, b, 1) == one);
    hwy::SetSupportedTargetsForTest(0);
  }
  CHECK(widths >= 1);
  CHECK(gemm({&row, 4}, a, b, 2) == one);
  CHECK(gemm({&row, 4}, a, b, 0) == one);
}

TEST_CASE("promotion adds partial accumulators outside the tensor core") {
  CodeSource source(13);
  const TensorCore& row = *find_tensor_core("h100", "wgmma", "e4m3", "e4m3", "f32");
  const oracle::FusedRule rule{32, 13, "rz e8m13", inert, false};
  for (int round = 0; round < 50; ++round) {
    const std::vector<std::uint64_t> a = source.codes(code_format("e4m3"), 1000, Draw::near_one);
    const std::vector<std::uint64_t> b = source.codes(code_format("e4m3"), 1000, Draw::near_one);
    std::uint64_t wanted = 0;
    for (std::size_t k = 0; k < 1000; k += 128) {
      const std::size_t count = std::min<std::size_t>(128, 1000 - k);
      const std::uint64_t part = oracle::reference_fused_chain(rule, "e4m3", "e4m3", std::span(a).subspan(k, count),
                                                               std::span(b).subspan(k, count), 0);
      wanted = oracle::reference_add("fp32", part, wanted);
    }
    const CodeMatrix left{code_format("e4m3"), 1, 1000, a}, right{code_format("e4m3"), 1000, 1, b};
    CHECK(gemm({&row, 4}, left, right, 1) == std::vector<std::uint64_t>{wanted});
  }
}

TEST_CASE("accumulators that overflow stay infinite") {
  for (const char* accumulator : {"f16", "f32"}) {
    const TensorCore& row = *find_tensor_core("h100", "mma", "fp16", "fp16", accumulator);
    const Format f = accumulator_format(row);
    CodeMatrix a{code_format("fp16"), 1, 64, std::vector<std::uint64_t>(64, 0x7BFF)};
    CodeMatrix b{code_format("fp16"), 64, 1, std::vector<std::uint64_t>(64, 0x7BFF)};
    for (std::size_t k = 32; k < 64; ++k) b.code[k] |= 0x8000;
    CHECK(differing_outputs({&row, 0}, a, b, 1) == 0);
    if (first_word(accumulator) == "f16") CHECK(gemm({&row, 0}, a, b, 1)[0] == inf_code(f));
  }
}

TEST_CASE("GPUs go by the names that people and drivers give them") {
  struct Name {
    const char *said, *architecture;
  };
  for (const Name& name : {Name{"rtx4060", "ada"},
                           {"NVIDIA GeForce RTX 4060 Ti", "ada"},
                           {"RTX 4090 Laptop GPU", "ada"},
                           {"rtx5070ti", "rtxblackwell"},
                           {"h100pcie", "h100"},
                           {"h100sxm", "h100"},
                           {"NVIDIA H100 80GB HBM3", "h100"},
                           {"NVIDIA H100 NVL", "h100"},
                           {"NVIDIA H200", "h100"},
                           {"A100-SXM4-80GB", "a100"},
                           {"Tesla V100-SXM2-16GB", "v100"},
                           {"Tesla T4", "t4"},
                           {"RTX 2080 SUPER", "t4"},
                           {"L40S", "ada"},
                           {"sm_90", "h100"},
                           {"titanv", "v100"},
                           {"AMD Instinct MI300X", "mi300"}}) {
    CAPTURE(name.said);
    const Architecture* found = find_architecture(name.said);
    REQUIRE(found != nullptr);
    CHECK(found->name == name.architecture);
  }
  for (const char* said : {"", "rtx", "gtx1080", "h10080", "nvidia", "ti", "80gb"}) {
    CAPTURE(said);
    CHECK(find_architecture(said) == nullptr);
  }
}

TEST_CASE("sums around the smallest normal and the largest FP32 number") {
  CodeSource source(14);
  int tiny = 0, infinite = 0;
  for (const char* architecture : {"a100", "ada", "h100"}) {
    const TensorCore& row = *find_tensor_core(architecture, "mma", "bf16", "bf16", "f32");
    for (const int middle : {56, 60, 64, 68, 72, 188, 190}) {  // of the exponent fields: a product has about 2 * middle
      const auto near = [&](std::size_t rows, std::size_t columns) {
        CodeMatrix m{code_format("bf16"), rows, columns, {}};
        for (std::size_t i = 0; i < rows * columns; ++i) {
          const std::uint64_t exponent = static_cast<std::uint64_t>(middle) + source.bits() % 8 - 4;
          m.code.push_back((source.bits() & 0x807F) | exponent << 7);
        }
        return m;
      };
      const CodeMatrix a = near(8, 80), b = near(80, 24);
      for (const int promotion : {0, 2}) {
        CHECK(differing_outputs({&row, promotion}, a, b, 1) == 0);
        for (const std::uint64_t code : gemm({&row, promotion}, a, b, 1)) {
          tiny += (code & 0x7F800000) == 0;
          infinite += (code & 0x7FFFFFFF) == 0x7F800000;
        }
      }
    }
  }
  CHECK(tiny > 100);
  CHECK(infinite > 100);
}
