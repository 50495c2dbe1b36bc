// SPDX-License-Identifier: Apache-2.0
// encode_batch, decode_batch, round_batch: codes, rare rules, stochastic draws, splits, environments.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "batch_cases.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace lowp::batch_proof {
namespace {

// Rows, and formats with unusual ranges, biases and widths: subnormals of FP32 as values, precision 1, 23 and 24,
// no zero, wider exponents than FP32's (left to core).
std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const NamedFormat& row : format_table) names.push_back(row.name);
  for (const char* name :
       {"e8m0fin",     "e8m22",       "e5m22",       "e5m23",       "e6m20",       "e7m9b110",    "e8m3b126",
        "e11m4",       "e4m10b125",   "e2m5",        "e5m4b9fnuz",  "e3m4b6fn",    "e4m1fin",     "binary8p1se",
        "binary8p4ue", "binary8p5uf", "binary8p1uf", "binary8p4se", "binary3p2se", "binary15p8se"}) {
    if (find_format(name).found) names.push_back(name);
  }
  return names;
}

// Sparse edges: each sign and exponent still has its few patterns.
std::vector<float> some_edges(std::size_t step) {
  std::vector<float> chosen;
  for (std::size_t i = 0; i < edges().size(); i += step) chosen.push_back(edges()[i]);
  return chosen;
}

template <class Word>
void check_codes(Format f, Conversion how, const std::vector<float>& in, RandomSource random) {
  std::vector<Word> codes(in.size());
  encode_batch(f, how, in, std::span<Word>(codes), random);
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::uint64_t wanted = core_code(f, how, std::bit_cast<std::uint32_t>(in[i]), random, i);
    if (codes[i] != wanted && wrong++ == 0) {
      MESSAGE("source ", std::bit_cast<std::uint32_t>(in[i]), " gave ", codes[i], ", must be ", wanted);
    }
  }
  CHECK(wrong == 0);
}

template <class Work>
void on_every_instruction_set(Work work) {
  const KeepInstructionSet keep;
  for (const Implementation& row : implementations()) {
    REQUIRE(choose_implementation(row.name));
    CAPTURE(row.name);
    work();
  }
}

std::vector<Conversion> rare_rules() {
  std::vector<Conversion> all;
  for (const Rounding mode : {Rounding::nearest_even, Rounding::nearest_to_zero, Rounding::toward_positive,
                              Rounding::toward_negative, Rounding::to_odd, Rounding::stochastic_b}) {
    for (const OverflowName& rule : overflow_names) {
      const Conversion base{.rounding = mode, .overflow = rule.rule};
      for (int variant = 0; variant < 6; ++variant) {
        Conversion how = base;
        how.subnormals = {variant == 1 || variant == 3, variant == 2 || variant == 3};
        if (variant == 4) how.negative = NegativeResult::magnitude;
        if (variant == 5) how.negative = NegativeResult::smallest;
        if (variant == 4) how.zero = ZeroResult::nan;
        if (variant >= 4) how.nan = variant == 4 ? NanResult::negative_zero : NanResult::zero;
        all.push_back(how);
      }
    }
  }
  return all;
}

TEST_CASE("formats and rules beside the beaten path: values and codes are core's") {
  const std::vector<float> in = some_edges(331);
  on_every_instruction_set([&] {
    if (chosen_implementation().name == "core") return;
    for (const std::string_view name : format_names()) {
      CAPTURE(name);
      const Format f = find_format(name).format;
      for (const Conversion how : rare_rules()) {
        CAPTURE(static_cast<int>(how.rounding));
        const RandomSource random{7, 5, 16};
        const std::vector<float> wanted = rounded_by_core(f, how, in, random);
        std::vector<float> out(in.size());
        for (const Path path : {Path::magic_add, Path::integer}) {
          round_batch_on(path, f, how, in, out, random);
          const std::string difference = first_difference(in, out, wanted);
          CHECK(difference == "");
        }
        if (f.width <= 32) check_codes<std::uint32_t>(f, how, in, random);
      }
    }
  });
}

TEST_CASE("codes of every row in the words that hold them") {
  const std::vector<float> in = some_edges(7);
  on_every_instruction_set([&] {
    for (const NamedFormat& row : format_table) {
      CAPTURE(row.name);
      if (row.format.width <= 8) check_codes<std::uint8_t>(row.format, {}, in, {});
      if (row.format.width <= 16) check_codes<std::uint16_t>(row.format, {}, in, {});
      if (row.format.width <= 32) check_codes<std::uint32_t>(row.format, {}, in, {});
    }
  });
}

template <class Word>
void check_values(Format f, const std::vector<Word>& codes) {
  std::vector<float> out(codes.size());
  decode_batch(f, std::span<const Word>(codes), out);
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::uint32_t wanted = core_value(f, codes[i]);
    const auto got = std::bit_cast<std::uint32_t>(out[i]);
    if (got != wanted && wrong++ == 0) MESSAGE("code ", codes[i], " gave ", got, ", must be ", wanted);
  }
  CHECK(wrong == 0);
}

TEST_CASE("all codes decode as core does, bits above the width ignored") {
  std::vector<std::uint8_t> bytes(256 + 5);
  std::vector<std::uint16_t> halves(65536 + 5);
  std::vector<std::uint32_t> words(300001);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint32_t>(i * 2654435761U);
  for (std::uint32_t i = 0; i < 4096; ++i) words[i] = i;
  on_every_instruction_set([&] {
    for (const std::string_view name : format_names()) {
      CAPTURE(name);
      const Format f = find_format(name).format;
      if (f.width <= 8) check_values(f, bytes);
      check_values(f, halves);
      if (chosen_implementation().name != "core") check_values(f, words);
    }
  });
}

TEST_CASE("stochastic results are core's for the same seed and index, however the span is cut") {
  const std::vector<float> in = some_edges(97);
  on_every_instruction_set([&] {
    for (const char* name : {"fp16", "bf16", "e4m3", "e5m2", "e2m1", "e8m0", "mxint8", "fp32"}) {
      for (const Rounding mode : {Rounding::stochastic_a, Rounding::stochastic_b, Rounding::stochastic_c}) {
        for (const int count : {0, 1, 8, 13, 16, 17, 29, 30, 31, 32}) {
          CAPTURE(name);
          CAPTURE(static_cast<int>(mode));
          CAPTURE(count);
          const Format f = find_format(name).format;
          const Conversion how{.rounding = mode};
          const RandomSource random{0x123456789abcdef0, (std::uint64_t{1} << 35) - 1001, count};
          const std::vector<float> wanted = rounded_by_core(f, how, in, random);
          std::vector<float> out(in.size());
          round_batch(f, how, in, out, random);
          CHECK(first_difference(in, out, wanted) == "");
          std::vector<float> pieces = in;  // in place, in uneven pieces
          for (std::size_t first = 0, length = 1; first < in.size(); first += length, length = length * 5 % 4099) {
            length = std::min(length, in.size() - first);
            const std::span<float> piece = std::span<float>(pieces).subspan(first, length);
            round_batch(f, how, piece, piece, {random.seed, random.first_index + first, count});
          }
          CHECK(first_difference(in, pieces, wanted) == "");
        }
      }
    }
  });
}

// A fraction of 2^-17 carries only where the first 16 draws are all ones, and then by the 17th: one element in 65536.
TEST_CASE("draws after the first sixteen decide where those do not") {
  const Format f = find_format("e4m3").format;
  const Conversion how{.rounding = Rounding::stochastic_a};
  const std::vector<float> in(61, 0x1p-26F);
  std::vector<std::uint64_t> undecided;
  for (std::uint64_t i = 100; undecided.size() < 8; ++i) {
    if (random_bits(5, i, 16).bits == 0xffff) undecided.push_back(i);
  }
  on_every_instruction_set([&] {
    int up = 0;
    for (const std::uint64_t i : undecided) {
      const RandomSource random{5, i - 37, 32};
      std::vector<float> out(in.size());
      round_batch(f, how, in, out, random);
      CHECK(first_difference(in, out, rounded_by_core(f, how, in, random)) == "");
      up += out[37] != 0 ? 1 : 0;
    }
    CHECK(up > 0);
    CHECK(up < 8);
  });
}

constexpr std::size_t large = (std::size_t{9} << 20) + 13;  // elements: more than 8 MiB of one-byte codes

TEST_CASE("large spans go past the caches unharmed, aligned or not") {
  const std::vector<float> in = strided(1, 1813, large / 4);
  for (const char* name : {"bf16", "e4m3"}) {
    for (const Rounding mode : {Rounding::nearest_even, Rounding::stochastic_b}) {
      const Format f = find_format(name).format;
      const Conversion how{.rounding = mode};
      const RandomSource random{3, 1, 16};
      const std::vector<float> wanted = rounded_by_core(f, how, in, random);
      for (const std::size_t offset : {0U, 1U, 7U}) {
        std::vector<float> space(in.size() + 16, -7.0F);
        round_batch(f, how, in, std::span<float>(space).subspan(offset, in.size()), random);
        const auto first = space.begin() + static_cast<std::ptrdiff_t>(offset);
        const std::vector<float> out(first, first + static_cast<std::ptrdiff_t>(in.size()));
        CHECK(first_difference(in, out, wanted) == "");
        CHECK(space[offset + in.size()] == -7.0F);
      }
    }
  }
}

TEST_CASE("large spans of codes go past the caches unharmed, aligned or not") {
  const Format f = find_format("e4m3").format;
  const std::vector<float> in = strided(1, 457, large);
  std::vector<std::uint8_t> wanted(large);
  for (std::size_t i = 0; i < large; ++i) {
    wanted[i] = static_cast<std::uint8_t>(core_code(f, {}, std::bit_cast<std::uint32_t>(in[i]), {}, i));
  }
  on_every_instruction_set([&] {
    if (chosen_implementation().name == "core") return;
    for (const std::size_t offset : {0U, 3U}) {
      std::vector<std::uint8_t> space(large + 16, 0x99);
      const std::span<std::uint8_t> codes = std::span<std::uint8_t>(space).subspan(offset, large);
      encode_batch(f, {}, in, codes);
      CHECK(std::memcmp(codes.data(), wanted.data(), large) == 0);
      CHECK(space[offset + large] == 0x99);
      std::vector<float> values(large + 16, -7.0F);
      decode_batch(f, codes, std::span<float>(values).subspan(offset, large));
      CHECK(values[offset + large] == -7.0F);
      std::uint64_t wrong = 0;
      for (std::size_t i = 0; i < large; i += 61) {
        wrong += std::bit_cast<std::uint32_t>(values[offset + i]) != core_value(f, wanted[i]) ? 1 : 0;
      }
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("empty and short spans") {
  round_batch(find_format("fp16").format, {}, {}, {});
  const std::vector<float> in = strided(0x3f800001, 4097, 70);
  for (std::size_t count = 1; count <= in.size(); ++count) {
    std::vector<float> out(count + 1, -7.0F);
    const std::vector<float> source(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    round_batch(find_format("e4m3").format, {}, source, std::span<float>(out).first(count));
    CHECK(out[count] == -7.0F);
    out.pop_back();
    CHECK(first_difference(source, out, rounded_by_core(find_format("e4m3").format, {}, source, {})) == "");
  }
}

#if defined(__SSE2__)
TEST_CASE("flush-to-zero, denormals-are-zero, a rounding mode and traps set by the caller change nothing and stay") {
  const std::vector<float> in = some_edges(29);
  const unsigned before = _mm_getcsr();
  on_every_instruction_set([&] {
    for (const char* name : {"fp16", "bf16", "e4m3", "e8m0", "tf32", "e7m9b110", "e8m3b126"}) {
      for (const Rounding mode : {Rounding::nearest_even, Rounding::toward_positive, Rounding::toward_negative,
                                  Rounding::to_odd, Rounding::stochastic_c}) {
        CAPTURE(name);
        const Format f = find_format(name).format;
        const Conversion how{.rounding = mode};
        const std::vector<float> wanted = rounded_by_core(f, how, in, {});
        std::vector<float> out(in.size());
        std::vector<std::uint32_t> codes(in.size());
        std::vector<float> decoded(in.size());
        for (const unsigned csr : {0x9fc0U, 0xdfc0U, 0x5f80U, 0x0000U}) {  // FTZ + DAZ; and up; up; every trap open
          _mm_setcsr(csr);
          round_batch(f, how, in, out);
          encode_batch(f, how, in, std::span<std::uint32_t>(codes));
          decode_batch(f, std::span<const std::uint32_t>(codes), decoded);
          const unsigned after = _mm_getcsr();
          _mm_setcsr(before);
          CHECK(after == csr);
          CHECK(first_difference(in, out, wanted) == "");
          CHECK(first_difference(in, decoded, wanted) == "");
        }
      }
    }
  });
}
#endif

TEST_CASE("implementations: best first, core last, names are choices") {
  const KeepInstructionSet keep;
  REQUIRE(!implementations().empty());
  CHECK(implementations().back().name == "core");
  for (const Implementation& row : implementations()) {
    CHECK(choose_implementation(row.name));
    CHECK(chosen_implementation().name == row.name);
    CHECK(row.lanes >= 1);
  }
  CHECK_FALSE(choose_implementation("mmx"));
  REQUIRE(choose_implementation(implementations().front().name));
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    CHECK(implementations().front().name == "avx512");
  }
#endif
  CHECK(best_path(find_format("e4m3").format, {}) == Path::magic_add);
  CHECK(best_path(find_format("bf16").format, {}) == Path::integer);
  CHECK(best_path(find_format("fp64").format, {}) == Path::core);
  CHECK(best_path(find_format("fp16").format, {.rounding = Rounding::stochastic_c}, 31) == Path::core);
  CHECK(best_path(find_format("fp16").format, {.rounding = Rounding::stochastic_a}, 32) == Path::integer);
}

}  // namespace
}  // namespace lowp::batch_proof
