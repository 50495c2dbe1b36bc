// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/library_gemm.h"

#include <algorithm>
#include <cassert>

#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"

namespace lowp {
namespace {

constexpr Format fp32 = ieee_format(8, 23);

// The columns of `m` in the order given.
CodeMatrix columns_of(const CodeMatrix& m, std::span<const std::size_t> columns) {
  CodeMatrix part{m.format, m.rows, columns.size(), {}};
  part.code.reserve(m.rows * columns.size());
  for (std::size_t i = 0; i < m.rows; ++i) {
    for (const std::size_t k : columns) part.code.push_back(m.code[i * m.columns + k]);
  }
  return part;
}
CodeMatrix rows_of(const CodeMatrix& m, std::span<const std::size_t> rows) {
  CodeMatrix part{m.format, rows.size(), m.columns, {}};
  part.code.reserve(rows.size() * m.columns);
  for (const std::size_t k : rows) {
    const auto row = std::span(m.code).subspan(k * m.columns, m.columns);
    part.code.insert(part.code.end(), row.begin(), row.end());
  }
  return part;
}

// NaN of an NVIDIA register or store: all bits but the sign.
std::uint64_t every_bit_nan(Format f) {
  return code_mask(f) >> 1;
}

bool is_nan(Format f, std::uint64_t code) {
  return decode(f, code).kind == Kind::nan;
}

std::uint64_t sum_of(const TensorCore& row, Format f, std::uint64_t a, std::uint64_t b) {
  if (f == accumulator_format(row)) return promote(row, a, b);
  const std::uint64_t sum = add(f, Conversion{}, a, b);
  return is_nan(f, sum) ? every_bit_nan(f) : sum;
}

}  // namespace

const SplitRule& split_rule(const TensorCore& row, std::string_view input) {
  const auto found = std::ranges::find(split_rules, row.architecture, &SplitRule::architecture);
  return found == split_rules.end() || !is_narrow(input) ? split_rules.back() : *found;
}

std::vector<std::size_t> elements_of_part(const KSplit& split, int instruction_k, std::size_t k, int part) {
  const auto parts = static_cast<std::size_t>(split.parts), mine = static_cast<std::size_t>(part);
  const auto instruction = static_cast<std::size_t>(instruction_k);
  std::size_t tile = static_cast<std::size_t>(split.tile);
  if (tile == 0) tile = instruction;
  const std::size_t tiles = (k + tile - 1) / tile, run = (tiles + parts - 1) / parts;
  std::vector<std::size_t> elements;
  for (std::size_t t = 0; t < tiles; ++t) {
    const std::size_t owner = split.order == TileOrder::interleaved ? t % parts : t / run;
    if (owner != mine) continue;
    for (std::size_t at = t * tile; at < std::min((t + 1) * tile, k); ++at) elements.push_back(at);
  }
  return elements;
}

std::uint64_t combine(const TensorCore& row, const KSplit& split, std::span<const std::uint64_t> parts) {
  const Format from = accumulator_format(row), f = split.partial;
  const auto part = [&](std::size_t i) {
    if (f == from) return parts[i];
    return is_nan(from, parts[i]) ? every_bit_nan(f) : convert(from, f, Conversion{}, parts[i]);
  };
  const auto added = [&](std::uint64_t a, std::uint64_t b) { return sum_of(row, f, a, b); };
  const std::size_t count = parts.size();
  switch (split.combination) {
    case Combination::serial: {
      std::uint64_t sum = part(0);
      for (std::size_t i = 1; i < count; ++i) sum = added(sum, part(i));
      return sum;
    }
    case Combination::pairwise: {
      const std::size_t half = (count + 1) / 2, last = count - 1;
      std::uint64_t sum = part(last);
      for (std::size_t i = 0; i < half && i < last; ++i) {
        sum = added(sum, i + half < last ? added(part(i), part(i + half)) : part(i));
      }
      return sum;
    }
  }
  return 0;
}

std::vector<std::uint64_t> library_gemm(const GemmPath& path, const KSplit& split, const CodeMatrix& a,
                                        const CodeMatrix& b, int threads) {
  assert(split.parts >= 1);
  if (split.parts == 1) return gemm(path, a, b, threads);
  const auto parts = static_cast<std::size_t>(split.parts);
  std::vector<std::vector<std::uint64_t>> made;
  for (int s = 0; s < split.parts; ++s) {
    const auto elements = elements_of_part(split, path.row->instruction_k, a.columns, s);
    made.push_back(gemm(path, columns_of(a, elements), rows_of(b, elements), threads));
  }
  std::vector<std::uint64_t> result(a.rows * b.columns), of_one(parts);
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (std::size_t s = 0; s < parts; ++s) of_one[s] = made[s][i];
    result[i] = combine(*path.row, split, of_one);
  }
  return result;
}

std::uint64_t library_gemm_output(const GemmPath& path, const KSplit& split, std::span<const Operand> a,
                                  std::span<const Operand> b) {
  if (split.parts == 1) return gemm_output(path, a, b);
  std::vector<std::uint64_t> parts;
  for (int s = 0; s < split.parts; ++s) {
    std::vector<Operand> left, right;
    for (const std::size_t k : elements_of_part(split, path.row->instruction_k, a.size(), s)) {
      left.push_back(a[k]);
      right.push_back(b[k]);
    }
    parts.push_back(gemm_output(path, left, right));
  }
  return combine(*path.row, split, parts);
}

std::uint64_t stored(const Epilogue& epilogue, std::uint32_t accumulator) {
  const std::uint64_t alpha = mul(fp32, Conversion{}, epilogue.scale_a, epilogue.scale_b);
  std::uint64_t y = fma(fp32, Conversion{}, accumulator, alpha, 0);
  const bool narrow = epilogue.output.width <= 8;
  if (narrow && epilogue.scale_result) y = mul(fp32, Conversion{}, y, *epilogue.scale_result);
  if (is_nan(fp32, y)) return every_bit_nan(epilogue.output);
  return convert(fp32, epilogue.output, Conversion{.overflow = {narrow, narrow}}, y);
}

}  // namespace lowp
