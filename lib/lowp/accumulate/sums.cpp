// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/sums.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "lowp/core/formats.h"

namespace lowp {
namespace {

using Terms = std::span<const double>;

// Starts from the first term, not from 0: the same but for -0.
double sequential(Adder& adder, Terms terms) {
  if (terms.empty()) return 0;
  double sum = terms[0];
  for (const double x : terms.subspan(1)) sum = adder.add(sum, x);
  return sum;
}

double pairwise(Adder& adder, Terms terms) {
  if (terms.size() <= 1) return terms.empty() ? 0 : terms[0];
  const std::size_t half = (terms.size() + 1) / 2;
  const double first = pairwise(adder, terms.first(half));
  return adder.add(first, pairwise(adder, terms.subspan(half)));
}

double blocked(Adder& adder, Terms terms, std::size_t block) {
  std::vector<double> sums;
  for (std::size_t i = 0; i < terms.size(); i += block) {
    sums.push_back(sequential(adder, terms.subspan(i, std::min(block, terms.size() - i))));
  }
  return sequential(adder, sums);
}

// What absorbs a term here hands it to the correction, so `absorbed` means nothing for the compensated orders.
double kahan(Adder& adder, Terms terms) {
  double sum = 0, carried = 0;
  for (const double x : terms) {
    const double y = adder.add(x, -carried);
    const double next = adder.add(sum, y);
    carried = adder.add(adder.add(next, -sum), -y);
    sum = next;
  }
  return sum;
}

double neumaier(Adder& adder, Terms terms) {
  double sum = 0, carried = 0;
  for (const double x : terms) {
    const double next = adder.add(sum, x);
    const bool sum_larger = std::abs(sum) >= std::abs(x);
    carried =
        adder.add(carried, sum_larger ? adder.add(adder.add(sum, -next), x) : adder.add(adder.add(x, -next), sum));
    sum = next;
  }
  return adder.add(sum, carried);
}

int ceil_log2(std::size_t n) {
  return n <= 1 ? 0 : static_cast<int>(std::bit_width(n - 1));
}

// Rows of a matrix summed over its columns in four levels, each flushed into the next when its counter wraps.
// element(i, r) is entry i of row r.
template <std::size_t rows, class Element>
std::array<double, rows> cascade(Adder& adder, std::size_t size, Element element) {
  constexpr std::size_t levels = 4;
  const std::size_t power = static_cast<std::size_t>(std::max(4, ceil_log2(size) / static_cast<int>(levels)));
  const std::size_t step = std::size_t{1} << power;
  std::array<std::array<double, rows>, levels> held{};
  const auto take = [&](std::size_t i) {
    for (std::size_t r = 0; r < rows; ++r) held[0][r] = adder.add(held[0][r], element(i, r));
  };
  std::size_t i = 0;
  while (i + step <= size) {
    for (std::size_t j = 0; j < step; ++j) take(i++);
    for (std::size_t level = 1; level < levels; ++level) {
      for (std::size_t r = 0; r < rows; ++r) {
        held[level][r] = adder.add(held[level][r], held[level - 1][r]);
        held[level - 1][r] = 0;
      }
      if ((i & ((step - 1) << (level * power))) != 0) break;
    }
  }
  while (i < size) take(i++);
  for (std::size_t level = 1; level < levels; ++level) {
    for (std::size_t r = 0; r < rows; ++r) held[0][r] = adder.add(held[0][r], held[level][r]);
  }
  return held[0];
}

// The sum over vectors in one lane: four of them side by side, then what is left, then the four.
double cascade_lane(Adder& adder, Terms terms, std::size_t lane, std::size_t lanes, std::size_t vectors) {
  constexpr std::size_t side_by_side = 4;
  const std::size_t groups = vectors / side_by_side;
  auto sums = cascade<side_by_side>(
      adder, groups, [&](std::size_t i, std::size_t r) { return terms[(i * side_by_side + r) * lanes + lane]; });
  for (std::size_t v = groups * side_by_side; v < vectors; ++v) sums[0] = adder.add(sums[0], terms[v * lanes + lane]);
  for (std::size_t r = 1; r < side_by_side; ++r) sums[0] = adder.add(sums[0], sums[r]);
  return sums[0];
}

double torch_cpu(Adder& adder, Terms terms) {
  constexpr std::size_t lanes = 8;
  const std::size_t vectors = terms.size() / lanes;
  std::array<double, lanes> partial;
  for (std::size_t lane = 0; lane < lanes; ++lane) partial[lane] = cascade_lane(adder, terms, lane, lanes, vectors);
  double sum = 0;
  for (std::size_t i = vectors * lanes; i < terms.size(); ++i) sum = adder.add(sum, terms[i]);
  for (const double x : partial) sum = adder.add(sum, x);
  return sum;
}

double torch_cuda(Adder& adder, Terms terms) {
  constexpr std::size_t threads = 512, lanes = 4, warp = 32;
  const std::size_t vectors = terms.size() / lanes, tail = vectors * lanes;
  std::vector<double> held(threads);
  for (std::size_t t = 0; t < threads; ++t) {
    std::array<double, lanes> lane{};
    for (std::size_t v = t; v < vectors; v += threads) {
      for (std::size_t l = 0; l < lanes; ++l) lane[l] = adder.add(lane[l], terms[v * lanes + l]);
    }
    if (tail + t < terms.size()) lane[0] = adder.add(lane[0], terms[tail + t]);
    for (std::size_t l = 1; l < lanes; ++l) lane[0] = adder.add(lane[0], lane[l]);
    held[t] = lane[0];
  }
  for (std::size_t offset = threads / 2; offset >= warp; offset /= 2) {
    for (std::size_t t = 0; t < offset; ++t) held[t] = adder.add(held[t], held[t + offset]);
  }
  for (std::size_t offset = 1; offset < warp; offset *= 2) {
    for (std::size_t t = 0; t + offset < warp; ++t) held[t] = adder.add(held[t], held[t + offset]);
  }
  return held[0];
}

double nccl_ring(Adder& adder, Terms terms, std::size_t chunk) {
  const std::size_t ranks = terms.size();
  if (ranks == 0) return 0;
  double sum = terms[(chunk + 1) % ranks];
  for (std::size_t hop = 2; hop <= ranks; ++hop) sum = adder.add(sum, terms[(chunk + hop) % ranks]);
  return sum;
}

// Rank 0 has one child; rank r with lowest set bit b has r - b/2 and r + b/2, the latter moved down until it exists.
double tree_node(Adder& adder, Terms terms, std::size_t rank) {
  const std::size_t ranks = terms.size();
  const std::size_t low = rank == 0 ? std::bit_ceil(ranks) : rank & (~rank + 1);
  double sum = terms[rank];
  if (low > 1 && rank != 0) sum = adder.add(sum, tree_node(adder, terms, rank - low / 2));
  std::size_t half = low / 2;
  while (half > 0 && rank + half >= ranks) half /= 2;
  if (half > 0) sum = adder.add(sum, tree_node(adder, terms, rank + half));
  return sum;
}

double split(Adder& adder, Terms terms, std::size_t parts) {
  Adder wide({"fp32", ieee_format(8, 23)});
  parts = std::clamp<std::size_t>(parts, 1, std::max<std::size_t>(terms.size(), 1));
  const std::size_t length = (terms.size() + parts - 1) / parts;
  std::vector<double> partial;
  for (std::size_t i = 0; i < terms.size(); i += length) {
    partial.push_back(adder.round(sequential(wide, terms.subspan(i, std::min(length, terms.size() - i)))));
  }
  return sequential(adder, partial);
}

}  // namespace

const SumModel* find_sum_model(std::string_view name) {
  for (const SumModel& row : sum_table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

bool is_compensated(SumOrder order) {
  return order == SumOrder::kahan || order == SumOrder::neumaier;
}

double sum_in_order(SumOrder order, const SumShape& shape, Adder& adder, Terms terms) {
  const std::size_t block = std::max<std::size_t>(shape.block, 1);
  switch (order) {
    case SumOrder::sequential: return sequential(adder, terms);
    case SumOrder::pairwise: return pairwise(adder, terms);
    case SumOrder::blocked: return blocked(adder, terms, block);
    case SumOrder::kahan: return kahan(adder, terms);
    case SumOrder::neumaier: return neumaier(adder, terms);
    case SumOrder::torch_cpu: return torch_cpu(adder, terms);
    case SumOrder::torch_cuda: return torch_cuda(adder, terms);
    case SumOrder::nccl_ring: return nccl_ring(adder, terms, shape.ring_chunk);
    case SumOrder::nccl_tree: return terms.empty() ? 0 : tree_node(adder, terms, 0);
    case SumOrder::split: return split(adder, terms, block);
  }
  return 0;
}

}  // namespace lowp
