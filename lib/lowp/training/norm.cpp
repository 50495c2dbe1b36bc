// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/norm.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "lowp/accumulate/sums.h"
#include "lowp/base/threads.h"
#include "lowp/core/formats.h"
#include "lowp/exact/exact_sum.h"
#include "lowp/report/humanize.h"
#include "lowp/training/training_words.h"
#include "lowp/training/values.h"

namespace lowp::training {
namespace {

constexpr std::uint64_t chunk_elements = 1 << 16;  // of PyTorch's multi-tensor kernels
constexpr double epsilon = 1e-6;                   // of clip_grad_norm_
constexpr Format fp32 = ieee_format(8, 23);

double exact_coefficient(double norm, double max_norm) {
  return std::min(1.0, max_norm / (norm + epsilon));
}

// clip_grad_norm_ computes it on a tensor of the gradients' type: the sum, its reciprocal (max_norm / tensor is
// reciprocal times max_norm) and the product are rounded, each from FP32.
double coefficient(Adder& stored, double norm, double max_norm) {
  Adder wide({"fp32", stored.how().format.precision > 24 ? stored.how().format : fp32});
  const double sum = stored.round(wide.add(norm, wide.round(epsilon)));
  const double reciprocal = stored.round(wide.divide(1, sum));
  return std::min(1.0, stored.round(wide.multiply(reciprocal, wide.round(max_norm))));
}

// One way to compute the norm: chunks, then a tensor's chunks, its root in the storage format, then all tensors.
class NormReplay {
 public:
  NormReplay(const NormOptions& options, NormOutcome& out)
      : options_(options),
        out_(out),
        stored_(options.formats[out.format]),
        inside_(out.fp32_inside ? Accumulator{"fp32", fp32} : options.formats[out.format]),
        scale_(std::ldexp(1.0, out.scale_log2)) {}

  void add_chunk(const std::vector<double>& values) {
    squares_.clear();
    for (const double x : values) {
      if (!std::isfinite(x)) continue;
      const double g = stored_.round(x * scale_);
      squares_.push_back(inside_.multiply(g, g));
    }
    chunk_sums_.push_back(sum_in_order(SumOrder::torch_cuda, {}, inside_, squares_));
  }
  void end_tensor() {
    const double sum = sum_in_order(SumOrder::sequential, {}, inside_, chunk_sums_);
    const double norm = stored_.round(std::sqrt(sum));
    norms_.push_back(inside_.multiply(norm, norm));
    chunk_sums_.clear();
  }
  void end() {
    out_.norm = stored_.round(std::sqrt(sum_in_order(SumOrder::torch_cuda, {}, inside_, norms_)));
    out_.coefficient = coefficient(stored_, out_.norm, options_.max_norm);
  }

 private:
  const NormOptions& options_;
  NormOutcome& out_;
  Adder stored_, inside_;
  const double scale_;
  std::vector<double> squares_, chunk_sums_, norms_;
};

std::vector<int> scales_of(const NormOptions& options) {
  std::vector<int> scales{options.scale_log2};
  for (int scale = 0; scale <= 32; scale += 4) scales.push_back(scale);
  std::ranges::sort(scales);
  scales.erase(std::ranges::unique(scales).begin(), scales.end());
  return scales;
}

std::vector<const TensorView*> gradients(const Input& input) {
  std::vector<const TensorView*> named, all;
  for (const TensorView& view : input.tensors) {
    all.push_back(&view);
    if (view.name.starts_with("grad/")) named.push_back(&view);
  }
  return named.empty() ? all : named;
}

std::string way_text(const NormOptions& options, const NormOutcome& o) {
  const Accumulator& stored = options.formats[o.format];
  if (stored.format == fp32 || !o.fp32_inside) return stored.name + " throughout";
  return stored.name + ", sums in fp32";
}

std::string number(double x) {
  return std::isfinite(x) ? fmt::format("{:.6g}", x) : x > 0 ? "Inf" : "NaN";
}

double norm_of_dump(const NormOutcome& o) {
  return std::ldexp(o.norm, -o.scale_log2);
}

std::string headline(const NormOptions& options, const NormResult& r) {
  const bool clips = r.exact_coefficient < 1;
  return fmt::format(
      "The gradient norm is {}; {}. Clipping before unscaling, at scale {}, would multiply the gradients "
      "by {} instead of {}.",
      number(r.exact_norm),
      clips ? fmt::format("max_norm {} multiplies the gradients by {}", options.max_norm, number(r.exact_coefficient))
            : fmt::format("max_norm {} leaves them as they are", options.max_norm),
      power_text(options.scale_log2),
      number(exact_coefficient(std::ldexp(r.exact_norm, options.scale_log2), options.max_norm)),
      number(r.exact_coefficient));
}

std::optional<double> norm_error(const NormResult& r, const NormOutcome& o) {
  const double norm = norm_of_dump(o);
  if (!std::isfinite(norm) || r.exact_norm == 0) return {};
  return (norm - r.exact_norm) / r.exact_norm;
}

Grid norm_grid(const NormOptions& options, const NormResult& r, int scale_log2) {
  Grid grid{scale_log2 != 0
                ? fmt::format("Gradients still multiplied by {}: the norm, unscaled afterwards for comparison",
                              power_text(scale_log2))
                : "Gradients as dumped",
            {"gradients in", "norm", "error", "clip coefficient"},
            1,
            {}};
  for (const NormOutcome& o : r.outcomes) {
    if (o.scale_log2 != scale_log2) continue;
    grid.rows.push_back(
        {{way_text(options, o), number(norm_of_dump(o)), relative_text(norm_error(r, o)), number(o.coefficient)}, {}});
  }
  return grid;
}

// A line for each way, over the scales.
template <class Value>
Panel panel_over_scales(const NormOptions& options, const NormResult& r, Value value) {
  Panel panel;
  panel.has_marker = true;
  panel.marker = options.scale_log2;
  panel.marker_label = "scale " + power_text(options.scale_log2);
  for (const int scale : scales_of(options)) panel.x.push_back(scale);
  for (const NormOutcome& o : r.outcomes) {
    auto line = std::ranges::find(panel.lines, way_text(options, o), &Line::label);
    if (line == panel.lines.end()) line = panel.lines.insert(line, {way_text(options, o), {}});
    line->value.push_back(value(o));
  }
  return panel;
}

Figure coefficient_figure(const StepSeries& series, const NormOptions& options, const NormResult& r) {
  Panel panel = panel_over_scales(options, r, [](const NormOutcome& o) { return o.coefficient; });
  panel.title = fmt::format("max_norm {}", options.max_norm);
  panel.remark = "0: the norm overflows and every gradient becomes 0";
  panel.lines.insert(panel.lines.begin(), {"unscaled first", std::vector<double>(panel.x.size(), r.exact_coefficient)});
  return {"Clipping before unscaling: what gradients are multiplied by",
          series.inputs.back().path,
          "gradients still multiplied by",
          "clip coefficient",
          {std::move(panel)}};
}

Figure error_figure(const StepSeries& series, const NormOptions& options, const NormResult& r) {
  Panel panel = panel_over_scales(options, r, [&](const NormOutcome& o) {
    const auto error = norm_error(r, o);
    return error ? std::abs(*error) : std::numeric_limits<double>::quiet_NaN();
  });
  panel.title = "Error of the norm, unscaled afterwards";
  panel.remark = "lines end where the norm overflows";
  return {"The gradient norm in each precision",
          series.inputs.back().path,
          "gradients still multiplied by",
          "relative error",
          {std::move(panel)}};
}

Result<NormResult> replay(const Input& input, const NormOptions& options) {
  NormResult result;
  for (const int scale : scales_of(options)) {
    for (std::size_t f = 0; f < options.formats.size(); ++f) {
      result.outcomes.push_back({f, true, scale, 0, 0});
      if (options.formats[f].format != fp32) result.outcomes.push_back({f, false, scale, 0, 0});
    }
  }
  std::vector<NormReplay> replays;
  for (NormOutcome& outcome : result.outcomes) replays.emplace_back(options, outcome);
  ExactSum squares;
  for (const TensorView* view : gradients(input)) {
    auto reader = ValueReader::open(input, *view);
    if (!reader) return reader.error();
    ++result.tensors;
    std::vector<double> values;
    while (reader->left() != 0) {
      values.clear();
      if (auto done = reader->read(chunk_elements, values); !done) return done.error();
      for (const double x : values) {
        const Exact exact = decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(x));
        ++result.values;
        if (std::isfinite(x)) {
          squares.add_product(exact, exact);
        } else {
          ++result.nonfinite;
        }
      }
      tbb::parallel_for(std::size_t{0}, replays.size(), [&](std::size_t i) { replays[i].add_chunk(values); });
    }
    for (NormReplay& replay : replays) replay.end_tensor();
  }
  for (NormReplay& replay : replays) replay.end();
  result.exact_norm = std::sqrt(squares.to_double());
  result.exact_coefficient = exact_coefficient(result.exact_norm, options.max_norm);
  return result;
}

}  // namespace

Result<NormResult> replay_norm(const Input& input, const NormOptions& options) {
  return on_threads(options.threads, [&] { return replay(input, options); });
}

Report norm_report(const StepSeries& series, const NormOptions& options, const std::vector<NormResult>& results) {
  Report report;
  Table table{"norms",
              {"path", "step", "format", "fp32_inside", "scale_log2", "norm", "exact_norm", "coefficient",
               "exact_coefficient", "nonfinite"},
              {},
              false};
  for (std::size_t i = 0; i < results.size(); ++i) {
    for (const NormOutcome& o : results[i].outcomes) {
      table.rows.push_back({text_cell(series.inputs[i].path),
                            series.inputs[i].step ? integer_cell(*series.inputs[i].step) : null_cell("not known"),
                            text_cell(options.formats[o.format].name), Cell{o.fp32_inside}, integer_cell(o.scale_log2),
                            real_cell(o.norm, ""), real_cell(results[i].exact_norm, ""), real_cell(o.coefficient, ""),
                            real_cell(results[i].exact_coefficient, ""), count_cell(results[i].nonfinite)});
    }
  }
  report.tables = {std::move(table)};
  const NormResult& last = results.back();
  report.story = {
      Paragraph{headline(options, last), 0, 2},
      Paragraph{fmt::format("{}: {} with {} values{}.", series.inputs.back().path,
                            counted(last.tensors, "tensor", "tensors"), grouped(last.values),
                            results.size() > 1 ? fmt::format("; the last of {} dumps, all of them are in "
                                                             "the JSON and CSV output",
                                                             results.size())
                                               : ""),
                0, 2},
      norm_grid(options, last, 0),
      norm_grid(options, last, options.scale_log2),
      Heading{"Not covered"},
      Paragraph{"Sums as clip_grad_norm_ of PyTorch on a GPU makes them (one block of 512 threads per chunk "
                "of 65,536 values; from source, not run). The clip coefficient is rounded to the gradients' format as "
                "torch rounds it. Reductions over ranks are not included.",
                2, 2}};
  if (options.scale_log2 == 0) report.story.erase(report.story.begin() + 3);  // the same grid twice
  report.figures = {coefficient_figure(series, options, last), error_figure(series, options, last)};
  if (last.nonfinite != 0) {
    report.story.push_back(Paragraph{
        fmt::format("{} NaN or Inf left out; a real norm would be NaN or Inf.", grouped(last.nonfinite)), 2, 2});
  }
  return report;
}

}  // namespace lowp::training
