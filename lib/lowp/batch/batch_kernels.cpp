// SPDX-License-Identifier: Apache-2.0
#include "lowp/batch/batch_kernels.h"

#include <array>
#include <cstring>

#include "lowp/core/counter_rng.h"

#define HWY_DISABLED_TARGETS HWY_SSSE3  // SSE4 is old enough
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowp/batch/batch_kernels.cpp"
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

template <Method method>
RoundKernel full_kernel(Shape shape) {
  switch (shape) {
    case Shape::nearest: return round_loop<method, Shape::nearest, Finish::full>;
    case Shape::nudged: return round_loop<method, Shape::nudged, Finish::full>;
    case Shape::directed: return round_loop<method, Shape::directed, Finish::full>;
    case Shape::odd: return round_loop<method, Shape::odd, Finish::full>;
    case Shape::stochastic_a: return round_loop<method, Shape::stochastic_a, Finish::full>;
    case Shape::stochastic_b: return round_loop<method, Shape::stochastic_b, Finish::full>;
    case Shape::stochastic_c: return round_loop<method, Shape::stochastic_c, Finish::full>;
  }
  return nullptr;
}

// Cheap finishes exist for the commonest rounding only.
template <Method method>
RoundKernel kernel_of(const RoundPlan& plan) {
  if (plan.shape != Shape::nearest) return full_kernel<method>(plan.shape);
  switch (plan.finish) {
    case Finish::nan_on_top: return round_loop<method, Shape::nearest, Finish::nan_on_top>;
    case Finish::signed_top: return round_loop<method, Shape::nearest, Finish::signed_top>;
    case Finish::full: return full_kernel<method>(plan.shape);
  }
  return nullptr;
}

RoundKernel round_kernel(const RoundPlan& plan) {
  if (plan.path == Path::magic_add) return kernel_of<Method::magic_add>(plan);
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
void random_words(std::uint64_t seed, std::uint64_t first_block, std::uint32_t* words, std::size_t count) {
  const PhiloxKey key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  for (std::size_t i = 0; i < count; i += 4) {
    const std::uint64_t block = first_block + i / 4;
    const PhiloxCounter drawn =
        philox4x32_10({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}}, key);
    std::memcpy(words + i, drawn.word, sizeof drawn.word);
  }
}
#else
// Philox4x32-10 as in core/counter_rng.h, one block per 64-bit lane; words keep products' high halves above them, which
// the next multiplication ignores. Lanes 2b and 2b+1 hold blocks b and lanes/2 + b, so that interleaving inside
// 128 bits gives whole blocks in order.
void random_words(std::uint64_t seed, std::uint64_t first_block, std::uint32_t* words, std::size_t count) {
  const hn::Repartition<std::uint64_t, Words> wide;
  const std::size_t blocks = hn::Lanes(wide);
  std::uint64_t order[hn::MaxLanes(wide)];
  for (std::size_t lane = 0; lane < blocks; ++lane) order[lane] = lane / 2 + (lane % 2) * (blocks / 2);
  const auto low = hn::Set(wide, 0xffffffff);
  const auto even_factor = set(0xD2511F53);
  const auto odd_factor = set(0xCD9E8D57);
  for (std::size_t i = 0; i < count; i += 4 * blocks) {
    const auto block = hn::Add(hn::LoadU(wide, order), hn::Set(wide, first_block + i / 4));
    auto w0 = block;
    auto w1 = hn::ShiftRight<32>(block);
    auto w2 = hn::Zero(wide);
    auto w3 = hn::Zero(wide);
    auto key0 = static_cast<std::uint32_t>(seed);
    auto key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const auto even = hn::MulEven(hn::BitCast(Words(), w0), even_factor);
      const auto odd = hn::MulEven(hn::BitCast(Words(), w2), odd_factor);
      w0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(odd), w1), hn::Set(wide, key0));
      w2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(even), w3), hn::Set(wide, key1));
      w1 = odd;
      w3 = even;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    const auto first = hn::Or(hn::And(w0, low), hn::ShiftLeft<32>(w1));
    const auto second = hn::Or(hn::And(w2, low), hn::ShiftLeft<32>(w3));
    const auto lower = hn::BitCast(Words(), hn::InterleaveLower(wide, first, second));
    const auto upper = hn::BitCast(Words(), hn::InterleaveUpper(wide, first, second));
    hn::StoreU(lower, Words(), words + i);
    hn::StoreU(upper, Words(), words + i + lanes());
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
