// SPDX-License-Identifier: Apache-2.0
// The rows of instructions mean what their names say, and the drawn operands are what they claim.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "emulated_backend.h"
#include "lowp/core/formats.h"
#include "lowp/gpu/dot_cases.h"
#include "lowp/gpu/probe.h"
#include "lowp/gpu/recorded_set.h"
#include "lowp/gpu/sass.h"
#include "lowp/verify/conversion_sweep.h"

using namespace lowp;
using namespace lowp::gpu;

namespace {

std::vector<std::string> words_of(std::string_view ptx) {
  std::vector<std::string> words;
  std::istringstream text{std::string(ptx)};
  for (std::string word; std::getline(text, word, '.');) words.push_back(word);
  return words;
}
bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}
// "e4m3x2" is e4m3, "f16x2" is fp16, "ue8m0x2" is e8m0.
std::string format_in_ptx(std::string word) {
  if (const std::size_t x = word.find('x'); x != word.npos) word = word.substr(0, x);
  const std::map<std::string, std::string> ours{{"f32", "fp32"}, {"f16", "fp16"}, {"ue8m0", "e8m0"}};
  const auto found = ours.find(word);
  return found == ours.end() ? word : found->second;
}
const std::map<std::string, Rounding> roundings{{"rn", Rounding::nearest_even},    {"rna", Rounding::nearest_away},
                                                {"rz", Rounding::toward_zero},     {"rp", Rounding::toward_positive},
                                                {"rm", Rounding::toward_negative}, {"rs", Rounding::toward_zero}};

}  // namespace

TEST_CASE("a conversion's rule is what its name says") {
  for (const ConversionRow& row : conversion_rows()) {
    CAPTURE(std::string(row.ptx));
    const auto words = words_of(row.ptx);
    REQUIRE(words.size() >= 3);
    CHECK(format_in_ptx(words.back()) == row.source);
    CHECK(format_in_ptx(words[words.size() - 2]) == row.target);
    CHECK(row.rule.source == find_format(row.source).format);
    CHECK(row.rule.target == find_format(row.target).format);
    CHECK(row.rule.relu == has(words, "relu"));
    CHECK(row.rule.how.overflow == (has(words, "satfinite") ? Overflow{true, true} : Overflow{}));
    CHECK((row.rule.operation == Operation::convert_between) == has(words, "rs"));
    if (const auto mode = roundings.find(words[1]); mode != roundings.end()) {
      CHECK(row.rule.how.rounding == mode->second);
    } else {
      CHECK(row.rule.target.width > row.rule.source.width);  // exact
    }
  }
}

TEST_CASE("an operation's rule is what its name says") {
  const std::map<std::string, Operation> operations{
      {"add", Operation::add}, {"sub", Operation::sub}, {"mul", Operation::mul}, {"fma", Operation::fma}};
  for (const ArithmeticRow& row : arithmetic_rows()) {
    CAPTURE(std::string(row.ptx));
    const auto words = words_of(row.ptx);
    CHECK(row.rule.operation == operations.at(words[0]));
    CHECK(row.rule.how.rounding == roundings.at(words[1]));
    CHECK(format_in_ptx(words.back()) == row.format);
    CHECK(row.rule.relu == has(words, "relu"));
    CHECK(row.rule.saturate_to_one == has(words, "sat"));
    CHECK(row.rule.how.subnormals.flush_results == has(words, "ftz"));
    CHECK(row.rule.how.subnormals.flush_sources == has(words, "ftz"));
  }
}

TEST_CASE("a matrix instruction's row is what its name says, and Hopper's have a model") {
  for (const MmaRow& row : mma_rows()) {
    CAPTURE(std::string(row.ptx));
    const auto words = words_of(row.ptx);
    const std::string shape = "m" + std::to_string(row.m) + "n" + std::to_string(row.n) + "k" + std::to_string(row.k);
    CHECK(words[0] == shape);
    const std::size_t types = is_wgmma(row) ? 1 : 3;
    CHECK(words[types] == row.accumulator);
    CHECK(format_in_ptx(words[types + 1]) == row.a);
    CHECK(format_in_ptx(words[types + 2]) == row.b);
    CHECK(row.k * operand_format(row.a).width <= 256);
    CHECK(model_of("sm_90", row) != nullptr);
  }
}

TEST_CASE("which code has which instruction") {
  CHECK(has_instruction({800, false}, 800));
  CHECK_FALSE(has_instruction({750, false}, 800));
  CHECK(has_instruction({900, true}, wgmma_architecture));
  CHECK_FALSE(has_instruction({900, false}, wgmma_architecture));
  CHECK_FALSE(has_instruction({1000, true}, wgmma_architecture));
  CHECK(has_instruction({1000, true}, 1001));
  CHECK_FALSE(has_instruction({1000, false}, 1001));
  CHECK_FALSE(has_instruction({1200, true}, 1002));
}

TEST_CASE("what hardware must return: a few known answers") {
  const auto expected = [](std::string_view ptx, Inputs in) {
    for (const ConversionRow& row : conversion_rows()) {
      if (row.ptx == ptx) return expected_code(row.rule, in);
    }
    for (const ArithmeticRow& row : arithmetic_rows()) {
      if (row.ptx == ptx) return expected_code(row.rule, in);
    }
    FAIL("no such row");
    return 0u;
  };
  CHECK(expected("cvt.rn.f16.f32", {0x477FF000, 0, 0}) == 0x7C00);  // 65520
  CHECK(expected("cvt.rz.f16.f32", {0x477FF000, 0, 0}) == 0x7BFF);
  CHECK(expected("cvt.rn.satfinite.f16.f32", {0x7F800000, 0, 0}) == 0x7BFF);  // Inf
  CHECK(expected("cvt.rn.relu.f16.f32", {0xBF800000, 0, 0}) == 0);            // -1
  CHECK(expected("cvt.rn.relu.f16.f32", {0xFFC00000, 0, 0}) == 0x7E00);       // NaN
  CHECK(expected("cvt.rna.tf32.f32", {0x3F801000, 0, 0}) == 0x3F802000 >> 13);
  CHECK(expected("cvt.rn.satfinite.e4m3x2.f32", {0x43F00000, 0, 0}) == 0x7E);   // 480
  CHECK(expected("cvt.rp.satfinite.ue8m0x2.f32", {0xBF800001, 0, 0}) == 0x80);  // the magnitude
  CHECK(expected("add.rn.sat.f16", {0x3C00, 0x3C00, 0}) == 0x3C00);             // 1 + 1
  CHECK(expected("add.rn.sat.f16", {0x7E00, 0x3C00, 0}) == 0);
  CHECK(expected("add.rn.ftz.f16", {0x0001, 0x0001, 0}) == 0);
  CHECK(expected("fma.rn.f16", {0x3C01, 0x3C01, 0xBC02}) == 0x0010);  // (1 + 2^-10)^2 - (1 + 2^-9) = 2^-20
}

TEST_CASE("stochastic results may be either neighbour and nothing else") {
  const auto row = std::ranges::find(conversion_rows(), "cvt.rs.bf16x2.f32", &ConversionRow::ptx);
  const auto right = [&](std::uint32_t input, std::uint32_t returned) {
    const Inputs in{input, 0, 0};
    return is_right(row->rule, in, expected_code(row->rule, in), returned);
  };
  CHECK(right(0x3F808000, 0x3F80));
  CHECK(right(0x3F808000, 0x3F81));
  CHECK_FALSE(right(0x3F808000, 0x3F82));
  CHECK_FALSE(right(0x3F808000, 0x3F7F));
  CHECK(right(0xBF808000, 0xBF81));
  CHECK_FALSE(right(0x3F800000, 0x3F81));  // exact
}

TEST_CASE("digests in lanes are the digests of the recorded table") {
  std::vector<std::uint32_t> codes(3 * digest_block);
  Random random(11);
  for (std::uint32_t& code : codes) code = static_cast<std::uint32_t>(random.bits() & 0x7FFFF);
  CHECK(EmulatedBackend::digest_of(codes) == lowp::verify::digest_of(codes));
}

TEST_CASE("a part of all inputs visits every exponent and both signs, and all means all") {
  const Rule rule = conversion_rows()[0].rule;
  REQUIRE(all_inputs(rule) == std::uint64_t{1} << 32);
  const Selection part{1 << 16, 1 << 16};
  std::vector<bool> high(512), low(256);
  for (std::uint64_t n = 0; n < part.count; ++n) {
    const std::uint32_t code = inputs_at(rule, input_number(part, n)).a;
    high[code >> 23] = true;
    low[code & 0xFF] = true;
  }
  CHECK(std::ranges::count(high, true) == 512);
  CHECK(std::ranges::count(low, true) == 256);
  CHECK(input_number({all_inputs(rule)}, 12345) == 12345);
}

TEST_CASE("drawn FP32 operands often meet, and reach every exponent") {
  Rule rule{Operation::add, operand_format("fp32"), operand_format("fp32"), {}};
  std::vector<bool> exponents(256);
  int close = 0;
  constexpr int draws = 20000;
  for (std::uint64_t i = 0; i < draws; ++i) {
    const Inputs in = inputs_at(rule, i);
    const int a = static_cast<int>(in.a >> 23 & 0xFF), b = static_cast<int>(in.b >> 23 & 0xFF);
    exponents[static_cast<std::size_t>(a)] = true;
    close += std::abs(a - b) <= 24;
  }
  CHECK(std::ranges::count(exponents, true) == 256);
  CHECK(close > draws / 2);
}

TEST_CASE("drawn dot products are what their names say") {
  const MmaRow& row = *std::ranges::find(mma_rows(), "m16n8k16.row.col.f32.f16.f16.f32", &MmaRow::ptx);
  const Format f = operand_format("fp16");
  const auto share = [&](Draw draw, auto property) {
    const TileBatch batch = draw_tiles(row, draw, 50, 1, 5);
    return static_cast<double>(std::ranges::count_if(batch.a, property)) / static_cast<double>(batch.a.size());
  };
  const auto finite = [&](std::uint32_t code) { return decode(f, code).kind == Kind::finite || code << 17 == 0; };
  const auto below_two = [&](std::uint32_t code) { return (code & 0x7FFF) < 0x4000; };
  CHECK(share(Draw::normal, finite) == 1);
  CHECK(share(Draw::normal, below_two) == doctest::Approx(0.954).epsilon(0.01));
  CHECK(share(Draw::bits, finite) == doctest::Approx(31.0 / 32).epsilon(0.01));
  CHECK(share(Draw::subnormal, [&](std::uint32_t code) { return is_subnormal(f, code); }) > 0.2);
  CHECK(share(Draw::landmarks, finite) < 0.99);
  const TileBatch cancelling = draw_tiles(row, Draw::cancelling, 1, 1, 5);
  int pairs = 0;
  for (std::size_t k = 0; k < 16; k += 2) {
    pairs += cancelling.a[k + 1] == (cancelling.a[k] ^ 0x8000) && cancelling.b[k + 1] == cancelling.b[k];
  }
  CHECK(pairs >= 2);
  CHECK(draw_tiles(row, Draw::bits, 2, 3, 9).a == draw_tiles(row, Draw::bits, 2, 3, 9).a);
}

TEST_CASE("probes stand where they say: any place, the same bits") {
  for (const MmaRow& row : mma_rows()) {
    CAPTURE(std::string(row.ptx));
    const auto probes = probes_for(row);
    CHECK(probes.size() >= 10);
    for (const Probe& probe : probes) {
      if (probe.steps != 1) continue;
      const TileBatch tile = probe_tile(row, probe, 1);
      CHECK(tile.a[0] == probe.a.back());
      CHECK(tile.a[static_cast<std::size_t>(row.k)] == probe.a.back());  // the next row
    }
  }
}

TEST_CASE("each column of the published table is there in full") {
  const auto ids = [](std::string_view ptx) {
    std::map<std::string, int> found;  // how many have published bits, or wait for hardware
    for (const Probe& probe : probes_for(*std::ranges::find(mma_rows(), ptx, &MmaRow::ptx))) {
      if (probe.hopper || !probe.open.empty()) ++found[probe.id.substr(0, probe.id.find(' '))];
    }
    return found;
  };
  using Ids = std::map<std::string, int>;
  CHECK(ids("m16n8k16.row.col.f32.f16.f16.f32") == Ids{{"C1", 1},
                                                       {"C2", 1},
                                                       {"F1", 2},
                                                       {"F2", 2},
                                                       {"F3", 2},
                                                       {"G1", 240},
                                                       {"G2", 16},
                                                       {"N1", 1},
                                                       {"N2", 1},
                                                       {"N3", 1},
                                                       {"Q1", 9},
                                                       {"R1", 2},
                                                       {"T1", 2},
                                                       {"X1", 1},
                                                       {"Z1", 2},
                                                       {"Z3", 1}});
  CHECK(ids("m64n8k32.f32.e4m3.e4m3") == Ids{{"C1", 1},
                                             {"C2", 1},
                                             {"F1", 2},
                                             {"F2", 2},
                                             {"F3", 2},
                                             {"G1", 992},
                                             {"G2", 32},
                                             {"N1", 1},
                                             {"Q1", 5},
                                             {"R1", 2},
                                             {"S1", 2},
                                             {"S2", 1},
                                             {"T1", 2},
                                             {"Z1", 2},
                                             {"Z3", 1}});
  CHECK(ids("m16n8k32.row.col.f32.e4m3.e4m3.f32") == Ids{{"C1", 1},
                                                         {"C2", 1},
                                                         {"F1", 2},
                                                         {"F2", 2},
                                                         {"F3", 2},
                                                         {"G1", 992},
                                                         {"G2", 32},
                                                         {"Q1", 5},
                                                         {"S1", 1},
                                                         {"S2", 1},
                                                         {"Z1", 2},
                                                         {"Z3", 1}});
  const Ids bf16 = ids("m64n8k16.f32.bf16.bf16");
  for (const char* id : {"B1", "E1", "E1b", "E3", "O1", "Z2"}) CHECK(bf16.count(id) == 1);
  const Ids f16 = ids("m16n8k16.row.col.f16.f16.f16.f16");
  for (const char* id : {"E2", "H1", "H2", "H3"}) CHECK(f16.count(id) == 1);
  CHECK(ids("m16n8k32.row.col.f16.e4m3.e4m3.f16").count("H4") == 1);
  CHECK(ids("m64n8k32.f32.e5m2.e5m2").count("X1") == 1);
}

TEST_CASE("files are named after the chip") {
  const auto name = [](const char* chip, const char* capability, std::string_view ptx) {
    const auto row = std::ranges::find(mma_rows(), ptx, &MmaRow::ptx);
    return recorded_file_name(emulated_chip(chip, capability, {}), *row);
  };
  CHECK(name("NVIDIA H200", "sm_90", "m64n8k16.f32.bf16.bf16") == "h200-wgmma-bf16-f32.safetensors");
  CHECK(name("NVIDIA A100-SXM4-80GB", "sm_80", "m16n8k4.row.col.f32.tf32.tf32.f32") ==
        "a100-mma-tf32-f32-k4.safetensors");
  CHECK(name("NVIDIA GeForce RTX 4090", "sm_89", "m16n8k32.row.col.f32.e4m3.e5m2.f32") ==
        "sm_89-mma-e4m3xe5m2-f32.safetensors");
}

TEST_CASE("SASS of one function among others") {
  const std::string text =
      "\t\tFunction : other\n        /*0000*/                   HMMA.1688.F32 R4, R2, R3, R4 ; /* 0x0 */\n"
      "\t\tFunction : wanted\n        /*0000*/                   LDC R1, c[0x0][0x28] ;          /* 0x0 */\n"
      "        /*0010*/              @!P0 FADD R4, R2, R3 ;  /* 0x0 */\n"
      "        /*0020*/                   HMMA.16816.F32 R4, R8, R2, R4 ;  /* 0x0 */\n"
      "        /*0030*/                   HMMA.16816.F32 R4, R8, R6, R4 ;  /* 0x0 */\n";
  const auto sass = sass_of(text, "wanted");
  CHECK(sass.at("sass") == "1 FADD, 2 HMMA.16816.F32");
  CHECK(sass.at("sass_hash") != sass_of(text, "other").at("sass_hash"));
  CHECK(sass_of(text, "missing").empty());
  CHECK(sass_of(text, "").empty());
}
