// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/gemm_replay.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "lowp/accumulate/adder.h"
#include "lowp/base/threads.h"
#include "lowp/training/gemm_operands.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);
constexpr std::size_t traced_outputs = 64;

double value_of(const TensorCore& row, std::uint64_t code) {
  return std::bit_cast<double>(convert(accumulator_format(row), fp64, Conversion{}, code));
}

// One output's accumulator as instructions pass over it.
class OutputWalk {
 public:
  OutputWalk(const NamedPath& path, const OperandRows& a, std::size_t i, const OperandRows& b, std::size_t j)
      : path_(path.path), row_(*path.path.row), scaled_(!row_.scale.empty()) {
    const bool ideal_blocks = !scaled_ && a.block != nullptr;
    a_ = ideal_blocks ? a.exact_operands(i) : a.operands(row_, i);
    b_ = ideal_blocks ? b.exact_operands(j) : b.operands(row_, j);
    if (scaled_) {
      a_scales_ = a.scales(i);
      b_scales_ = b.scales(j);
    }
    const bool promotes = path_.promotion != 0 && row_.composition == Composition::chain;
    run_ = promotes ? static_cast<std::size_t>(row_.instruction_k * path_.promotion) : 0;
  }

  // After n products from the first on; n never falls and is a multiple of the instruction's k, or all of them.
  std::uint64_t advance(std::size_t n) {
    while (done_ < n) {
      const std::size_t end = run_ == 0 ? n : std::min(n, (done_ / run_ + 1) * run_);
      held_ = part(done_, end);
      done_ = end;
      if (run_ == 0 || done_ % run_ != 0) continue;
      main_ = promote(row_, held_, main_);
      held_ = 0;
    }
    if (run_ == 0) return held_;
    return done_ % run_ == 0 ? main_ : promote(row_, held_, main_);
  }
  // From product `begin` (of a new instruction) to `end`, nothing kept.
  std::uint64_t between(std::size_t begin, std::size_t end) const {
    OutputWalk fresh = *this;
    fresh.first_ = begin;
    fresh.done_ = 0;
    fresh.held_ = fresh.main_ = 0;
    return fresh.advance(end - begin);
  }

 private:
  std::uint64_t part(std::size_t begin, std::size_t end) const {
    begin += first_;
    end += first_;
    const std::span<const Operand> a(a_), b(b_);
    if (!scaled_) return dot(row_, a.subspan(begin, end - begin), b.subspan(begin, end - begin), held_);
    const std::size_t block = begin / static_cast<std::size_t>(row_.scale_block);
    const std::span<const Operand> a_scales(a_scales_), b_scales(b_scales_);
    const std::size_t blocks =
        (end - begin + static_cast<std::size_t>(row_.scale_block) - 1) / static_cast<std::size_t>(row_.scale_block);
    return scaled_dot(row_, a.subspan(begin, end - begin), b.subspan(begin, end - begin),
                      a_scales.subspan(block, blocks), b_scales.subspan(block, blocks), held_);
  }

  const GemmPath path_;
  const TensorCore& row_;
  const bool scaled_;
  std::vector<Operand> a_, b_, a_scales_, b_scales_;
  std::size_t first_ = 0, done_ = 0;
  std::size_t run_ = 0;  // products until a promotion, 0 without any
  std::uint64_t held_ = 0, main_ = 0;
};

// Both operands of one input format, and the exact products.
struct Quantized {
  OperandRows a, b;                         // b: one row per output column
  std::vector<std::vector<Precise>> exact;  // per length, per output

  void find_exact(const std::vector<std::size_t>& ends, int threads) {
    exact.assign(ends.size(), std::vector<Precise>(a.rows * b.rows));
    std::vector<std::vector<Exact>> columns;
    for (std::size_t j = 0; j < b.rows; ++j) columns.push_back(b.exact_row(j));
    const auto find_row = [&](std::size_t i) {
      const std::vector<Exact> row = a.exact_row(i);
      for (std::size_t j = 0; j < b.rows; ++j) {
        ExactSum sum;
        std::size_t n = 0;
        for (std::size_t end = 0; end < ends.size(); ++end) {
          for (; n < ends[end]; ++n) sum.add_product(row[n], columns[j][n]);
          exact[end][i * b.rows + j] = precise(sum);
        }
      }
    };
    on_threads(threads, [&] { tbb::parallel_for(std::size_t{0}, a.rows, find_row); });
  }
  // Products begin to end - 1, b turned round.
  CodeMatrix a_part(std::size_t begin, std::size_t end) const {
    CodeMatrix m{a.format, a.rows, end - begin, {}};
    for (std::size_t i = 0; i < a.rows; ++i) {
      for (std::size_t n = begin; n < end; ++n) m.code.push_back(a.code[i * a.k + n]);
    }
    return m;
  }
  CodeMatrix b_part(std::size_t begin, std::size_t end) const {
    CodeMatrix m{b.format, end - begin, b.rows, {}};
    for (std::size_t n = begin; n < end; ++n) {
      for (std::size_t j = 0; j < b.rows; ++j) m.code.push_back(b.code[j * b.k + n]);
    }
    return m;
  }
};

Quantized quantize(const GemmInputs& inputs, const NamedPath& path) {
  if (path.block != nullptr) return {block_rounded(inputs.a, *path.block), block_rounded(inputs.b, *path.block), {}};
  const Format f = find_format(path.input).format;
  return {rounded(inputs.a, f), rounded(inputs.b, f), {}};
}

std::vector<std::size_t> lengths(std::size_t k) {
  std::vector<std::size_t> all;
  for (std::size_t n = 32; n < k; n *= 2) all.push_back(n);
  all.push_back(k);
  return all;
}

// Every output over products begin to end - 1.
std::vector<double> part_of_products(const NamedPath& path, const Quantized& q, std::size_t begin, std::size_t end,
                                     int threads) {
  std::vector<double> values(q.a.rows * q.b.rows);
  const TensorCore& row = *path.path.row;
  if (path.block == nullptr) {
    std::ranges::transform(gemm(path.path, q.a_part(begin, end), q.b_part(begin, end), threads), values.begin(),
                           [&](std::uint64_t code) { return value_of(row, code); });
    return values;
  }
  const auto make_row = [&](std::size_t i) {
    for (std::size_t j = 0; j < q.b.rows; ++j) {
      values[i * q.b.rows + j] = value_of(row, OutputWalk(path, q.a, i, q.b, j).between(begin, end));
    }
  };
  on_threads(threads, [&] { tbb::parallel_for(std::size_t{0}, q.a.rows, make_row); });
  return values;
}

// Over the first k. Parts of split-K are whole instructions.
std::vector<double> products(const NamedPath& path, const Quantized& q, std::size_t k, int threads) {
  if (path.split == 1) return part_of_products(path, q, 0, k, threads);
  const auto instruction = static_cast<std::size_t>(path.path.row->instruction_k);
  const std::size_t even = (k + static_cast<std::size_t>(path.split) - 1) / static_cast<std::size_t>(path.split);
  const std::size_t length = (even + instruction - 1) / instruction * instruction;
  Adder output(output_format(path));
  std::vector<double> sums;
  for (std::size_t begin = 0; begin < k; begin += length) {
    std::vector<double> part = part_of_products(path, q, begin, std::min(begin + length, k), threads);
    for (double& x : part) x = output.round(x);
    if (sums.empty())
      sums = std::move(part);
    else
      std::ranges::transform(sums, part, sums.begin(), [&](double a, double b) { return output.add(a, b); });
  }
  return sums;
}

Divergence diverge(const GemmOptions& options, const Quantized& q, std::size_t first, std::size_t second) {
  const NamedPath &p = options.paths[first], &r = options.paths[second];
  const auto instruction = static_cast<std::size_t>(std::max(p.path.row->instruction_k, r.path.row->instruction_k));
  const std::size_t outputs = q.a.rows * q.b.rows, looked = std::min(outputs, traced_outputs), k = q.a.k;
  Divergence d{first, second, instruction, looked, 0, 0};
  for (std::size_t o = 0; o < looked; ++o) {
    const std::size_t at = o * outputs / looked, i = at / q.b.rows, j = at % q.b.rows;
    OutputWalk one(p, q.a, i, q.b, j), other(r, q.a, i, q.b, j);
    for (std::size_t n = 0; n < k;) {
      n = std::min(n + instruction, k);
      if (value_of(*p.path.row, one.advance(n)) == value_of(*r.path.row, other.advance(n))) continue;
      ++d.differing;
      d.earliest = d.earliest == 0 ? n : std::min(d.earliest, n);
      break;
    }
  }
  return d;
}

GemmOutcome judge(const NamedPath& path, std::size_t index, std::size_t k, const std::vector<double>& made,
                  const std::vector<Precise>& exact) {
  GemmOutcome outcome{index, k, 0, 0, {}};
  Adder nearest(path.split == 1 ? Accumulator{path.name, accumulator_format(*path.path.row)} : output_format(path));
  for (std::size_t i = 0; i < made.size(); ++i) {
    const double value = made[i];
    outcome.misrounded += value == nearest.round(exact[i].high) ? 0 : 1;
    if (std::isfinite(value) && std::isfinite(exact[i].high)) {
      outcome.error.add(value, exact[i]);
    } else {
      ++outcome.not_finite;
    }
  }
  return outcome;
}

}  // namespace

Result<GemmResult> replay_gemm(const Input& input, const GemmOptions& options) {
  auto inputs = read_gemm_inputs(input, options.a, options.b);
  if (!inputs) return inputs.error();
  GemmResult result;
  result.orientation = inputs->orientation;
  result.rows = inputs->a.rows;
  result.columns = inputs->b.rows;
  result.k = inputs->a.k;
  result.all_rows = inputs->all_rows;
  result.all_columns = inputs->all_columns;
  const std::vector<std::size_t> ends = lengths(result.k);
  std::map<std::string, Quantized> quantized;  // by input format
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const NamedPath& path = options.paths[p];
    auto found = quantized.find(path.input);
    if (found == quantized.end()) {
      found = quantized.emplace(path.input, quantize(*inputs, path)).first;
      found->second.find_exact(ends, options.threads);
    }
    const Quantized& q = found->second;
    result.a_scale.push_back(q.a.scale_log2);
    result.b_scale.push_back(q.b.scale_log2);
    for (std::size_t end = 0; end < ends.size(); ++end) {
      const std::vector<double> made = products(path, q, ends[end], options.threads);
      result.outcomes.push_back(judge(path, p, ends[end], made, q.exact[end]));
    }
    for (std::size_t other = 0; other < p; ++other) {
      if (options.paths[other].input != path.input || path.split != 1 || options.paths[other].split != 1) continue;
      result.divergences.push_back(diverge(options, q, other, p));
      break;  // the first of the same input is what the others are compared with
    }
  }
  return result;
}

}  // namespace lowp
