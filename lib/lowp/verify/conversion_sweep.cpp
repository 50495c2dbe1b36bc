// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/conversion_sweep.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lowp/base/parallel.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::verify {
namespace {

constexpr Format fp32 = find_format("fp32").format;
constexpr std::uint32_t block_codes = 1u << 16;   // one block of the digest
constexpr std::uint32_t buffer_codes = 1u << 12;  // stays in the first-level cache
constexpr std::uint64_t task_blocks = 64;         // what a thread takes at once

// With both constant the compiler leaves little of decode and encode but shifts and compares.
template <Format target, Rounding mode>
[[gnu::flatten]] void encode_range(Overflow overflow, std::uint32_t first, std::uint32_t count, std::uint32_t* codes) {
  const Conversion how{.rounding = mode, .overflow = overflow};
  for (std::uint32_t i = 0; i < count; ++i) {
    codes[i] = static_cast<std::uint32_t>(encode(target, how, decode(fp32, first + i)));
  }
}

constexpr std::array p3109_names{std::string_view{"binary8p4se"}, std::string_view{"binary8p3se"},
                                 std::string_view{"binary8p1se"}, std::string_view{"binary8p3sf"},
                                 std::string_view{"binary8p4ue"}, std::string_view{"binary6p3ue"},
                                 std::string_view{"binary15p8se"}};

constexpr bool is_swept(const NamedFormat& row) {
  return row.format.width <= 19;
}
constexpr std::size_t swept_rows = static_cast<std::size_t>(std::ranges::count_if(format_table, is_swept));

constexpr auto swept_names = [] {
  std::array<std::string_view, swept_rows + p3109_names.size()> names{};
  std::size_t at = 0;
  for (const NamedFormat& row : format_table) {
    if (is_swept(row)) names[at++] = row.name;
  }
  for (const std::string_view name : p3109_names) names[at++] = name;
  return names;
}();

template <std::size_t index, std::size_t... mode>
constexpr SweepFormat sweep_format(std::index_sequence<mode...>) {
  constexpr Format format = find_format(swept_names[index]).format;
  return {swept_names[index], format, {encode_range<format, swept_modes[mode]>...}};
}
template <std::size_t... index>
constexpr auto make_sweep_formats(std::index_sequence<index...>) {
  return std::array{sweep_format<index>(std::make_index_sequence<swept_modes.size()>{})...};
}
constexpr auto sweep_table = make_sweep_formats(std::make_index_sequence<swept_names.size()>{});

constexpr std::uint64_t mix(std::uint64_t digest, std::uint64_t word) {
  const std::uint64_t mixed = (digest ^ word) * 0x9e3779b97f4a7c15;
  return mixed ^ (mixed >> 32);
}

class BlockDigest {
 public:
  void add(const std::uint32_t* codes, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; i += 8) {
      for (std::uint32_t k = 0; k < 4; ++k) {
        const std::uint64_t low = codes[i + 2 * k];
        lane_[k] = mix(lane_[k], low | std::uint64_t{codes[i + 2 * k + 1]} << 32);
      }
    }
  }
  std::uint64_t value() const {
    std::uint64_t digest = 0;
    for (const std::uint64_t lane : lane_) digest = mix(digest, lane);
    return digest;
  }

 private:
  std::array<std::uint64_t, 4> lane_{0, 1, 2, 3};
};

std::uint64_t digest_of_blocks(std::span<const std::uint64_t> blocks) {
  std::uint64_t digest = 0;
  for (const std::uint64_t block : blocks) digest = mix(digest, block);
  return digest;
}

// Walks the expected runs beside ascending inputs.
class Comparison {
 public:
  Comparison(std::span<const Run> expected, std::uint32_t first) : expected_(expected) {
    const auto after = std::ranges::upper_bound(expected, first, {}, &Run::first);
    run_ = static_cast<std::size_t>(after - expected.begin()) - (expected.empty() ? 0 : 1);
  }

  void compare(std::uint32_t first, const std::uint32_t* codes, std::uint32_t count) {
    for (std::uint32_t done = 0; done < count;) {
      while (end_of_run() <= std::uint64_t{first} + done) ++run_;
      const auto stop = static_cast<std::uint32_t>(std::min<std::uint64_t>(end_of_run() - first, count));
      const std::uint32_t wanted = expected_[run_].code;
      std::uint32_t wrong = 0;
      for (std::uint32_t i = done; i < stop; ++i) wrong += codes[i] != wanted;
      if (wrong != 0) note(first, codes, done, stop, wanted);
      mismatches += wrong;
      done = stop;
    }
  }

  std::uint64_t mismatches = 0;
  std::vector<Mismatch> first_ones;

 private:
  std::uint64_t end_of_run() const {
    return run_ + 1 < expected_.size() ? expected_[run_ + 1].first : std::uint64_t{1} << 32;
  }
  void note(std::uint32_t first, const std::uint32_t* codes, std::uint32_t from, std::uint32_t to,
            std::uint32_t wanted) {
    for (std::uint32_t i = from; i < to && first_ones.size() < shown_mismatches; ++i) {
      if (codes[i] != wanted) first_ones.push_back({first + i, codes[i], wanted});
    }
  }

  std::span<const Run> expected_;
  std::size_t run_;
};

class Encoder {
 public:
  explicit Encoder(const SweepCase& what)
      : target_(what.target->format), how_{.rounding = what.rounding, .overflow = what.overflow} {
    if (what.source == "fp32") {
      const auto mode = std::ranges::find(swept_modes, what.rounding) - swept_modes.begin();
      from_fp32_ = what.target->from_fp32[static_cast<std::size_t>(mode)];
    } else {
      source_ = find_format(what.source).format;
    }
  }
  void operator()(std::uint32_t first, std::uint32_t count, std::uint32_t* codes) const {
    if (from_fp32_ != nullptr) return from_fp32_(how_.overflow, first, count, codes);
    for (std::uint32_t i = 0; i < count; ++i) {
      codes[i] = static_cast<std::uint32_t>(encode(target_, how_, decode(source_, first + i)));
    }
  }

 private:
  Format target_;
  Conversion how_;
  EncodeRange from_fp32_ = nullptr;
  Format source_{};
};

// What one thread found in its share of consecutive blocks.
struct Share {
  std::uint64_t mismatches = 0;
  std::vector<Mismatch> first;
};

Share sweep_blocks(const Encoder& encoder, std::span<const Run> expected, std::uint64_t first_block,
                   std::span<std::uint64_t> digests) {
  alignas(64) std::array<std::uint32_t, buffer_codes> codes;
  Comparison comparison(expected, static_cast<std::uint32_t>(first_block * block_codes));
  for (std::size_t block = 0; block < digests.size(); ++block) {
    BlockDigest digest;
    for (std::uint32_t offset = 0; offset < block_codes; offset += buffer_codes) {
      const auto first = static_cast<std::uint32_t>((first_block + block) * block_codes + offset);
      encoder(first, buffer_codes, codes.data());
      if (!expected.empty()) comparison.compare(first, codes.data(), buffer_codes);
      digest.add(codes.data(), buffer_codes);
    }
    digests[block] = digest.value();
  }
  return {comparison.mismatches, std::move(comparison.first_ones)};
}

}  // namespace

std::span<const SweepFormat> sweep_formats() {
  return sweep_table;
}

const SweepFormat* find_sweep_format(std::string_view name) {
  const auto found = std::ranges::find(sweep_table, name, &SweepFormat::name);
  return found == sweep_table.end() ? nullptr : &*found;
}

std::uint64_t source_inputs(std::string_view source) {
  if (source == "fp32") return std::uint64_t{1} << 32;
  return source == "fp16" || source == "bf16" ? std::uint64_t{1} << 16 : 0;
}

SweepResult sweep(const SweepCase& what, std::span<const Run> expected, unsigned threads,
                  const std::function<void(std::uint64_t)>& progress) {
  const Encoder encoder(what);
  SweepResult result;
  result.inputs = source_inputs(what.source);
  assert(result.inputs != 0 && (expected.empty() || expected[0].first == 0));
  std::vector<std::uint64_t> digests(result.inputs / block_codes);
  std::vector<Share> shares((digests.size() + task_blocks - 1) / task_blocks);
  in_parallel(threads, shares.size(), [&](std::size_t task) {
    const std::size_t first_block = task * task_blocks;
    const auto own = std::span(digests).subspan(first_block, std::min(task_blocks, digests.size() - first_block));
    shares[task] = sweep_blocks(encoder, expected, first_block, own);
    progress(own.size() * block_codes);
  });
  for (const Share& share : shares) {
    result.mismatches += share.mismatches;
    for (const Mismatch& mismatch : share.first) {
      if (result.first.size() < shown_mismatches) result.first.push_back(mismatch);
    }
  }
  result.digest = digest_of_blocks(digests);
  return result;
}

std::vector<std::uint32_t> all_codes(Format source, Format target, Conversion how) {
  std::vector<std::uint32_t> codes(code_mask(source) + 1);
  for (std::size_t code = 0; code < codes.size(); ++code) {
    codes[code] = static_cast<std::uint32_t>(convert(source, target, how, code));
  }
  return codes;
}

std::string codes_as_bytes(std::span<const SweepCase> cases, const Profile* profile) {
  std::string bytes;
  for (const SweepCase& what : cases) {
    const Format target = what.target->format;
    const Conversion how = profile != nullptr ? profile->conversion(target)
                                              : Conversion{.rounding = what.rounding, .overflow = what.overflow};
    for (const std::uint32_t code : all_codes(find_format(what.source).format, target, how)) {
      for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(code >> shift & 0xff));
    }
  }
  return bytes;
}

std::uint64_t digest_of(std::span<const std::uint32_t> codes) {
  assert(codes.size() % block_codes == 0);
  std::vector<std::uint64_t> digests;
  for (std::size_t at = 0; at < codes.size(); at += block_codes) {
    BlockDigest block;
    block.add(codes.data() + at, block_codes);
    digests.push_back(block.value());
  }
  return digest_of_blocks(digests);
}

}  // namespace lowp::verify
