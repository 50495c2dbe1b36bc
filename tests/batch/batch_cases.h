// SPDX-License-Identifier: Apache-2.0
// What batch is compared with: core, one element at a time; and the inputs worth comparing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/batch/batch.h"
#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"
#include "lowp/core/rounding.h"

namespace lowp::batch_proof {

inline constexpr Format fp32 = find_format("fp32").format;

inline RandomBits drawn(Conversion how, RandomSource random, std::size_t i) {
  return is_stochastic(how.rounding) ? random_bits(random.seed, random.first_index + i, random.count) : RandomBits{};
}
inline std::uint64_t core_code(Format f, Conversion how, std::uint32_t source, RandomSource random, std::size_t i) {
  return convert(fp32, f, how, source, drawn(how, random, i));
}
inline std::uint32_t core_value(Format f, std::uint64_t code) {
  return static_cast<std::uint32_t>(convert(f, fp32, Conversion{}, code));
}

// What round_batch must give.
std::vector<float> rounded_by_core(Format f, Conversion how, const std::vector<float>& in, RandomSource random);

// count patterns from `first` on, `stride` apart (modulo 2^32).
std::vector<float> strided(std::uint32_t first, std::uint32_t stride, std::size_t count);
// Every sign and exponent with fractions that are one or two bits, runs of ones from the top, and their neighbours:
// about 700,000 patterns, every tie and threshold of every format of at most 24 bits of precision among them.
const std::vector<float>& edges();

// Compares without regard to what NaN == NaN says. Empty if equal, else the first difference in hex.
std::string first_difference(const std::vector<float>& in, const std::vector<float>& got,
                             const std::vector<float>& wanted);

// Every instruction set but the loop over core itself.
std::vector<std::string_view> instruction_sets();
// Paths a conversion has from FP32, best first, core left out.
std::vector<Path> paths(Format f, Conversion how, int random_count);

// Puts the instruction set in use back at the end of a scope.
class KeepInstructionSet {
 public:
  KeepInstructionSet() : name_(chosen_implementation().name) {}
  KeepInstructionSet(const KeepInstructionSet&) = delete;
  KeepInstructionSet& operator=(const KeepInstructionSet&) = delete;
  ~KeepInstructionSet() { choose_implementation(name_); }

 private:
  std::string_view name_;
};

}  // namespace lowp::batch_proof
