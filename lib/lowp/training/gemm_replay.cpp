// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/gemm_replay.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "lowp/accumulate/adder.h"
#include "lowp/base/threads.h"
#include "lowp/recipes/quantize.h"
#include "lowp/training/gemm_operands.h"

namespace lowp::training {
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
    a_ = !scaled_ && a.scaled_inside() ? a.exact_operands(i) : a.operands(row_, i);
    b_ = !scaled_ && b.scaled_inside() ? b.exact_operands(j) : b.operands(row_, j);
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

// Exact dot products of the rows of a and the rows of b over the first so many elements: per length, per output.
using ExactProducts = std::vector<std::vector<Precise>>;

ExactProducts exact_products(const std::vector<std::vector<Exact>>& a, const std::vector<std::vector<Exact>>& b,
                             const std::vector<std::size_t>& ends, int threads) {
  ExactProducts exact(ends.size(), std::vector<Precise>(a.size() * b.size()));
  const auto find_row = [&](std::size_t i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      ExactSum sum;
      std::size_t n = 0;
      for (std::size_t end = 0; end < ends.size(); ++end) {
        for (; n < ends[end]; ++n) sum.add_product(a[i][n], b[j][n]);
        exact[end][i * b.size() + j] = precise(sum);
      }
    }
  };
  on_threads(threads, [&] { tbb::parallel_for(std::size_t{0}, a.size(), find_row); });
  return exact;
}

std::vector<std::vector<Exact>> exact_rows(const OperandRows& m) {
  std::vector<std::vector<Exact>> rows;
  for (std::size_t i = 0; i < m.rows; ++i) rows.push_back(m.exact_row(i));
  return rows;
}
std::vector<std::vector<Exact>> exact_rows(const Values& m) {
  std::vector<std::vector<Exact>> rows(m.rows);
  for (std::size_t i = 0; i < m.value.size(); ++i) {
    rows[i / m.k].push_back(decode(fp64, std::bit_cast<std::uint64_t>(m.value[i])));
  }
  return rows;
}

// Both operands of one input format, and the exact products.
struct Quantized {
  OperandRows a, b;  // b: one row per output column
  ExactProducts exact;

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
  if (path.recipe != nullptr) {
    return {recipe_rounded(inputs.a, *path.recipe), recipe_rounded(inputs.b, *path.recipe), {}};
  }
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

// Codes of every output over the first k products, parts of K added as `split` says.
std::vector<std::uint64_t> sums_of(const NamedPath& path, const KSplit& split, const Quantized& q, std::size_t k,
                                   int threads) {
  if (!q.a.scaled_inside()) return library_gemm(path.path, split, q.a_part(0, k), q.b_part(0, k), threads);
  std::vector<std::uint64_t> codes(q.a.rows * q.b.rows);
  const int instruction = path.path.row->instruction_k;
  const auto make_row = [&](std::size_t i) {
    for (std::size_t j = 0; j < q.b.rows; ++j) {
      const OutputWalk walk(path, q.a, i, q.b, j);
      std::vector<std::uint64_t> parts;
      for (int s = 0; s < split.parts; ++s) {  // runs: no table of split orders interleaves paths with block scales
        const auto elements = elements_of_part(split, instruction, k, s);
        parts.push_back(elements.empty() ? 0 : walk.between(elements.front(), elements.back() + 1));
      }
      codes[i * q.b.rows + j] = split.parts == 1 ? parts.front() : combine(*path.path.row, split, parts);
    }
  };
  on_threads(threads, [&] { tbb::parallel_for(std::size_t{0}, q.a.rows, make_row); });
  return codes;
}

Format format_of(const NamedPath& path, const KSplit& split) {
  return split.parts == 1 ? accumulator_format(*path.path.row) : split.partial;
}

// What the scales of both operands make of the sum of output i, j.
class Stored {
 public:
  Stored(const NamedPath& path, const Quantized& q, const Accumulator& result, double largest)
      : from(format_of(path, path.split)), q_(q), output_(result.format) {
    if (result.format.width > 8 || largest == 0) return;
    result_scale = max_exponent(result.format) - 1 - std::ilogb(largest);
    result_factor_ = fp32_bits(std::ldexp(1.0, result_scale));
  }
  int result_scale = 0;  // log2
  Format from;

  // Exact to a double; the epilogue's own factor is not.
  double alpha(std::size_t i, std::size_t j) const { return q_.a.factor(i) * q_.b.factor(j); }
  double result(std::uint64_t code, std::size_t i, std::size_t j) const {
    if (from == fp64) return decoded(from, code) * alpha(i, j);  // FP64 products are stored as they are
    const auto accumulator = static_cast<std::uint32_t>(convert(from, ieee_format(8, 23), Conversion{}, code));
    const Epilogue epilogue{fp32_bits(q_.a.factor(i)), fp32_bits(q_.b.factor(j)), result_factor_, output_};
    return std::ldexp(decoded(output_, stored(epilogue, accumulator)), -result_scale);
  }
  static double decoded(Format f, std::uint64_t code) {
    return std::bit_cast<double>(convert(f, fp64, Conversion{}, code));
  }

 private:
  static std::uint32_t fp32_bits(double x) { return std::bit_cast<std::uint32_t>(static_cast<float>(x)); }
  const Quantized& q_;
  const Format output_;
  std::optional<std::uint32_t> result_factor_;
};

Precise times(const Precise& x, double factor) {
  return {x.high * factor, x.low * factor};
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

// Every stage of one path over the first k products. `exact` is of rounded inputs in units of the accumulator, `dumped`
// of the values as they are.
GemmOutcome judge(const NamedPath& path, std::size_t index, std::size_t k, const Quantized& q, const Stored& how,
                  const std::vector<Precise>& exact, const std::vector<Precise>& dumped, int threads) {
  GemmOutcome outcome;
  outcome.path = index;
  outcome.k = k;
  const Format unsplit_format = accumulator_format(*path.path.row);
  const std::vector<std::uint64_t> unsplit = sums_of(path, {}, q, k, threads);
  const std::vector<std::uint64_t> split = path.split.parts == 1 ? unsplit : sums_of(path, path.split, q, k, threads);
  Adder nearest(Accumulator{path.name, how.from});
  const auto add = [](ErrorStatistics& to, double made, const Precise& wanted) {
    if (std::isfinite(made) && std::isfinite(wanted.high)) to.add(made, wanted);
  };
  for (std::size_t o = 0; o < split.size(); ++o) {
    const std::size_t i = o / q.b.rows, j = o % q.b.rows;
    const double chained = Stored::decoded(unsplit_format, unsplit[o]), sum = Stored::decoded(how.from, split[o]);
    const double result = how.result(split[o], i, j), alpha = how.alpha(i, j);
    outcome.misrounded += sum == nearest.round(exact[o].high) ? 0 : 1;
    outcome.not_finite += std::isfinite(result) ? 0 : 1;
    add(outcome.inputs, times(exact[o], alpha).high, dumped[o]);
    add(outcome.instruction, chained, exact[o]);
    add(outcome.error, sum, exact[o]);
    add(outcome.storing, result, {sum * alpha, 0});
    add(outcome.total, result, dumped[o]);
  }
  return outcome;
}

double largest_of(const std::vector<Precise>& sums) {
  double largest = 0;
  for (const Precise& x : sums) {
    if (std::isfinite(x.high)) largest = std::max(largest, std::abs(x.high));
  }
  return largest;
}

}  // namespace

Result<GemmResult> replay_gemm(const Input& input, const GemmOptions& options) {
  const auto has_recipe = [](const NamedPath& path) { return path.recipe != nullptr; };
  auto inputs = read_gemm_inputs(input, options.a, options.b, std::ranges::any_of(options.paths, has_recipe));
  if (!inputs) return inputs.error();
  for (const NamedPath& path : options.paths) {
    if (path.recipe == nullptr || !recipes::rotates(path.recipe->row->orientation) || inputs->a.k % 16 == 0) continue;
    return Error{"--paths", std::nullopt, "a shared axis of a multiple of 16 elements, which are rotated together",
                 fmt::format("{} for '{}'", inputs->a.k, path.name)};
  }
  GemmResult result;
  result.orientation = inputs->orientation;
  result.rows = inputs->a.rows;
  result.columns = inputs->b.rows;
  result.k = inputs->a.k;
  result.all_rows = inputs->all_rows;
  result.all_columns = inputs->all_columns;
  const std::vector<std::size_t> ends = lengths(result.k);
  const ExactProducts dumped = exact_products(exact_rows(inputs->a), exact_rows(inputs->b), ends, options.threads);
  std::map<std::string, Quantized> quantized;  // by input format
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const NamedPath& path = options.paths[p];
    auto found = quantized.find(path.input);
    if (found == quantized.end()) {
      found = quantized.emplace(path.input, quantize(*inputs, path)).first;
      Quantized& q = found->second;
      q.exact = exact_products(exact_rows(q.a), exact_rows(q.b), ends, options.threads);
    }
    const Quantized& q = found->second;
    result.a_scale.push_back(q.a.scale_log2);
    result.b_scale.push_back(q.b.scale_log2);
    const bool wide = accumulator_format(*path.path.row) == fp64;
    const Accumulator stored_in = wide || !options.result ? result_format(path) : *options.result;
    const Stored how(path, q, stored_in, largest_of(dumped.back()));
    result.stored_in.push_back(stored_in);
    result.result_scale.push_back(how.result_scale);
    for (std::size_t end = 0; end < ends.size(); ++end) {
      result.outcomes.push_back(judge(path, p, ends[end], q, how, q.exact[end], dumped[end], options.threads));
    }
    for (std::size_t other = 0; other < p; ++other) {
      if (options.paths[other].input != path.input || path.split.parts != 1 || options.paths[other].split.parts != 1)
        continue;
      result.divergences.push_back(diverge(options, q, other, p));
      break;  // the first of the same input is what the others are compared with
    }
  }
  return result;
}

}  // namespace lowp::training
