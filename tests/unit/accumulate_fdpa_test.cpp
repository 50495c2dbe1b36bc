// SPDX-License-Identifier: Apache-2.0
// Every row of the table against the slow reference on random bit patterns, and the symmetries a fused sum must have.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "accumulate_codes.h"
#include "accumulate_reference.h"
#include "lowp/accumulate/fdpa.h"

using namespace lowp;
using namespace lowp::testing;

namespace {

using Codes = std::vector<std::uint64_t>;

std::vector<std::string> words(std::string_view list) {
  std::istringstream in{std::string(list)};
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

oracle::FusedRule rule_of(const TensorCore& row) {
  std::string_view finish = "rz f32";
  if (row.finish == StepRounding::truncated_e8m13) finish = "rz e8m13";
  if (row.finish == StepRounding::nearest_fp16) finish = "rne f16";
  return {row.products, row.fraction_bits, finish, row.zero_exponent, row.composition == Composition::fp16_quads};
}

std::string_view accumulator_name(const TensorCore& row) {
  return row.accumulator == "f16" ? "fp16" : row.accumulator == "f64" ? "fp64" : "fp32";
}

std::uint64_t reference(const TensorCore& row, std::string_view a_format, std::string_view b_format, const Codes& a,
                        const Codes& b, std::uint64_t c) {
  switch (row.kind) {
    case StepKind::exact:
    case StepKind::fma_chain:
      return oracle::reference_exact_chain(row.products, a_format, accumulator_name(row), a, b, c);
    case StepKind::paired_flush: return oracle::reference_paired_flush(row.products, a_format, a, b, c);
    default: break;
  }
  if (row.composition == Composition::fp16_quads) {
    return oracle::reference_quads(rule_of(row), a_format, b_format, a, b, c);
  }
  return oracle::reference_fused_chain(rule_of(row), a_format, b_format, a, b, c);
}

std::vector<Operand> operands(const TensorCore& row, std::string_view format, const Codes& codes) {
  const Format f = find_format(format).format;
  std::vector<Operand> result;
  for (const std::uint64_t code : codes) result.push_back(read_operand(row, f, code));
  return result;
}

std::uint64_t emulated(const TensorCore& row, std::string_view a_format, std::string_view b_format, const Codes& a,
                       const Codes& b, std::uint64_t c) {
  return dot(row, operands(row, a_format, a), operands(row, b_format, b), c);
}

// 0 and -0 in a quarter of the cases: only there can the exponent of a zero accumulator matter.
std::uint64_t accumulator_code(CodeSource& source, const TensorCore& row, Draw draw) {
  const Format f = accumulator_format(row);
  if (source.chance(4)) return source.bits() & sign_bit(f);
  return source.code(f, draw);
}

bool plain(const TensorCore& row) {
  return is_emulated(row) && row.scale.empty();
}

}  // namespace

TEST_CASE("every row equals the reference on random bit patterns") {
  for (const TensorCore& row : tensor_core_table) {
    if (!plain(row)) continue;
    CodeSource source(0x5eed);
    for (const std::string& a_format : words(row.inputs)) {
      for (const std::string& b_format : words(row.inputs)) {
        if (a_format != b_format && !(is_narrow(a_format) && is_narrow(b_format))) continue;
        CAPTURE(std::string(row.architecture) + " " + std::string(row.path) + " " + a_format + " " + b_format);
        int differing = 0, compared = 0;
        for (const Draw draw : draws) {
          for (int round = 0; round < 60; ++round) {
            const std::size_t k = 1 + source.bits() % 70;
            Codes a = source.codes(code_format(a_format), k, draw);
            const Codes b = source.codes(code_format(b_format), k, draw);
            const std::uint64_t c = accumulator_code(source, row, draw);
            differing += emulated(row, a_format, b_format, a, b, c) != reference(row, a_format, b_format, a, b, c);
            ++compared;
          }
        }
        CHECK(differing == 0);
        CHECK(compared == 240);
      }
    }
  }
}

TEST_CASE("block-scaled rows equal the reference") {
  for (const TensorCore& row : tensor_core_table) {
    if (row.scale.empty()) continue;
    CodeSource source(0xb10c);
    const Format scale_format = find_format(row.scale).format;
    const int group = row.kind == StepKind::scaled_group ? 16 : 0;
    for (const std::string& format : words(row.inputs)) {
      CAPTURE(std::string(row.path) + " " + format);
      int differing = 0;
      for (const Draw draw : draws) {
        for (int round = 0; round < 100; ++round) {
          const std::size_t k = 1 + source.bits() % 150, block = static_cast<std::size_t>(row.scale_block);
          const Format f = code_format(format);
          const Codes a = source.codes(f, k, draw), b = source.codes(f, k, draw);
          const std::size_t blocks = (k + block - 1) / block;
          Codes p, q;
          for (std::size_t i = 0; i < blocks; ++i) {
            p.push_back(source.code(scale_format, source.chance(2) ? Draw::near_one : draw));
            q.push_back(source.code(scale_format, source.chance(2) ? Draw::near_one : draw));
          }
          const std::uint64_t c = accumulator_code(source, row, draw);
          const std::uint64_t wanted = oracle::reference_scaled_chain(rule_of(row), {row.scale, row.scale_block, group},
                                                                      format, format, a, b, p, q, c);
          differing += scaled_dot(row, operands(row, format, a), operands(row, format, b), operands(row, row.scale, p),
                                  operands(row, row.scale, q), c) != wanted;
        }
      }
      CHECK(differing == 0);
    }
  }
}

TEST_CASE("the order of products inside one step does not matter") {
  for (const TensorCore& row : tensor_core_table) {
    if (!plain(row) || row.kind != StepKind::fused || row.composition != Composition::chain) continue;
    CodeSource source(7);
    const std::string format = words(row.inputs).front();
    for (int round = 0; round < 100; ++round) {
      const auto k = static_cast<std::size_t>(row.products);
      const Codes a = source.codes(code_format(format), k, draws[source.bits() % 4]);
      const Codes b = source.codes(code_format(format), k, Draw::finite);
      const std::uint64_t c = accumulator_code(source, row, Draw::finite);
      std::vector<std::size_t> order(k);
      std::iota(order.begin(), order.end(), std::size_t{0});
      for (std::size_t i = k; i > 1; --i) std::swap(order[i - 1], order[source.bits() % i]);
      Codes moved_a, moved_b;
      for (const std::size_t i : order) {
        moved_a.push_back(a[i]);
        moved_b.push_back(b[i]);
      }
      CHECK(emulated(row, format, format, a, b, c) == emulated(row, format, format, moved_a, moved_b, c));
    }
  }
}

TEST_CASE("negated operands and accumulator give the negated result") {
  for (const TensorCore& row : tensor_core_table) {
    if (!plain(row)) continue;
    CodeSource source(8);
    const std::string format = words(row.inputs).front();
    const Format f = code_format(format), result_format = accumulator_format(row);
    for (int round = 0; round < 100; ++round) {
      Codes a = source.codes(f, 48, Draw::finite);
      const Codes b = source.codes(f, 48, draws[source.bits() % 4]);
      const std::uint64_t c = accumulator_code(source, row, Draw::near_one);
      const std::uint64_t result = emulated(row, format, format, a, b, c);
      for (std::uint64_t& code : a) code ^= sign_bit(f);
      const std::uint64_t opposite = emulated(row, format, format, a, b, c ^ sign_bit(result_format));
      const Exact x = decode(result_format, result), y = decode(result_format, opposite);
      CHECK(x.kind == y.kind);
      if (x.kind == Kind::finite || x.kind == Kind::inf) CHECK(opposite == (result ^ sign_bit(result_format)));
    }
  }
}

TEST_CASE("scaling by a power of two scales the result, away from the limits") {
  for (const TensorCore& row : tensor_core_table) {
    if (!plain(row) || row.accumulator == "f16") continue;
    CodeSource source(9);
    for (const std::string& format : words(row.inputs)) {
      const Format f = code_format(format);
      if (exponent_bits(f) < 4) continue;
      for (int round = 0; round < 50; ++round) {
        Codes a, b, scaled_a;
        for (int k = 0; k < 40; ++k) {
          a.push_back(source.code(f, Draw::near_one));
          b.push_back(source.code(f, Draw::near_one));
          scaled_a.push_back(encode(f, Conversion{}, scaled(decode(f, a.back()), 2)));
        }
        const Format result_format = accumulator_format(row);
        const std::uint64_t c = source.code(result_format, Draw::near_one);
        const std::uint64_t scaled_c = encode(result_format, Conversion{}, scaled(decode(result_format, c), 2));
        const std::uint64_t result = emulated(row, format, format, a, b, c);
        if (decode(result_format, result).kind == Kind::zero) continue;
        CHECK(decode(result_format, emulated(row, format, format, scaled_a, b, scaled_c)) ==
              decode(result_format, encode(result_format, Conversion{}, scaled(decode(result_format, result), 2))));
      }
    }
  }
}

TEST_CASE("a larger accumulator can make a smaller sum: truncation is not monotonic") {
  const TensorCore& row = *find_tensor_core("h100", "wgmma", "e4m3", "e4m3", "f32");
  const Codes ones(32, 0x38);
  CHECK(emulated(row, "e4m3", "e4m3", ones, ones, 0x467FFC00) == 0x46803C00);  // 16383 + 32 gives 16414
  CHECK(emulated(row, "e4m3", "e4m3", ones, ones, 0x46800000) == 0x46800000);  // 16384 hides every one
}

TEST_CASE("every row names a known architecture, readable inputs, a source") {
  for (const TensorCore& row : tensor_core_table) {
    CHECK(find_architecture(row.architecture) != nullptr);
    CHECK_FALSE(row.source.empty());
    CHECK(row.instruction_k % row.products == 0);
    for (const std::string& format : words(row.inputs)) {
      CHECK(find_format(format).found);
      CHECK(find_tensor_core(row.architecture, row.path, format, format, row.accumulator) == &row);
    }
  }
  CHECK(find_tensor_core("H200", "mma", "fp16", "fp16", "f32") ==
        find_tensor_core("sm_90", "mma", "fp16", "fp16", "f32"));
  CHECK(find_tensor_core("h100", "wgmma", "e4m3", "e5m2", "f32") != nullptr);
  CHECK(find_tensor_core("h100", "mma", "fp16", "bf16", "f32") == nullptr);
  CHECK(find_tensor_core("h100", "tcgen05", "fp16", "fp16", "f32") == nullptr);
}
