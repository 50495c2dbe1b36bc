// SPDX-License-Identifier: Apache-2.0
// Whole source formats through encode: every code in ascending order, compared with what it must give, and digested.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/core/format.h"
#include "lowp/core/profiles.h"
#include "lowp/core/rounding.h"

namespace lowp::verify {

// Source codes from `first` up to the next run's first (the last: to the end) must give `code`.
struct Run {
  std::uint32_t first;
  std::uint32_t code;
};

struct Mismatch {
  std::uint32_t input, ours, expected;
};
inline constexpr std::size_t shown_mismatches = 3;

struct SweepResult {
  std::uint64_t inputs = 0;
  std::uint64_t mismatches = 0;
  std::vector<Mismatch> first;  // at most shown_mismatches, in order of inputs
  std::uint64_t digest = 0;     // of all codes in order of inputs; the same for any number of threads
};

// Codes of FP32 inputs first, ..., first + count - 1, with format and mode fixed when the library was built.
using EncodeRange = void (*)(Overflow, std::uint32_t first, std::uint32_t count, std::uint32_t* codes);

// What can be swept: the rows of format_table up to 19 bits and some P3109 formats; one EncodeRange a rounding mode.
struct SweepFormat {
  std::string_view name;
  Format format;
  std::array<EncodeRange, 7> from_fp32;  // by the order of swept_modes
};
std::span<const SweepFormat> sweep_formats();
const SweepFormat* find_sweep_format(std::string_view name);

// The modes that need no random bits, in the order of rounding_names.
inline constexpr std::array swept_modes{Rounding::nearest_even,    Rounding::nearest_away,    Rounding::toward_zero,
                                        Rounding::toward_positive, Rounding::toward_negative, Rounding::nearest_to_zero,
                                        Rounding::to_odd};

struct SweepCase {
  std::string_view source;  // fp32, fp16 or bf16
  const SweepFormat* target;
  Rounding rounding;
  Overflow overflow;
};

std::uint64_t source_inputs(std::string_view source);  // 2^width; 0 for a source that cannot be swept

// Encodes every code of the source. `expected` is empty (nothing is compared) or starts at code 0, ascending.
// `progress` is told inputs as they are done, by any thread.
SweepResult sweep(const SweepCase& what, std::span<const Run> expected, unsigned threads,
                  const std::function<void(std::uint64_t)>& progress);

// Our codes for all inputs of a 16-bit source.
std::vector<std::uint32_t> all_codes(Format source, Format target, Conversion how);
// Those of cases with such sources, one after the other, as little-endian 32-bit integers; with a profile, by its rules.
std::string codes_as_bytes(std::span<const SweepCase> cases, const Profile* profile);

// The digest of a list of codes: whole blocks of 2^16. In each block two codes make a 64-bit word, the first in the low
// half; word j goes to lane j mod 4, which starts at its own number; the block's digest mixes the lanes in order into
// 0, the digest of all mixes the blocks in order into 0. mix(h, w) = g ^ (g >> 32) with g = (h ^ w) *
// 0x9e3779b97f4a7c15.
std::uint64_t digest_of(std::span<const std::uint32_t> codes);

}  // namespace lowp::verify
