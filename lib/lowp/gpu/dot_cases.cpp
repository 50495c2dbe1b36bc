// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/dot_cases.h"

#include <bit>
#include <span>

#include "lowp/base/parallel.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::gpu {
namespace {

constexpr Format fp64 = ieee_format(11, 52);

std::uint32_t code_in(Format f, double x) {
  const Conversion saturated{.overflow = {true, false}};
  return static_cast<std::uint32_t>(convert(fp64, f, saturated, std::bit_cast<std::uint64_t>(x)));
}
std::uint32_t narrow(std::uint64_t code) {
  return static_cast<std::uint32_t>(code);
}
// Finite, every exponent as likely.
std::uint32_t any_finite(Random& random, Format f) {
  return narrow((random.bits() % (max_finite_code(f) + 1)) | (random.bits() & sign_bit(f)));
}
std::uint32_t near_smallest_normal(Random& random, Format f) {
  return narrow((random.bits() % (4 * min_normal_ordinal(f))) | (random.bits() & sign_bit(f)));
}
std::uint32_t landmark(Random& random, Format f) {
  const std::uint64_t marks[] = {
      0, 1, min_normal_ordinal(f) - 1, min_normal_ordinal(f), max_finite_code(f), max_finite_code(f) + 1, nan_code(f)};
  return narrow((marks[random.bits() % std::size(marks)] | (random.bits() & sign_bit(f))) & code_mask(f));
}

std::uint32_t element(Random& random, Format f, Draw draw) {
  switch (draw) {
    case Draw::bits: return narrow(random.bits() & code_mask(f));
    case Draw::normal: return code_in(f, random.normal());
    case Draw::outliers: return code_in(f, random.normal() + (random.one_in(1000) ? 100 * random.normal() : 0));
    case Draw::cancelling: return any_finite(random, f);
    case Draw::subnormal: return near_smallest_normal(random, f);
    case Draw::landmarks: return random.one_in(16) ? landmark(random, f) : code_in(f, random.normal());
  }
  return 0;
}

std::uint32_t accumulator(Random& random, Format f, Draw draw) {
  if (draw == Draw::subnormal) return random.one_in(2) ? 0 : any_finite(random, f);
  if (draw == Draw::cancelling && random.one_in(2)) return 0;
  return element(random, f, draw);
}

// Of every second pair of neighbours along k the second product becomes the first with the other sign, in all of D.
void cancel_pairs(const MmaRow& row, std::span<std::uint32_t> a, std::span<std::uint32_t> b, std::size_t k,
                  Random& random) {
  const auto sign = narrow(sign_bit(operand_format(row.a)));
  for (std::size_t at = 0; at + 1 < k; at += 2) {
    if (!random.one_in(2)) continue;
    for (std::size_t p = at; p < a.size(); p += k) a[p + 1] = a[p] ^ sign;
    for (std::size_t p = at; p < b.size(); p += k) b[p + 1] = b[p];
  }
}

TileBatch empty_tiles(const MmaRow& row, int tiles, int steps) {
  const auto count = [&](int rows, int columns) { return static_cast<std::size_t>(tiles) * rows * columns; };
  return {tiles, steps, std::vector<std::uint32_t>(count(row.m, row.k * steps)),
          std::vector<std::uint32_t>(count(row.n, row.k * steps)), std::vector<std::uint32_t>(count(row.m, row.n))};
}

}  // namespace

std::uint64_t Random::bits() {
  state_ += 0x9E3779B97F4A7C15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

double Random::normal() {
  double sum = -6;
  for (int i = 0; i < 3; ++i) {
    for (std::uint64_t word = bits(), part = 0; part < 4; ++part, word >>= 16) {
      sum += (static_cast<double>(word & 0xFFFF) + 0.5) / 65536;
    }
  }
  return sum;
}

std::uint32_t code_of(std::string_view format, double x) {
  return code_in(operand_format(format), x);
}
std::uint32_t accumulator_code(const MmaRow& row, double x) {
  return code_in(accumulator_format(row), x);
}

TileBatch draw_tiles(const MmaRow& row, Draw draw, int tiles, int steps, std::uint64_t seed) {
  TileBatch batch = empty_tiles(row, tiles, steps);
  const auto count = static_cast<std::size_t>(tiles);
  in_parallel(0, count, [&](std::size_t tile) {
    Random random(Random(seed + tile).bits());  // each tile its own sequence, whoever draws it
    const auto part = [&](std::vector<std::uint32_t>& all) {
      return std::span(all).subspan(tile * (all.size() / count), all.size() / count);
    };
    const auto a = part(batch.a), b = part(batch.b), c = part(batch.c);
    for (std::uint32_t& code : a) code = element(random, operand_format(row.a), draw);
    for (std::uint32_t& code : b) code = element(random, operand_format(row.b), draw);
    for (std::uint32_t& code : c) code = accumulator(random, accumulator_format(row), draw);
    if (draw == Draw::cancelling) cancel_pairs(row, a, b, static_cast<std::size_t>(row.k * steps), random);
  });
  return batch;
}

TileBatch layout_tiles(const MmaRow& row, int tiles, std::uint64_t seed, std::vector<std::uint32_t>& wanted) {
  TileBatch batch = empty_tiles(row, tiles, 1);
  wanted.assign(batch.c.size(), 0);
  Random random(seed);
  const auto pick = [&](int count) { return static_cast<int>(random.bits() % static_cast<std::uint64_t>(count)); };
  const std::uint32_t one_a = code_of(row.a, 1), one_b = code_of(row.b, 1);
  const auto at = [](int tile, int rows, int columns, int i, int j) {
    return static_cast<std::size_t>((tile * rows + i) * columns + j);
  };
  for (int tile = 0; tile < tiles; ++tile) {
    const bool only_c = tile % 4 == 3, one_in_a = tile % 2 == 0;
    std::vector<int> hot(static_cast<std::size_t>(row.m), 0);
    for (int& k : hot) k = pick(row.k);  // of row i of A, or of column j of B
    const auto hot_at = [&](int i, int j) { return hot[static_cast<std::size_t>(one_in_a ? i : j)]; };
    std::vector<int> full(static_cast<std::size_t>((one_in_a ? row.n : row.m) * row.k));
    for (int& value : full) value = 1 + pick(8);
    for (int i = 0; !only_c && i < row.m; ++i) {
      for (int k = 0; k < row.k; ++k) {
        const double value = one_in_a ? 0 : full[static_cast<std::size_t>(i * row.k + k)];
        batch.a[at(tile, row.m, row.k, i, k)] = one_in_a ? (k == hot_at(i, 0) ? one_a : 0) : code_of(row.a, value);
      }
    }
    for (int j = 0; !only_c && j < row.n; ++j) {
      for (int k = 0; k < row.k; ++k) {
        const double value = one_in_a ? full[static_cast<std::size_t>(j * row.k + k)] : 0;
        batch.b[at(tile, row.n, row.k, j, k)] = one_in_a ? code_of(row.b, value) : (k == hot_at(0, j) ? one_b : 0);
      }
    }
    for (int i = 0; i < row.m; ++i) {
      for (int j = 0; j < row.n; ++j) {
        const int outer = one_in_a ? j : i;
        const double value =
            only_c ? 1 + (i * row.n + j) % 2048 : full[static_cast<std::size_t>(outer * row.k + hot_at(i, j))];
        const std::size_t place = at(tile, row.m, row.n, i, j);
        wanted[place] = accumulator_code(row, value);
        if (only_c) batch.c[place] = wanted[place];
      }
    }
  }
  return batch;
}

}  // namespace lowp::gpu
