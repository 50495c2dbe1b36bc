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

// Terms 0, 4, 8, ..., then 1, 5, 9, ... and so on in one cascade of four rows, what is left, then the four rows.
// term(i) is one of `size`.
template <class Term>
double four_rows(Adder& adder, std::size_t size, Term term) {
  constexpr std::size_t rows = 4;
  const std::size_t whole = size / rows;
  auto sums = cascade<rows>(adder, whole, [&](std::size_t i, std::size_t r) { return term(i * rows + r); });
  for (std::size_t i = whole * rows; i < size; ++i) sums[0] = adder.add(sums[0], term(i));
  for (std::size_t r = 1; r < rows; ++r) sums[0] = adder.add(sums[0], sums[r]);
  return sums[0];
}

// 256 bits of terms are one load: 8 lanes, and of 16-bit types each lane adds its two terms first. `narrow`: of those.
double torch_cpu(Adder& adder, Terms terms, bool narrow) {
  constexpr std::size_t lanes = 8;
  const std::size_t load = narrow ? 2 * lanes : lanes, loads = terms.size() / load;
  if (loads == 0) return four_rows(adder, terms.size(), [&](std::size_t i) { return terms[i]; });
  double sum = 0;
  for (std::size_t i = loads * load; i < terms.size(); ++i) sum = adder.add(sum, terms[i]);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const double partial = four_rows(adder, loads, [&](std::size_t i) {
      const double* at = &terms[i * load + lane];
      return narrow ? adder.add(at[0], at[lanes]) : at[0];
    });
    sum = adder.add(sum, partial);
  }
  return sum;
}

// Four loads of columns side by side, or four columns of a tensor shorter than one load, are added in order; the
// columns that are left in four rows. A stack of single elements is contiguous.
double torch_cpu_stack(Adder& adder, Terms terms, const SumShape& shape, bool narrow) {
  if (shape.elements == 1) return torch_cpu(adder, terms, narrow);
  const std::uint64_t side_by_side = shape.elements >= (narrow ? 16u : 8u) ? 32 : 4;
  const auto term = [&](std::size_t i) { return terms[i]; };
  if (shape.element < shape.elements / side_by_side * side_by_side) {
    return cascade<1>(adder, terms.size(), [&](std::size_t i, std::size_t) { return term(i); })[0];
  }
  return four_rows(adder, terms.size(), term);
}

// A block's threads meet: halves down to a warp, then the warp's lanes at distances 1, 2, 4, ...
double block_sum(Adder& adder, std::vector<double>& held) {
  constexpr std::size_t warp = 32;
  std::size_t width = held.size();
  for (std::size_t offset = width / 2; offset >= warp; offset /= 2) {
    for (std::size_t t = 0; t < offset; ++t) held[t] = adder.add(held[t], held[t + offset]);
  }
  width = std::min(width, warp);
  for (std::size_t offset = 1; offset < width; offset *= 2) {
    for (std::size_t t = 0; t + offset < width; ++t) held[t] = adder.add(held[t], held[t + offset]);
  }
  return held[0];
}

// From 128 terms on a thread loads a vector at a time; below, single terms a block's width apart.
double torch_cuda(Adder& adder, Terms terms, bool narrow) {
  if (terms.empty()) return 0;
  constexpr std::size_t most_threads = 512, vector_from = 128;
  const bool vectors = terms.size() >= vector_from;
  const std::size_t lanes = !vectors ? 1 : narrow ? 8 : 4, loads = terms.size() / lanes;
  std::vector<double> held(std::min(most_threads, std::bit_floor(loads)));
  for (std::size_t t = 0; t < held.size(); ++t) {
    std::array<double, 8> lane{};
    if (vectors) {
      for (std::size_t v = t; v < loads; v += held.size()) {
        for (std::size_t l = 0; l < lanes; ++l) lane[l] = adder.add(lane[l], terms[v * lanes + l]);
      }
      const std::size_t tail = loads * lanes + t;
      if (tail < terms.size()) lane[0] = adder.add(lane[0], terms[tail]);
    } else {
      for (std::size_t i = t, l = 0; i < terms.size(); i += held.size(), ++l) lane[l] = adder.add(lane[l], terms[i]);
    }
    for (std::size_t l = 1; l < lane.size(); ++l) lane[0] = adder.add(lane[0], lane[l]);
    held[t] = lane[0];
  }
  return block_sum(adder, held);
}

double torch_cuda_stack(Adder& adder, Terms terms) {
  std::array<double, 4> sums{};
  for (std::size_t i = 0; i < terms.size(); ++i) sums[i % 4] = adder.add(sums[i % 4], terms[i]);
  for (std::size_t r = 1; r < sums.size(); ++r) sums[0] = adder.add(sums[0], sums[r]);
  return sums[0];
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

Adder fp32_adder() {
  static const Adder fp32({"fp32", ieee_format(8, 23)});
  return fp32;
}

double split(Adder& adder, Terms terms, std::size_t parts) {
  Adder wide = fp32_adder();
  parts = std::clamp<std::size_t>(parts, 1, std::max<std::size_t>(terms.size(), 1));
  const std::size_t length = (terms.size() + parts - 1) / parts;
  std::vector<double> partial;
  for (std::size_t i = 0; i < terms.size(); i += length) {
    partial.push_back(adder.round(sequential(wide, terms.subspan(i, std::min(length, terms.size() - i)))));
  }
  return sequential(adder, partial);
}

// PyTorch's orders; 16-bit types are narrow: their terms are added in `adder`, whatever it rounds to.
double torch_sum(SumOrder order, const SumShape& shape, Adder& adder, Terms terms, bool narrow) {
  switch (order) {
    case SumOrder::torch_cpu: return torch_cpu(adder, terms, narrow);
    case SumOrder::torch_cpu_stack: return torch_cpu_stack(adder, terms, shape, narrow);
    case SumOrder::torch_cuda: return torch_cuda(adder, terms, narrow);
    default: return torch_cuda_stack(adder, terms);
  }
}

double torch_sum(SumOrder order, const SumShape& shape, Adder& adder, Terms terms) {
  if (adder.how().format.width > 16) return torch_sum(order, shape, adder, terms, false);
  Adder wide = fp32_adder();
  const double sum = torch_sum(order, shape, wide, terms, true);
  adder.count_absorbed_of(wide);
  return adder.round(sum);
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
    case SumOrder::torch_cpu:
    case SumOrder::torch_cpu_stack:
    case SumOrder::torch_cuda:
    case SumOrder::torch_cuda_stack: return torch_sum(order, shape, adder, terms);
    case SumOrder::nccl_ring: return nccl_ring(adder, terms, shape.ring_chunk);
    case SumOrder::nccl_tree: return terms.empty() ? 0 : tree_node(adder, terms, 0);
    case SumOrder::split: return split(adder, terms, block);
  }
  return 0;
}

}  // namespace lowp
