// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/operations.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "lowp/base/threads.h"
#include "lowp/core/formats.h"
#include "lowp/training/values.h"

namespace lowp::training {
namespace {

using Row = std::span<const double>;
using Out = std::vector<double>;
constexpr std::uint64_t most_elements = std::uint64_t{1} << 28;
constexpr std::size_t most_rows = 4096;
constexpr double layer_norm_epsilon = 1e-5, momentum = 0.1;

// FP64 in the place of an Adder: what is exact here.
struct Fp64 {
  double round(double x) { return x; }
  double add(double a, double b) { return a + b; }
  double multiply(double a, double b) { return a * b; }
  double divide(double a, double b) { return a / b; }
};

template <class Arithmetic>
double total(Arithmetic& m, Row row) {
  double sum = 0;
  for (const double x : row) sum = m.add(sum, x);
  return sum;
}
template <class Arithmetic>
double mean(Arithmetic& m, Row row) {
  return m.divide(total(m, row), m.round(static_cast<double>(row.size())));
}
template <class Arithmetic>
double variance(Arithmetic& m, Row row) {
  const double center = mean(m, row);
  double sum = 0;
  for (const double x : row) {
    const double d = m.add(x, -center);
    sum = m.add(sum, m.multiply(d, d));
  }
  return m.divide(sum, m.round(static_cast<double>(row.size())));
}
template <class Arithmetic>
double one_pass_variance(Arithmetic& m, Row row) {
  double sum = 0;
  for (const double x : row) sum = m.add(sum, m.multiply(x, x));
  const double center = mean(m, row);
  return m.add(m.divide(sum, m.round(static_cast<double>(row.size()))), -m.multiply(center, center));
}
template <class Arithmetic>
void exponentials(Arithmetic& m, Row row, double center, Out& out) {
  const std::size_t first = out.size();
  double sum = 0;
  for (const double x : row) {
    out.push_back(m.round(std::exp(m.add(x, -center))));
    sum = m.add(sum, out.back());
  }
  for (std::size_t i = first; i < out.size(); ++i) out[i] = m.divide(out[i], sum);
}
template <class Arithmetic>
void softmax(Arithmetic& m, Row row, Out& out) {
  exponentials(m, row, *std::ranges::max_element(row), out);
}
template <class Arithmetic>
void raw_softmax(Arithmetic& m, Row row, Out& out) {
  exponentials(m, row, 0, out);
}
template <class Arithmetic>
void log_sum_exp(Arithmetic& m, Row row, Out& out) {
  const double largest = *std::ranges::max_element(row);
  double sum = 0;
  for (const double x : row) sum = m.add(sum, m.round(std::exp(m.add(x, -largest))));
  out.push_back(m.add(largest, m.round(std::log(sum))));
}
template <class Arithmetic>
void layer_norm(Arithmetic& m, Row row, Out& out) {
  const double center = mean(m, row);
  const double width = m.round(std::sqrt(m.add(variance(m, row), m.round(layer_norm_epsilon))));
  for (const double x : row) out.push_back(m.divide(m.add(x, -center), width));
}
// The running mean of a batch norm that sees each element of the row as one step's mean.
template <class Arithmetic>
void running_mean(Arithmetic& m, Row row, Out& out) {
  double held = 0;
  for (const double x : row) {
    held = m.add(m.multiply(held, m.round(1 - momentum)), m.multiply(x, m.round(momentum)));
  }
  out.push_back(held);
}
template <class Arithmetic>
void put_total(Arithmetic& m, Row row, Out& out) {
  out.push_back(total(m, row));
}
template <class Arithmetic>
void put_mean(Arithmetic& m, Row row, Out& out) {
  out.push_back(mean(m, row));
}
template <class Arithmetic>
void put_variance(Arithmetic& m, Row row, Out& out) {
  out.push_back(variance(m, row));
}
template <class Arithmetic>
void put_one_pass_variance(Arithmetic& m, Row row, Out& out) {
  out.push_back(one_pass_variance(m, row));
}
template <class Arithmetic>
void sum_of_squares(Arithmetic& m, Row row, Out& out) {
  double sum = 0;
  for (const double x : row) sum = m.add(sum, m.multiply(x, x));
  out.push_back(sum);
}

// One template, two arithmetics.
#define LOWP_OPERATION(function)                                                              \
  [](Adder& adder, Row row, Out& out) { function(adder, row, out); }, [](Row row, Out& out) { \
    Fp64 exact;                                                                               \
    function(exact, row, out);                                                                \
  }
const Operation rows[] = {
    {"softmax", "largest value subtracted first", LOWP_OPERATION(softmax)},
    {"softmax (raw)", "without subtracting the largest value", LOWP_OPERATION(raw_softmax)},
    {"log-sum-exp", "largest value subtracted first", LOWP_OPERATION(log_sum_exp)},
    {"sum", "loss reduction, one after the other", LOWP_OPERATION(put_total)},
    {"mean", "of layer norm and mean losses", LOWP_OPERATION(put_mean)},
    {"variance", "two passes", LOWP_OPERATION(put_variance)},
    {"variance (1 pass)", "mean of squares minus squared mean", LOWP_OPERATION(put_one_pass_variance)},
    {"layer norm", "eps 1e-5", LOWP_OPERATION(layer_norm)},
    {"sum of squares", "norms, RMSNorm", LOWP_OPERATION(sum_of_squares)},
    {"running mean", "momentum 0.1, over the row", LOWP_OPERATION(running_mean)},
    {"batch mean", "of batch norm: one feature over all rows", LOWP_OPERATION(put_mean), true},
    {"batch variance", "of batch norm: one feature over all rows", LOWP_OPERATION(put_variance), true},
};
#undef LOWP_OPERATION

class OperationReplay {
 public:
  OperationReplay(const std::vector<Accumulator>& formats, OperationOutcome& out)
      : out_(out),
        operation_(rows[out.operation]),
        stored_(formats[out.format]),
        inside_(out.fp32_inside ? Accumulator{"fp32", ieee_format(8, 23)} : formats[out.format]),
        smallest_(
            std::ldexp(1.0, min_exponent(formats[out.format].format) - fraction_bits(formats[out.format].format))) {}

  bool wants(Row row, bool over_batch) const { return operation_.over_batch == over_batch && row.size() >= out_.terms; }
  void add(Row row) {
    if (out_.terms != 0) row = row.first(out_.terms);
    input_.assign(row.begin(), row.end());
    for (double& x : input_) x = stored_.round(x);
    if (std::ranges::any_of(input_, [](double x) { return !std::isfinite(x); })) return;
    made_.clear();
    exact_.clear();
    operation_.run(inside_, input_, made_);
    operation_.exact(input_, exact_);
    for (std::size_t i = 0; i < made_.size(); ++i) judge(stored_.round(made_[i]), exact_[i]);
  }

 private:
  void judge(double made, double exact) {
    ++out_.results;
    if (!std::isfinite(made) && std::isfinite(exact)) {
      ++out_.not_finite;
    } else if (std::isfinite(made) && std::isfinite(exact)) {
      out_.flushed += made == 0 && std::abs(exact) >= smallest_ ? 1 : 0;
      out_.error.add(made, {exact, 0});
    }
  }

  OperationOutcome& out_;
  const Operation& operation_;
  Adder stored_, inside_;
  const double smallest_;
  std::vector<double> input_, made_, exact_;
};

}  // namespace

std::span<const Operation> operations() {
  return rows;
}

namespace {

constexpr std::size_t longest_growth = std::size_t{1} << 20;

// Rows of the last axis, and the features across them; both evenly chosen.
struct Rows {
  std::vector<std::vector<double>> rows, features;
};
Rows rows_of(const TensorView& view, const std::vector<double>& values) {
  Rows all;
  const std::size_t length = view.shape.empty() ? 1 : static_cast<std::size_t>(view.shape.back());
  const std::size_t count = values.size() / length, kept = std::min(count, most_rows);
  for (std::size_t i = 0; i < kept; ++i) {
    const Row row = Row(values).subspan(i * count / kept * length, length);
    all.rows.emplace_back(row.begin(), row.end());
  }
  const std::size_t features = count < 2 ? 0 : std::min(length, most_rows);
  for (std::size_t j = 0; j < features; ++j) {
    std::vector<double>& feature = all.features.emplace_back();
    for (std::size_t i = 0; i < count; ++i) feature.push_back(values[i * length + j * length / features]);
  }
  return all;
}

OperationOutcome outcome_of(std::size_t format, std::size_t operation, bool inside, std::size_t terms) {
  OperationOutcome outcome;
  outcome.format = format;
  outcome.operation = operation;
  outcome.fp32_inside = inside;
  outcome.terms = terms;
  return outcome;
}

std::size_t longest_row(const Input& input) {
  std::uint64_t longest = 2;
  for (const TensorView& view : input.tensors) {
    if (view.elements == 0 || view.shape.empty()) continue;
    longest = std::max({longest, std::uint64_t{view.shape.back()}, view.elements / view.shape.back()});
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(longest, longest_growth));
}

Result<OperationsResult> replay(const Input& input, const std::vector<Accumulator>& formats) {
  OperationsResult result;
  for (std::size_t f = 0; f < formats.size(); ++f) {
    for (std::size_t op = 0; op < std::size(rows); ++op) {
      for (const bool inside : {false, true}) result.outcomes.push_back(outcome_of(f, op, inside, 0));
      for (std::size_t n = 2; n <= longest_row(input); n *= 2) result.growth.push_back(outcome_of(f, op, false, n));
    }
  }
  std::vector<OperationReplay> replays;
  for (OperationOutcome& outcome : result.outcomes) replays.emplace_back(formats, outcome);
  for (OperationOutcome& outcome : result.growth) replays.emplace_back(formats, outcome);
  for (const TensorView& view : input.tensors) {
    auto values = read_values(input, view, most_elements);
    if (!values) return values.error();
    if (values->empty()) continue;
    const Rows all = rows_of(view, *values);
    ++result.tensors;
    result.rows += all.rows.size();
    tbb::parallel_for(std::size_t{0}, replays.size(), [&](std::size_t i) {
      for (const bool over_batch : {false, true}) {
        for (const std::vector<double>& row : over_batch ? all.features : all.rows) {
          if (replays[i].wants(row, over_batch)) replays[i].add(row);
        }
      }
    });
  }
  if (result.tensors == 0) return Error{input.path, std::nullopt, "a tensor with elements", "none"};
  return result;
}

}  // namespace

Result<OperationsResult> replay_operations(const Input& input, const std::vector<Accumulator>& formats, int threads) {
  return on_threads(threads, [&] { return replay(input, formats); });
}

}  // namespace lowp::training
