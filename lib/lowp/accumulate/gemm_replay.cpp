// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/gemm_replay.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <map>

#include "lowp/accumulate/adder.h"
#include "lowp/accumulate/threads.h"
#include "lowp/accumulate/values.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);
constexpr std::uint64_t most_elements = std::uint64_t{1} << 28;
constexpr std::size_t most_outputs = 256;  // of one axis
constexpr std::size_t traced_outputs = 64;

// The twin that differs from exact arithmetic by one rounding to nearest per product.
constexpr TensorCore ideal_fp32{.architecture = "ideal",
                                .path = "fma",
                                .inputs = "",
                                .accumulator = "f32",
                                .kind = StepKind::fma_chain,
                                .products = 1,
                                .instruction_k = 1,
                                .fraction_bits = 0,
                                .finish = Finish::nearest_fp32,
                                .zero_exponent = inert,
                                .grade = Grade::agreed,
                                .source = "definition: IEEE fused multiply-add, k ascending"};

Error no_path(std::string_view word, std::string found) {
  return {"--paths", std::nullopt, "GPU:PATH:INPUT:ACCUMULATOR[+N] of the tensor-core table, or ideal:INPUT",
          fmt::format("'{}'{}", word, found)};
}

// A matrix of doubles with the shared axis last: row i is what output i needs.
struct Values {
  std::size_t rows = 0, k = 0;
  std::vector<double> value;
};

struct Loaded {
  std::size_t rows = 0, columns = 0;
  std::vector<double> value;
};

Result<Loaded> load(const Input& input, const std::string& name) {
  const TensorView* view = find_tensor(input, name);
  if (view == nullptr) return Error{input.path, std::nullopt, fmt::format("tensor '{}'", name), "none"};
  if (view->shape.size() < 2 || view->elements == 0) {
    return Error{input.path, std::nullopt, fmt::format("two axes or more in '{}'", name),
                 fmt::format("shape [{}]", fmt::join(view->shape, ", "))};
  }
  auto values = read_values(input, *view, most_elements);
  if (!values) return values.error();
  const auto columns = static_cast<std::size_t>(view->shape.back());
  return Loaded{values->size() / columns, columns, std::move(*values)};
}

// At most `most_outputs` of `count` indices, evenly spread.
std::vector<std::size_t> chosen(std::size_t count) {
  std::vector<std::size_t> index;
  const std::size_t kept = std::min(count, most_outputs);
  for (std::size_t i = 0; i < kept; ++i) index.push_back(i * count / kept);
  return index;
}

Values gather(const Loaded& m, bool by_rows) {
  Values v;
  v.k = by_rows ? m.columns : m.rows;
  for (const std::size_t i : chosen(by_rows ? m.rows : m.columns)) {
    for (std::size_t k = 0; k < v.k; ++k)
      v.value.push_back(by_rows ? m.value[i * m.columns + k] : m.value[k * m.columns + i]);
    ++v.rows;
  }
  return v;
}

// The power of two that brings the largest magnitude to the last binade but one of a format of at most 8 bits, and to
// [1, 2) in FP16; formats with the range of FP32 need none.
int fitting_scale(const Values& v, Format f) {
  if (exponent_bits(f) >= 8) return 0;
  double largest = 0;
  for (const double x : v.value) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest == 0 ? 0 : (f.width <= 8 ? max_exponent(f) - 1 : 0) - std::ilogb(largest);
}

// Codes as the instruction wants them; tf32 as FP32 bits.
std::vector<std::uint64_t> codes(const Values& v, Format f, int scale) {
  std::vector<std::uint64_t> result(v.value.size());
  std::ranges::transform(v.value, result.begin(), [&](double x) {
    const Exact exact = scaled(decode(fp64, std::bit_cast<std::uint64_t>(x)), scale);
    return encode(f, Conversion{.overflow = {true, false}}, exact) << (is_tf32(f) ? 13 : 0);
  });
  return result;
}

// Both operands of one input format, k first for b.
struct Quantized {
  Format format;
  int a_scale, b_scale;
  CodeMatrix a, b_rows;                     // b_rows: one row per output column
  std::vector<std::vector<Precise>> exact;  // per length of lengths(k), per output

  void find_exact(const std::vector<std::size_t>& ends, int threads) {
    exact.assign(ends.size(), std::vector<Precise>(a.rows * b_rows.rows));
    const auto read = [&](const CodeMatrix& m, std::size_t at) {
      return decode(format, is_tf32(format) ? m.code[at] >> 13 : m.code[at]);
    };
    const auto find_row = [&](std::size_t i) {
      for (std::size_t j = 0; j < b_rows.rows; ++j) {
        ExactSum sum;
        std::size_t n = 0;
        for (std::size_t end = 0; end < ends.size(); ++end) {
          for (; n < ends[end]; ++n) sum.add_product(read(a, i * a.columns + n), read(b_rows, j * a.columns + n));
          exact[end][i * b_rows.rows + j] = precise(sum);
        }
      }
    };
    on_threads(threads, [&] { tbb::parallel_for(std::size_t{0}, a.rows, find_row); });
  }
  // The first k of each row, b turned round.
  CodeMatrix a_first(std::size_t k) const {
    CodeMatrix m{format, a.rows, k, {}};
    for (std::size_t i = 0; i < a.rows; ++i) {
      for (std::size_t n = 0; n < k; ++n) m.code.push_back(a.code[i * a.columns + n]);
    }
    return m;
  }
  CodeMatrix b_first(std::size_t k) const {
    CodeMatrix m{format, k, b_rows.rows, {}};
    for (std::size_t n = 0; n < k; ++n) {
      for (std::size_t j = 0; j < b_rows.rows; ++j) m.code.push_back(b_rows.code[j * b_rows.columns + n]);
    }
    return m;
  }
};

Quantized quantize(const Values& a, const Values& b, std::string_view format) {
  const Format f = find_format(format).format;
  Quantized q{f, fitting_scale(a, f), fitting_scale(b, f), {}, {}, {}};
  q.a = {f, a.rows, a.k, codes(a, f, q.a_scale)};
  q.b_rows = {f, b.rows, b.k, codes(b, f, q.b_scale)};
  return q;
}

std::vector<std::size_t> lengths(std::size_t k) {
  std::vector<std::size_t> all;
  for (std::size_t n = 32; n < k; n *= 2) all.push_back(n);
  all.push_back(k);
  return all;
}

double value_of(const TensorCore& row, std::uint64_t code) {
  return std::bit_cast<double>(convert(accumulator_format(row), fp64, Conversion{}, code));
}

Divergence diverge(const GemmOptions& options, const Quantized& q, std::size_t first, std::size_t second) {
  const GemmPath &p = options.paths[first].path, &r = options.paths[second].path;
  const auto instruction = static_cast<std::size_t>(std::max(p.row->instruction_k, r.row->instruction_k));
  const std::size_t outputs = q.a.rows * q.b_rows.rows, looked = std::min(outputs, traced_outputs), k = q.a.columns;
  Divergence d{first, second, looked, 0, 0};
  for (std::size_t o = 0; o < looked; ++o) {
    const std::size_t at = o * outputs / looked, i = at / q.b_rows.rows, j = at % q.b_rows.rows;
    const auto operands = [&](const GemmPath& path, const CodeMatrix& m, std::size_t index) {
      std::vector<Operand> result;
      for (std::size_t n = 0; n < k; ++n) result.push_back(read_operand(*path.row, m.format, m.code[index * k + n]));
      return result;
    };
    const auto pa = operands(p, q.a, i), pb = operands(p, q.b_rows, j), ra = operands(r, q.a, i),
               rb = operands(r, q.b_rows, j);
    for (std::size_t n = std::min(instruction, k);; n = std::min(n + instruction, k)) {
      const auto part = [&](const std::vector<Operand>& v) { return std::span(v).first(n); };
      if (value_of(*p.row, gemm_output(p, part(pa), part(pb))) !=
          value_of(*r.row, gemm_output(r, part(ra), part(rb)))) {
        ++d.differing;
        d.earliest = d.earliest == 0 ? n : std::min(d.earliest, n);
        break;
      }
      if (n == k) break;
    }
  }
  return d;
}

}  // namespace

Result<NamedPath> parse_path(std::string_view word) {
  NamedPath named{std::string(word), "", {}};
  if (word.starts_with("ideal:")) {
    named.input = word.substr(6);
    const FormatLookup found = find_format(named.input);
    if (!found.found || found.format.precision > 24 || !is_signed(found.format)) return no_path(word, "");
    named.path.row = &ideal_fp32;
    return named;
  }
  const std::size_t plus = word.find('+');
  if (plus != std::string_view::npos) {
    const std::string_view digits = word.substr(plus + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), named.path.promotion);
    if (error != std::errc{} || end != digits.data() + digits.size() || named.path.promotion < 1 ||
        named.path.promotion > 1 << 20) {
      return no_path(word, ": no number of instructions after '+'");
    }
  }
  std::vector<std::string_view> parts;
  for (std::string_view rest = word.substr(0, plus);;) {
    const std::size_t end = rest.find(':');
    parts.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (parts.size() != 4) return no_path(word, "");
  named.input = parts[2];
  named.path.row = find_tensor_core(parts[0], parts[1], parts[2], parts[2], parts[3]);
  if (named.path.row == nullptr) return no_path(word, "");
  if (!is_emulated(*named.path.row) || !named.path.row->scale.empty()) {
    return no_path(word, fmt::format(": {}", named.path.row->scale.empty() ? named.path.row->note
                                                                           : "block scales are not supported here"));
  }
  return named;
}

Result<GemmResult> replay_gemm(const Input& input, const GemmOptions& options) {
  auto a = load(input, options.a), b = load(input, options.b);
  if (!a) return a.error();
  if (!b) return b.error();
  GemmResult result;
  const bool plain = a->columns == b->rows, gradient = !plain && a->rows == b->rows;
  if (!plain && !gradient && a->columns != b->columns) {
    return Error{input.path, std::nullopt, "tensors that share an axis",
                 fmt::format("[{}, {}] and [{}, {}]", a->rows, a->columns, b->rows, b->columns)};
  }
  result.orientation = plain ? "A B" : gradient ? "A^T B" : "A B^T";
  const Values left = gather(*a, !gradient), right = gather(*b, !plain && !gradient);
  result.rows = left.rows;
  result.columns = right.rows;
  result.k = left.k;
  result.all_rows = gradient ? a->columns : a->rows;
  result.all_columns = !plain && !gradient ? b->rows : b->columns;
  const std::vector<std::size_t> ends = lengths(result.k);
  std::map<std::string, Quantized> quantized;  // by input format
  for (const NamedPath& path : options.paths) {
    if (quantized.contains(path.input)) continue;
    quantized.emplace(path.input, quantize(left, right, path.input)).first->second.find_exact(ends, options.threads);
  }
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const NamedPath& path = options.paths[p];
    const Quantized& q = quantized.at(path.input);
    result.a_scale.push_back(q.a_scale);
    result.b_scale.push_back(q.b_scale);
    for (std::size_t end = 0; end < ends.size(); ++end) {
      const std::size_t k = ends[end];
      GemmOutcome outcome{p, k, 0, 0, {}};
      Adder nearest({path.name, accumulator_format(*path.path.row)});
      const std::vector<Precise>& exact = q.exact[end];
      const std::vector<std::uint64_t> made = gemm(path.path, q.a_first(k), q.b_first(k), options.threads);
      for (std::size_t i = 0; i < made.size(); ++i) {
        const double value = value_of(*path.path.row, made[i]);
        outcome.misrounded += value == nearest.round(exact[i].high) ? 0 : 1;
        if (std::isfinite(value) && std::isfinite(exact[i].high)) {
          outcome.error.add(value, exact[i]);
        } else {
          ++outcome.not_finite;
        }
      }
      result.outcomes.push_back(std::move(outcome));
    }
    for (std::size_t other = 0; other < p; ++other) {
      if (options.paths[other].input != path.input) continue;
      result.divergences.push_back(diverge(options, q, other, p));
      break;  // the first of the same input is what the others are compared with
    }
  }
  return result;
}

}  // namespace lowp
