// SPDX-License-Identifier: Apache-2.0
#include "lowp/batch/batch.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "hwy/cache_control.h"
#include "lowp/batch/batch_fpu.h"
#include "lowp/batch/batch_kernels.h"
#include "lowp/batch/batch_plan.h"
#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

static_assert(std::endian::native == std::endian::little, "draws are stored four at a time");

constexpr Format fp32 = find_format("fp32").format;
constexpr std::size_t block_elements = 2048;    // a block of values and its draws stay in the first-level cache
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

// work(first, count, past_caches) for pieces of at most `piece` elements, the first of which is short so that the
// others begin at stream_alignment.
template <class T, class Work>
void for_aligned_pieces(std::span<T> out, std::size_t piece, bool past_caches, Work work) {
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(out.data()) % stream_alignment / sizeof(T);
  const std::size_t head = misaligned == 0 ? 0 : std::min(stream_alignment / sizeof(T) - misaligned, out.size());
  if (head != 0) work(std::size_t{0}, head, false);
  for (std::size_t first = head; first < out.size(); first += piece) {
    work(first, std::min(piece, out.size() - first), past_caches);
  }
  if (past_caches) hwy::FlushStream();  // another thread may read once we have returned
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

  void round(std::span<const float> in, std::span<float> out) const {
    const bool past_caches = out.size_bytes() > stream_bytes && in.data() != out.data();
    const std::size_t piece = is_stochastic(how.rounding) ? block_elements : in.size();
    for_aligned_pieces(out, piece, past_caches, [&](std::size_t first, std::size_t count, bool past) {
      round_piece(in.data() + first, out.data() + first, first, count, past);
    });
  }

  // At most block_elements in stochastic modes.
  void round_piece(const float* in, float* out, std::size_t first, std::size_t count, bool past_caches) const {
    if (kernel == nullptr) {
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = core_value(format, core_code(format, how, in[i], random, first + i));
      }
    } else if (is_stochastic(how.rounding)) {
      round_drawing(in, out, random.first_index + first, count, past_caches);
    } else {
      kernel(*plan, in, out, count, {}, past_caches);
    }
  }

 private:
  void round_drawing(const float* in, float* out, std::uint64_t index, std::size_t count, bool past_caches) const {
    constexpr std::size_t room = block_elements + 8 + 256;
    alignas(stream_alignment) std::uint16_t first[room];
    alignas(stream_alignment) std::uint16_t second[room];
    const std::size_t skipped = index % 8;
    const bool more = random.count > 16;
    draw(index / 8, 0, first, (skipped + count + 7) / 8, in);
    if (more) draw(index / 8, 1, second, (skipped + count + 7) / 8, in);
    kernel(*plan, in, out, count, {first + skipped, more ? second + skipped : nullptr}, past_caches);
  }
  // Cut where the lower half of the block number overflows, which kernels do not carry.
  void draw(std::uint64_t block, std::uint32_t part, std::uint16_t* draws, std::size_t blocks,
            const float* soon) const {
    const std::uint64_t before_carry = (std::uint64_t{1} << 32) - static_cast<std::uint32_t>(block);
    const std::size_t now = std::min<std::uint64_t>(blocks, before_carry);
    kernels->random_draws(random.seed, block, part, draws, now, soon);
    if (now < blocks) kernels->random_draws(random.seed, block + now, part, draws + 8 * now, blocks - now, soon);
  }
};

template <class Word>
void encode_words(Format f, Conversion how, std::span<const float> in, std::span<Word> codes, RandomSource random) {
  assert(in.size() == codes.size() && f.width <= static_cast<int>(8 * sizeof(Word)));
  const Rounder rounder(f, how, random, Path::magic_add);
  const CodePlan plan = make_code_plan(f);
  if (rounder.kernel == nullptr || !plan.vector) {
    for (std::size_t i = 0; i < in.size(); ++i) codes[i] = static_cast<Word>(core_code(f, how, in[i], random, i));
    return;
  }
  const FpuScope scope(rounder.plan->fpu);
  const auto encode_piece = [&](std::size_t first, std::size_t count, bool past_caches) {
    alignas(stream_alignment) float block[block_elements];
    rounder.round_piece(in.data() + first, block, first, count, false);
    const float* soon = in.data() + std::min(first + count, in.size() - count);
    rounder.kernels->to_codes(plan, block, codes.data() + first, std::countr_zero(sizeof(Word)), count, past_caches,
                              soon);
  };
  for_aligned_pieces(codes, block_elements, codes.size_bytes() > stream_bytes, encode_piece);
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
  const FpuScope scope(FpuRounding::nearest_even);
  const auto decode_piece = [&](std::size_t first, std::size_t count, bool past_caches) {
    kernels->from_codes(plan, codes.data() + first, std::countr_zero(sizeof(Word)), out.data() + first, count,
                        past_caches);
  };
  for_aligned_pieces(out, out.size(), out.size_bytes() > stream_bytes, decode_piece);
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
  const FpuScope scope(rounder.plan->fpu);
  rounder.round(in, out);
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
