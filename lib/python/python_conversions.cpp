// SPDX-License-Identifier: Apache-2.0
#include "python_conversions.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lowp/core/convert.h"
#include "lowp/core/counter_rng.h"
#include "lowp/core/formats.h"

namespace lowp::python {
namespace {

constexpr std::size_t batch = 4096;  // elements that fit the first cache, as FP32 and as codes
constexpr Format fp32 = ieee_format(8, 23);

template <class Word>
std::span<const Word> words_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const Word*>(bytes.data()), bytes.size() / sizeof(Word)};
}
template <class Word>
std::span<Word> words_of(std::span<std::byte> bytes) {
  return {reinterpret_cast<Word*>(bytes.data()), bytes.size() / sizeof(Word)};
}

// Calls use(Word{}) with the unsigned integer of that size.
template <class Use>
void with_word(int bytes, Use use) {
  switch (bytes) {
    case 1: return use(std::uint8_t{});
    case 2: return use(std::uint16_t{});
    case 4: return use(std::uint32_t{});
    default: return use(std::uint64_t{});
  }
}

// One element after the other through core, for words that no batch takes.
template <class In, class Out, class Convert>
void each(std::span<const std::byte> in, std::span<std::byte> out, Convert convert) {
  const auto from = words_of<In>(in);
  const auto to = words_of<Out>(out);
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = static_cast<Out>(convert(i, from[i]));
}

RandomBits draw(RandomSource random, Conversion how, std::size_t i) {
  return is_stochastic(how.rounding) ? random_bits(random.seed, random.first_index + i, random.count) : RandomBits{};
}

// Elements of up to 16 bits as FP32, which holds all of them, then `use(first, values)` on each batch.
template <class Word, class Use>
void as_floats(Format f, std::span<const Word> codes, Use use) {
  std::array<float, batch> values;
  for (std::size_t begin = 0; begin < codes.size(); begin += batch) {
    const auto some = codes.subspan(begin, std::min(batch, codes.size() - begin));
    const std::span<float> floats(values.data(), some.size());
    decode_batch(f, some, floats);
    use(begin, floats);
  }
}

}  // namespace

Format unscaled(Format f, int scale_log2) {
  f.bias += scale_log2;
  return f;
}

int code_bytes(Format f) {
  return f.width <= 8 ? 1 : f.width <= 16 ? 2 : f.width <= 32 ? 4 : 8;
}

void round_array(Format f, Conversion how, const Dtype& dtype, std::span<const std::byte> in, std::span<std::byte> out,
                 RandomSource random) {
  if (dtype.format == fp32) return round_batch(f, how, words_of<float>(in), words_of<float>(out), random);
  if (dtype.bytes == 8) {
    return each<std::uint64_t, std::uint64_t>(in, out, [&](std::size_t i, std::uint64_t code) {
      return encode(dtype.format, {}, decode(f, encode(f, how, decode(dtype.format, code), draw(random, how, i))));
    });
  }
  with_word(dtype.bytes, [&]<class Word>(Word) {
    if constexpr (sizeof(Word) <= 2) {
      const auto to = words_of<Word>(out);
      as_floats(dtype.format, words_of<Word>(in), [&](std::size_t begin, std::span<float> values) {
        RandomSource here = random;
        here.first_index += begin;
        round_batch(f, how, values, values, here);
        encode_batch(dtype.format, {}, values, to.subspan(begin, values.size()));
      });
    }
  });
}

void encode_array(Format f, Conversion how, const Dtype& dtype, std::span<const std::byte> in, std::span<std::byte> codes,
                  RandomSource random) {
  with_word(code_bytes(f), [&]<class Code>(Code) {
    if constexpr (sizeof(Code) <= 4) {
      const auto to = words_of<Code>(codes);
      if (dtype.format == fp32) return encode_batch(f, how, words_of<float>(in), to, random);
      if (dtype.bytes <= 2) {
        return with_word(dtype.bytes, [&]<class Word>(Word) {
          if constexpr (sizeof(Word) <= 2) {
            as_floats(dtype.format, words_of<Word>(in), [&](std::size_t begin, std::span<float> values) {
              RandomSource here = random;
              here.first_index += begin;
              encode_batch(f, how, values, to.subspan(begin, values.size()), here);
            });
          }
        });
      }
    }
    with_word(dtype.bytes, [&]<class Word>(Word) {
      each<Word, Code>(in, codes, [&](std::size_t i, Word code) {
        return encode(f, how, decode(dtype.format, code), draw(random, how, i));
      });
    });
  });
}

void decode_array(Format f, int word_bytes, std::span<const std::byte> codes, const Dtype& dtype, std::span<std::byte> out) {
  with_word(word_bytes, [&]<class Code>(Code) {
    if constexpr (sizeof(Code) <= 4) {
      if (dtype.format == fp32) return decode_batch(f, words_of<Code>(codes), words_of<float>(out));
    }
    with_word(dtype.bytes, [&]<class Word>(Word) {
      each<Code, Word>(codes, out, [&](std::size_t, Code code) { return convert(f, dtype.format, {}, code); });
    });
  });
}

}  // namespace lowp::python
