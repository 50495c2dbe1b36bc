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

// In a register from here on: GCC otherwise reads memory again for every use, and three reads of a vector cost more
// than the arithmetic of a short kernel.
HWY_INLINE V read_once(V bits) {
#if HWY_TARGET == HWY_AVX3 && HWY_COMPILER_GCC
  asm("" : "+v"(bits.raw));
#endif
  return bits;
}

HWY_INLINE Random random_at(Draws draws, std::size_t i) {
  const hn::Rebind<std::uint16_t, Words> narrow;
  const V first = hn::PromoteTo(Words(), hn::LoadU(narrow, draws.first + i));
  V word = hn::ShiftLeft<16>(first);
  if (draws.second != nullptr) word = hn::Or(word, hn::PromoteTo(Words(), hn::LoadU(narrow, draws.second + i)));
  return {first, word};
}

template <class D, class Vector>
HWY_INLINE void store(D d, Vector v, hn::TFromD<D>* at, bool past_caches) {
  if (past_caches && hn::MaxLanes(d) * sizeof(hn::TFromD<D>) >= 16) {  // there is no shorter store past the caches
    hn::Stream(v, d, at);
  } else {
    hn::StoreU(v, d, at);
  }
}

// The first `count` lanes of a vector, for what is left over.
template <Method method, Shape shape, ResultRule finish>
void round_rest(const RoundPlan& p, const float* in, float* out, std::size_t count, Random random) {
  float rest[max_lanes] = {};
  std::memcpy(rest, in, count * sizeof(float));
  const V source = as_bits(hn::LoadU(Floats(), rest));
  hn::StoreU(as_float(round_lanes<method, shape, finish>(p, source, random)), Floats(), rest);
  std::memcpy(out, rest, count * sizeof(float));
}

// Plans are copied: a store through a vector type may alias them, and then nothing could stay in registers. Draws may
// be read beyond `count`, up to a vector (random_draws leaves room).
template <Method method, Shape shape, ResultRule finish>
void round_loop(const RoundPlan& plan, const float* in, float* out, std::size_t count, Draws from, bool past_caches) {
  const RoundPlan p = plan;
  std::size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    const Random random = draws(shape) ? random_at(from, i) : Random{hn::Zero(Words()), hn::Zero(Words())};
    const V source = read_once(as_bits(hn::LoadU(Floats(), in + i)));
    store(Floats(), as_float(round_lanes<method, shape, finish>(p, source, random)), out + i, past_caches);
  }
  if (i == count) return;
  const Random random = draws(shape) ? random_at(from, i) : Random{hn::Zero(Words()), hn::Zero(Words())};
  round_rest<method, shape, finish>(p, in + i, out + i, count - i, random);
}

template <Method method, Shape shape>
RoundKernel kernel_with(ResultRule finish) {
  switch (finish) {
    case ResultRule::nan_on_top: return round_loop<method, shape, ResultRule::nan_on_top>;
    case ResultRule::signed_top: return round_loop<method, shape, ResultRule::signed_top>;
    case ResultRule::nan_on_top_bare_zero: return round_loop<method, shape, ResultRule::nan_on_top_bare_zero>;
    case ResultRule::signed_top_bare_zero: return round_loop<method, shape, ResultRule::signed_top_bare_zero>;
    case ResultRule::positive: return round_loop<method, shape, ResultRule::positive>;
    case ResultRule::by_sign: return round_loop<method, shape, ResultRule::by_sign>;
    case ResultRule::small_too: return round_loop<method, shape, ResultRule::small_too>;
    case ResultRule::full: return round_loop<method, shape, ResultRule::full>;
  }
  return nullptr;
}

template <Method method>
RoundKernel deterministic_kernel(const RoundPlan& plan) {
  switch (plan.shape) {
    case Shape::nearest: return kernel_with<method, Shape::nearest>(plan.finish);
    case Shape::directed: return kernel_with<method, Shape::directed>(plan.finish);
    case Shape::odd: return kernel_with<method, Shape::odd>(plan.finish);
    default: break;
  }
  if constexpr (method == Method::magic_add) return kernel_with<method, Shape::nudged>(plan.finish);
  return nullptr;
}
template <Method method>
RoundKernel stochastic_kernel(const RoundPlan& plan) {
  if constexpr (method == Method::moving_unit) {
    if (plan.shape == Shape::stochastic_a) return kernel_with<method, Shape::stochastic_a>(plan.finish);
  }
  if (plan.shape == Shape::stochastic_b) return kernel_with<method, Shape::stochastic_b>(plan.finish);
  return kernel_with<method, Shape::stochastic_c>(plan.finish);
}
template <Method method>
RoundKernel kernel_of(const RoundPlan& plan) {
  return draws(plan.shape) ? stochastic_kernel<method>(plan) : deterministic_kernel<method>(plan);
}

RoundKernel round_kernel(const RoundPlan& plan) {
  if (plan.path == Path::magic_add) {
    return draws(plan.shape) ? stochastic_kernel<Method::magic_draw>(plan)
                             : deterministic_kernel<Method::magic_add>(plan);
  }
  if (plan.scale_format) return kernel_of<Method::scale_unit>(plan);
  return plan.fixed_unit ? kernel_of<Method::fixed_unit>(plan) : kernel_of<Method::moving_unit>(plan);
}

template <class Word>
void to_codes_of(const CodePlan& plan, const float* in, Word* codes, std::size_t count, bool past_caches,
                 const float* soon) {
  const CodePlan p = plan;
  const hn::Rebind<Word, Words> narrow;
  const auto narrowed = [&](V code) HWY_ATTR {
    if constexpr (sizeof(Word) == 4) {
      return code;
    } else {
      return hn::TruncateTo(narrow, code);
    }
  };
  std::size_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    if (lanes() >= 16 || i % 16 == 0) hwy::Prefetch(soon + i);
    store(narrow, narrowed(codes_of(p, read_once(as_bits(hn::LoadU(Floats(), in + i))))), codes + i, past_caches);
  }
  if (i == count) return;
  float rest[max_lanes] = {};
  Word rest_codes[max_lanes];
  std::memcpy(rest, in + i, (count - i) * sizeof(float));
  hn::StoreU(narrowed(codes_of(p, as_bits(hn::LoadU(Floats(), rest)))), narrow, rest_codes);
  std::memcpy(codes + i, rest_codes, (count - i) * sizeof(Word));
}

void to_codes(const CodePlan& plan, const float* in, void* codes, int size_log2, std::size_t count, bool past_caches,
              const float* soon) {
  if (size_log2 == 0) to_codes_of(plan, in, static_cast<std::uint8_t*>(codes), count, past_caches, soon);
  if (size_log2 == 1) to_codes_of(plan, in, static_cast<std::uint16_t*>(codes), count, past_caches, soon);
  if (size_log2 == 2) to_codes_of(plan, in, static_cast<std::uint32_t*>(codes), count, past_caches, soon);
}

template <class Word>
void from_codes_of(const CodePlan& plan, const Word* codes, float* out, std::size_t count, bool past_caches) {
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
  for (; i + lanes() <= count; i += lanes()) {
    store(Floats(), as_float(values_of(p, load(codes + i))), out + i, past_caches);
  }
  if (i == count) return;
  Word rest[max_lanes] = {};
  float rest_values[max_lanes];
  std::memcpy(rest, codes + i, (count - i) * sizeof(Word));
  hn::StoreU(as_float(values_of(p, load(rest))), Floats(), rest_values);
  std::memcpy(out + i, rest_values, (count - i) * sizeof(float));
}

void from_codes(const CodePlan& plan, const void* codes, int size_log2, float* out, std::size_t count,
                bool past_caches) {
  if (size_log2 == 0) from_codes_of(plan, static_cast<const std::uint8_t*>(codes), out, count, past_caches);
  if (size_log2 == 1) from_codes_of(plan, static_cast<const std::uint16_t*>(codes), out, count, past_caches);
  if (size_log2 == 2) from_codes_of(plan, static_cast<const std::uint32_t*>(codes), out, count, past_caches);
}

#if HWY_TARGET == HWY_SCALAR
void random_draws(std::uint64_t seed, std::uint64_t first_block, std::uint32_t part, std::uint16_t* draws,
                  std::size_t blocks, const float*) {
  for (std::size_t i = 0; i < blocks; ++i) {
    const PhiloxCounter block = random_block(seed, first_block + i, part);
    for (unsigned draw = 0; draw < 8; ++draw) draws[8 * i + draw] = static_cast<std::uint16_t>(draw_of(block, draw));
  }
}
#else
using WideWords = hn::Repartition<std::uint64_t, Words>;
using W = hn::Vec<WideWords>;

HWY_INLINE W wide(std::uint64_t word) {
  return hn::Set(WideWords(), word);
}

// Two rounds of Philox4x32-10 (core/counter_rng.h) on counters that differ in word 0 only, for what they share.
struct PhiloxStart {
  std::uint32_t key[10][2];
  std::uint32_t w0, w1;      // after one round
  std::uint32_t even, high;  // of the product w0 takes part in, low and high half

  PhiloxStart(std::uint64_t seed, std::uint32_t block_high, std::uint32_t part) {
    for (std::uint32_t round = 0; round < 10; ++round) {
      key[round][0] = static_cast<std::uint32_t>(seed) + round * 0x9E3779B9u;
      key[round][1] = static_cast<std::uint32_t>(seed >> 32) + round * 0xBB67AE85u;
    }
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57u} * part;
    w0 = static_cast<std::uint32_t>(odd >> 32) ^ block_high ^ key[0][0];
    w1 = static_cast<std::uint32_t>(odd);
    const std::uint64_t product = std::uint64_t{0xD2511F53u} * w0;
    even = static_cast<std::uint32_t>(product);
    high = static_cast<std::uint32_t>(product >> 32);
  }
};

// One block per 64-bit lane; words keep products' high halves above them, which the next multiplication ignores.
struct PhiloxLanes {
  W w0, w1, w2, w3;

  HWY_INLINE PhiloxLanes(const PhiloxStart& start, W block) {
    const W even = hn::MulEven(hn::BitCast(Words(), block), set(0xD2511F53));
    const W third = hn::Xor(hn::ShiftRight<32>(even), wide(start.key[0][1]));
    const W odd = hn::MulEven(hn::BitCast(Words(), third), set(0xCD9E8D57));
    w0 = hn::Xor(hn::ShiftRight<32>(odd), wide(start.w1 ^ start.key[1][0]));
    w1 = odd;
    w2 = hn::Xor(even, wide(start.high ^ start.key[1][1]));
    w3 = wide(start.even);
  }
  HWY_INLINE void round(W key0, W key1) {
    const W even = hn::MulEven(hn::BitCast(Words(), w0), set(0xD2511F53));
    const W odd = hn::MulEven(hn::BitCast(Words(), w2), set(0xCD9E8D57));
    w0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(odd), w1), key0);
    w2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(even), w3), key1);
    w1 = odd;
    w3 = even;
  }
  HWY_INLINE void store(std::uint16_t* draws) const {
    const W low = wide(0xffffffff);
    const W first = hn::Or(hn::And(w0, low), hn::ShiftLeft<32>(w1));
    const W second = hn::Or(hn::And(w2, low), hn::ShiftLeft<32>(w3));
    const hn::Repartition<std::uint16_t, Words> halves;
    hn::StoreU(hn::BitCast(halves, hn::InterleaveLower(WideWords(), first, second)), halves, draws);
    hn::StoreU(hn::BitCast(halves, hn::InterleaveUpper(WideWords(), first, second)), halves, draws + 2 * lanes());
  }
};

// Lanes 2b and 2b+1 hold blocks b and lanes/2 + b, so that interleaving inside 128 bits gives whole blocks in order.
// Four chains at a time: one alone waits for its multiplications.
void random_draws(std::uint64_t seed, std::uint64_t first_block, std::uint32_t part, std::uint16_t* draws,
                  std::size_t blocks, const float* soon) {
  const PhiloxStart start(seed, static_cast<std::uint32_t>(first_block >> 32), part);
  const std::size_t step = hn::Lanes(WideWords());
  std::uint64_t offsets[hn::MaxLanes(WideWords())];
  for (std::size_t lane = 0; lane < step; ++lane) offsets[lane] = lane / 2 + (lane % 2) * (step / 2);
  const W order = hn::LoadU(WideWords(), offsets);
  for (std::size_t i = 0; i < blocks; i += 4 * step) {
    PhiloxLanes a(start, hn::Add(order, wide(first_block + i)));
    PhiloxLanes b(start, hn::Add(order, wide(first_block + i + step)));
    PhiloxLanes c(start, hn::Add(order, wide(first_block + i + 2 * step)));
    PhiloxLanes d(start, hn::Add(order, wide(first_block + i + 3 * step)));
    const std::size_t end = 8 * std::min(i + 4 * step, blocks);
    for (std::size_t line = 8 * i; line + 14 < end; line += 16) hwy::Prefetch(soon + line);
    for (int round = 2; round < 10; ++round) {
      const W key0 = wide(start.key[round][0]);
      const W key1 = wide(start.key[round][1]);
      a.round(key0, key1);
      b.round(key0, key1);
      c.round(key0, key1);
      d.round(key0, key1);
    }
    a.store(draws + 8 * i);
    b.store(draws + 8 * (i + step));
    c.store(draws + 8 * (i + 2 * step));
    d.store(draws + 8 * (i + 3 * step));
  }
}
#endif

const KernelTable* kernel_table() {
  static const KernelTable table{static_cast<int>(lanes()), round_kernel, to_codes, from_codes, random_draws};
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
