// SPDX-License-Identifier: Apache-2.0
#include "lowp/batch/batch_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lowp/core/counter_rng.h"

#define HWY_DISABLED_TARGETS HWY_SSSE3  // SSE4 is old enough
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/batch/batch_kernels.cpp"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "lowp/batch/code_lanes-inl.h"
#include "lowp/batch/round_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowp {
namespace HWY_NAMESPACE {

HWY_INLINE std::size_t lanes() {
  return hn::Lanes(Words());
}
constexpr std::size_t max_lanes = hn::MaxLanes(Words());

// Plans are copied: a store through a vector type may alias them, and then nothing could stay in registers.
template <Method method, Shape shape, Finish finish>
void round_loop(const RoundPlan& plan, const float* in, float* out, std::size_t count, const std::uint32_t* words) {
  const RoundPlan p = plan;
  std::size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    const V word = draws(shape) ? hn::LoadU(Words(), words + i) : hn::Zero(Words());
    hn::StoreU(as_float(round_lanes<method, shape, finish>(p, as_bits(hn::LoadU(Floats(), in + i)), word)), Floats(),
               out + i);
  }
  if (i == count) return;
  float rest[max_lanes] = {};
  std::uint32_t rest_words[max_lanes] = {};
  std::memcpy(rest, in + i, (count - i) * sizeof(float));
  if (draws(shape)) std::memcpy(rest_words, words + i, (count - i) * sizeof(std::uint32_t));
  const V word = hn::LoadU(Words(), rest_words);
  hn::StoreU(as_float(round_lanes<method, shape, finish>(p, as_bits(hn::LoadU(Floats(), rest)), word)), Floats(), rest);
  std::memcpy(out + i, rest, (count - i) * sizeof(float));
}

template <Method method, Shape shape>
RoundKernel kernel_with(Finish finish) {
  if constexpr (method == Method::scale_unit) return round_loop<method, shape, Finish::full>;
  switch (finish) {
    case Finish::nan_on_top: return round_loop<method, shape, Finish::nan_on_top>;
    case Finish::signed_top: return round_loop<method, shape, Finish::signed_top>;
    case Finish::by_sign: return round_loop<method, shape, Finish::by_sign>;
    case Finish::small_too: return round_loop<method, shape, Finish::small_too>;
    case Finish::full: return round_loop<method, shape, Finish::full>;
  }
  return nullptr;
}

template <Method method>
RoundKernel kernel_of(const RoundPlan& plan) {
  switch (plan.shape) {
    case Shape::nearest: return kernel_with<method, Shape::nearest>(plan.finish);
    case Shape::directed: return kernel_with<method, Shape::directed>(plan.finish);
    case Shape::odd: return kernel_with<method, Shape::odd>(plan.finish);
    default: break;
  }
  if constexpr (method == Method::magic_add) {
    return kernel_with<method, Shape::nudged>(plan.finish);
  } else {
    if (plan.shape == Shape::stochastic_a) return kernel_with<method, Shape::stochastic_a>(plan.finish);
    if (plan.shape == Shape::stochastic_b) return kernel_with<method, Shape::stochastic_b>(plan.finish);
    return kernel_with<method, Shape::stochastic_c>(plan.finish);
  }
}

RoundKernel round_kernel(const RoundPlan& plan) {
  if (plan.path == Path::magic_add) return kernel_of<Method::magic_add>(plan);
  if (plan.scaled_draws) return kernel_with<Method::scaled_unit, Shape::stochastic_a>(plan.finish);
  if (plan.scale_format) return kernel_of<Method::scale_unit>(plan);
  return plan.fixed_unit ? kernel_of<Method::fixed_unit>(plan) : kernel_of<Method::moving_unit>(plan);
}

template <class Word>
void to_codes_of(const CodePlan& plan, const float* in, Word* codes, std::size_t count) {
  const CodePlan p = plan;
  const hn::Rebind<Word, Words> narrow;
  const auto store = [&](V code, Word* at) HWY_ATTR {
    if constexpr (sizeof(Word) == 4) {
      hn::StoreU(code, Words(), at);
    } else {
      hn::StoreU(hn::DemoteTo(narrow, hn::BitCast(Signed(), code)), narrow, at);  // never above the narrow range
    }
  };
  std::size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) store(codes_of(p, as_bits(hn::LoadU(Floats(), in + i))), codes + i);
  if (i == count) return;
  float rest[max_lanes] = {};
  Word rest_codes[max_lanes];
  std::memcpy(rest, in + i, (count - i) * sizeof(float));
  store(codes_of(p, as_bits(hn::LoadU(Floats(), rest))), rest_codes);
  std::memcpy(codes + i, rest_codes, (count - i) * sizeof(Word));
}

void to_codes(const CodePlan& plan, const float* in, void* codes, int size_log2, std::size_t count) {
  if (size_log2 == 0) to_codes_of(plan, in, static_cast<std::uint8_t*>(codes), count);
  if (size_log2 == 1) to_codes_of(plan, in, static_cast<std::uint16_t*>(codes), count);
  if (size_log2 == 2) to_codes_of(plan, in, static_cast<std::uint32_t*>(codes), count);
}

template <class Word>
void from_codes_of(const CodePlan& plan, const Word* codes, float* out, std::size_t count) {
  const CodePlan p = plan;
  const hn::Rebind<Word, Words> narrow;
  const auto load = [&](const Word* at) HWY_ATTR {
    if constexpr (sizeof(Word) == 4) {
      return hn::LoadU(Words(), at);
    } else {
      return hn::PromoteTo(Words(), hn::LoadU(narrow, at));
    }
  };
  std::size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) hn::StoreU(as_float(values_of(p, load(codes + i))), Floats(), out + i);
  if (i == count) return;
  Word rest[max_lanes] = {};
  float rest_values[max_lanes];
  std::memcpy(rest, codes + i, (count - i) * sizeof(Word));
  hn::StoreU(as_float(values_of(p, load(rest))), Floats(), rest_values);
  std::memcpy(out + i, rest_values, (count - i) * sizeof(float));
}

void from_codes(const CodePlan& plan, const void* codes, int size_log2, float* out, std::size_t count) {
  if (size_log2 == 0) from_codes_of(plan, static_cast<const std::uint8_t*>(codes), out, count);
  if (size_log2 == 1) from_codes_of(plan, static_cast<const std::uint16_t*>(codes), out, count);
  if (size_log2 == 2) from_codes_of(plan, static_cast<const std::uint32_t*>(codes), out, count);
}

#if HWY_TARGET == HWY_SCALAR
void random_words(std::uint64_t seed, std::uint64_t first_block, std::uint32_t* words, std::size_t count,
                  const float*) {
  const PhiloxKey key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  for (std::size_t i = 0; i < count; i += 4) {
    const std::uint64_t block = first_block + i / 4;
    const PhiloxCounter drawn =
        philox4x32_10({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}}, key);
    std::memcpy(words + i, drawn.word, sizeof drawn.word);
  }
}
#else
using WideWords = hn::Repartition<std::uint64_t, Words>;
using W = hn::Vec<WideWords>;

// Philox4x32-10 as in core/counter_rng.h, one block per 64-bit lane; words keep products' high halves above them, which
// the next multiplication ignores.
struct PhiloxLanes {
  W w0, w1, w2, w3;

  HWY_INLINE explicit PhiloxLanes(W block)
      : w0(block), w1(hn::ShiftRight<32>(block)), w2(hn::Zero(WideWords())), w3(hn::Zero(WideWords())) {}
  HWY_INLINE void round(W key0, W key1) {
    const W even = hn::MulEven(hn::BitCast(Words(), w0), set(0xD2511F53));
    const W odd = hn::MulEven(hn::BitCast(Words(), w2), set(0xCD9E8D57));
    w0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(odd), w1), key0);
    w2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(even), w3), key1);
    w1 = odd;
    w3 = even;
  }
  HWY_INLINE void store(std::uint32_t* words) const {
    const W low = hn::Set(WideWords(), 0xffffffff);
    const W first = hn::Or(hn::And(w0, low), hn::ShiftLeft<32>(w1));
    const W second = hn::Or(hn::And(w2, low), hn::ShiftLeft<32>(w3));
    hn::StoreU(hn::BitCast(Words(), hn::InterleaveLower(WideWords(), first, second)), Words(), words);
    hn::StoreU(hn::BitCast(Words(), hn::InterleaveUpper(WideWords(), first, second)), Words(), words + lanes());
  }
};

// Lanes 2b and 2b+1 hold blocks b and lanes/2 + b, so that interleaving inside 128 bits gives whole blocks in order.
// Two chains at a time: one alone waits for its multiplications.
void random_words(std::uint64_t seed, std::uint64_t first_block, std::uint32_t* words, std::size_t count,
                  const float* soon) {
  const std::size_t blocks = hn::Lanes(WideWords());
  std::uint64_t offsets[hn::MaxLanes(WideWords())];
  for (std::size_t lane = 0; lane < blocks; ++lane) offsets[lane] = lane / 2 + (lane % 2) * (blocks / 2);
  const W order = hn::LoadU(WideWords(), offsets);
  for (std::size_t i = 0; i < count; i += 8 * blocks) {
    PhiloxLanes a(hn::Add(order, hn::Set(WideWords(), first_block + i / 4)));
    PhiloxLanes b(hn::Add(order, hn::Set(WideWords(), first_block + i / 4 + blocks)));
    for (std::size_t line = i; line < std::min(i + 8 * blocks, count - 3); line += 16) hwy::Prefetch(soon + line);
    auto key0 = static_cast<std::uint32_t>(seed);
    auto key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      a.round(hn::Set(WideWords(), key0), hn::Set(WideWords(), key1));
      b.round(hn::Set(WideWords(), key0), hn::Set(WideWords(), key1));
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    a.store(words + i);
    b.store(words + i + 4 * blocks);
  }
}
#endif

void stream(const float* in, float* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) hn::Stream(hn::LoadU(Floats(), in + i), Floats(), out + i);
  std::memcpy(out + i, in + i, (count - i) * sizeof(float));
}

const KernelTable* kernel_table() {
  static const KernelTable table{static_cast<int>(lanes()), round_kernel, to_codes, from_codes, random_words, stream};
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace lowp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowp {
namespace {

// The processor is asked before a table is built: building runs code of its instruction set.
constexpr KernelRow all_rows[] = {
#if HWY_TARGETS & HWY_AVX3
    {{"avx512", 16}, HWY_AVX3, &N_AVX3::kernel_table},
#endif
#if HWY_TARGETS & HWY_AVX2
    {{"avx2", 8}, HWY_AVX2, &N_AVX2::kernel_table},
#endif
#if HWY_TARGETS & HWY_SSE4
    {{"sse4", 4}, HWY_SSE4, &N_SSE4::kernel_table},
#endif
#if HWY_TARGETS & HWY_NEON
    {{"neon", 4}, HWY_NEON, &N_NEON::kernel_table},
#endif
#if HWY_TARGETS & HWY_EMU128
    {{"emulated", 4}, HWY_EMU128, &N_EMU128::kernel_table},
#endif
#if HWY_TARGETS & HWY_SCALAR
    {{"scalar", 1}, HWY_SCALAR, &N_SCALAR::kernel_table},
#endif
};

struct Available {
  std::array<KernelRow, std::size(all_rows)> rows{};
  std::size_t count = 0;
};
Available find_available() {
  Available found;
  const std::int64_t supported = hwy::SupportedTargets();
  for (const KernelRow& row : all_rows) {
    if ((supported & row.target) != 0) found.rows[found.count++] = row;
  }
  return found;
}

}  // namespace

std::span<const KernelRow> kernel_rows() {
  static const Available available = find_available();
  return {available.rows.data(), available.count};
}

}  // namespace lowp
#endif  // HWY_ONCE
