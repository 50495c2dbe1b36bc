// SPDX-License-Identifier: Apache-2.0
#include "lowp/batch/batch.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "lowp/batch/batch_fpu.h"
#include "lowp/batch/batch_kernels.h"
#include "lowp/batch/batch_plan.h"
#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

static_assert(std::endian::native == std::endian::little, "random words are stored in pairs");

constexpr Format fp32 = find_format("fp32").format;
constexpr std::size_t block_elements = 2048;    // two blocks of words and values stay in the first-level cache
constexpr std::size_t stream_bytes = 8u << 20;  // results larger than this would only push others out of the caches
constexpr std::size_t stream_alignment = 64;

struct Chosen {
  std::vector<Implementation> all;
  std::size_t index = 0;

  Chosen() {
    for (const KernelRow& row : kernel_rows()) all.push_back(row.implementation);
    all.push_back({"core", 1});
    const char* forced = std::getenv("LOWP_FORCE_ISA");
    if (forced != nullptr) choose(forced);
  }
  bool choose(std::string_view name) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == name) {
        index = i;
        return true;
      }
    }
    return false;
  }
};
Chosen& chosen() {
  static Chosen choice;
  return choice;
}

// nullptr for the loop over core.
const KernelTable* chosen_kernels() {
  const std::size_t index = chosen().index;
  return index < kernel_rows().size() ? kernel_rows()[index].table() : nullptr;
}

// The last plan of this thread: a dump of many small tensors asks for the same one again and again.
const RoundPlan& plan_of(Format f, Conversion how, int random_count, Path limit) {
  struct Remembered {
    Format format{};
    Conversion how{};
    int random_count = -1;
    Path limit = Path::core;
    RoundPlan plan;
  };
  thread_local Remembered last;
  if (!(last.format == f) || !(last.how == how) || last.random_count != random_count || last.limit != limit) {
    last = {f, how, random_count, limit, make_round_plan(f, how, random_count, limit)};
  }
  return last.plan;
}

RandomBits drawn(Conversion how, RandomSource random, std::size_t i) {
  if (!is_stochastic(how.rounding)) return {};
  return random_bits(random.seed, random.first_index + i, random.count);
}
std::uint64_t core_code(Format f, Conversion how, float in, RandomSource random, std::size_t i) {
  return convert(fp32, f, how, std::bit_cast<std::uint32_t>(in), drawn(how, random, i));
}
float core_value(Format f, std::uint64_t code) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(convert(f, fp32, Conversion{}, code)));
}

// A conversion with everything chosen, applied block by block.
struct Rounder {
  Format format;
  Conversion how;
  RandomSource random;
  const KernelTable* kernels;
  const RoundPlan* plan;
  RoundKernel kernel;  // nullptr: core

  Rounder(Format f, Conversion conversion, RandomSource source, Path limit)
      : format(f),
        how(conversion),
        random(source),
        kernels(chosen_kernels()),
        plan(&plan_of(f, conversion, is_stochastic(conversion.rounding) ? source.count : 0, limit)),
        kernel(kernels == nullptr || plan->path == Path::core ? nullptr : kernels->round_kernel(*plan)) {}

  // At most block_elements.
  void round_block(const float* in, float* out, std::size_t first, std::size_t count) const {
    if (kernel == nullptr) {
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = core_value(format, core_code(format, how, in[i], random, first + i));
      }
    } else if (is_stochastic(how.rounding)) {
      alignas(stream_alignment) std::uint32_t words[block_elements + 4 + 64];
      const std::uint64_t index = random.first_index + first;
      const std::size_t skipped = index % 4;
      kernels->random_words(random.seed, index / 4, words, (skipped + count + 3) / 4 * 4, in);
      kernel(*plan, in, out, count, words + skipped);
    } else {
      kernel(*plan, in, out, count, nullptr);
    }
  }
};

template <class Work>
void for_blocks(std::size_t count, Work work) {
  for (std::size_t first = 0; first < count; first += block_elements) {
    work(first, std::min(block_elements, count - first));
  }
}

// Large results go past the caches, rounded into a block that stays in the first level.
void round_streaming(const Rounder& rounder, std::span<const float> in, std::span<float> out) {
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(out.data()) % stream_alignment;
  const std::size_t head = misaligned == 0 ? 0 : (stream_alignment - misaligned) / sizeof(float);
  rounder.round_block(in.data(), out.data(), 0, head);
  for_blocks(in.size() - head, [&](std::size_t first, std::size_t count) {
    alignas(stream_alignment) float block[block_elements];
    rounder.round_block(in.data() + head + first, block, head + first, count);
    rounder.kernels->stream(block, out.data() + head + first, count);
  });
}

template <class Word>
void encode_words(Format f, Conversion how, std::span<const float> in, std::span<Word> codes, RandomSource random) {
  assert(in.size() == codes.size() && f.width <= static_cast<int>(8 * sizeof(Word)));
  const Rounder rounder(f, how, random, Path::magic_add);
  const CodePlan plan = make_code_plan(f);
  if (rounder.kernel == nullptr || !plan.vector) {
    for (std::size_t i = 0; i < in.size(); ++i) codes[i] = static_cast<Word>(core_code(f, how, in[i], random, i));
    return;
  }
  const DefaultFpu scope;
  for_blocks(in.size(), [&](std::size_t first, std::size_t count) {
    float block[block_elements];
    rounder.round_block(in.data() + first, block, first, count);
    rounder.kernels->to_codes(plan, block, codes.data() + first, std::countr_zero(sizeof(Word)), count);
  });
}

template <class Word>
void decode_words(Format f, std::span<const Word> codes, std::span<float> out) {
  assert(codes.size() == out.size());
  const KernelTable* kernels = chosen_kernels();
  const CodePlan plan = make_code_plan(f);
  if (kernels == nullptr || !plan.vector) {
    for (std::size_t i = 0; i < codes.size(); ++i) out[i] = core_value(f, codes[i]);
    return;
  }
  const DefaultFpu scope;
  kernels->from_codes(plan, codes.data(), std::countr_zero(sizeof(Word)), out.data(), codes.size());
}

}  // namespace

std::span<const Implementation> implementations() {
  return chosen().all;
}
const Implementation& chosen_implementation() {
  return chosen().all[chosen().index];
}
bool choose_implementation(std::string_view name) {
  return chosen().choose(name);
}

Path best_path(Format f, Conversion how, int random_count) {
  if (chosen_kernels() == nullptr) return Path::core;
  return make_round_plan(f, how, random_count).path;
}

void round_batch_on(Path limit, Format f, Conversion how, std::span<const float> in, std::span<float> out,
                    RandomSource random) {
  assert(in.size() == out.size());
  const Rounder rounder(f, how, random, limit);
  const DefaultFpu scope;
  if (rounder.kernel != nullptr && in.size_bytes() > stream_bytes && in.data() != out.data()) {
    round_streaming(rounder, in, out);
    return;
  }
  for_blocks(in.size(), [&](std::size_t first, std::size_t count) {
    rounder.round_block(in.data() + first, out.data() + first, first, count);
  });
}

void round_batch(Format f, Conversion how, std::span<const float> in, std::span<float> out, RandomSource random) {
  round_batch_on(Path::magic_add, f, how, in, out, random);
}

void encode_batch(Format f, Conversion how, std::span<const float> in, std::span<std::uint8_t> codes,
                  RandomSource random) {
  encode_words(f, how, in, codes, random);
}
void encode_batch(Format f, Conversion how, std::span<const float> in, std::span<std::uint16_t> codes,
                  RandomSource random) {
  encode_words(f, how, in, codes, random);
}
void encode_batch(Format f, Conversion how, std::span<const float> in, std::span<std::uint32_t> codes,
                  RandomSource random) {
  encode_words(f, how, in, codes, random);
}

void decode_batch(Format f, std::span<const std::uint8_t> codes, std::span<float> out) {
  decode_words(f, codes, out);
}
void decode_batch(Format f, std::span<const std::uint16_t> codes, std::span<float> out) {
  decode_words(f, codes, out);
}
void decode_batch(Format f, std::span<const std::uint32_t> codes, std::span<float> out) {
  decode_words(f, codes, out);
}

}  // namespace lowp
