// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "lowp/accumulate/cells.h"
#include "lowp/accumulate/exact_sum.h"
#include "lowp/accumulate/sums.h"
#include "lowp/accumulate/values.h"
#include "lowp/core/formats.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr std::uint64_t chunk_elements = 1 << 16;  // of PyTorch's multi-tensor kernels
constexpr double epsilon = 1e-6;                   // of clip_grad_norm_

double coefficient(double norm, double max_norm) {
  return std::min(1.0, max_norm / (norm + epsilon));
}

// One way to compute the norm: chunks, then a tensor's chunks, its root in the storage format, then all tensors.
class NormReplay {
 public:
  NormReplay(const NormOptions& options, NormOutcome& out)
      : options_(options),
        out_(out),
        stored_(options.formats[out.format]),
        inside_(out.fp32_inside ? Accumulator{"fp32", ieee_format(8, 23)} : options.formats[out.format]),
        scale_(out.scaled ? std::ldexp(1.0, options.scale_log2) : 1) {}

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
    out_.coefficient = coefficient(out_.norm, options_.max_norm);
  }

 private:
  const NormOptions& options_;
  NormOutcome& out_;
  Adder stored_, inside_;
  const double scale_;
  std::vector<double> squares_, chunk_sums_, norms_;
};

std::vector<const TensorView*> gradients(const Input& input) {
  std::vector<const TensorView*> named, all;
  for (const TensorView& view : input.tensors) {
    all.push_back(&view);
    if (view.name.starts_with("grad/")) named.push_back(&view);
  }
  return named.empty() ? all : named;
}

std::string way_text(const NormOptions& options, const NormOutcome& o) {
  const std::string& name = options.formats[o.format].name;
  return name == "fp32" || !o.fp32_inside ? fmt::format("{} throughout", name) : fmt::format("{}, sums in fp32", name);
}

std::string number(double x) {
  return std::isfinite(x) ? fmt::format("{:.6g}", x) : x > 0 ? "Inf" : "NaN";
}

double norm_of_dump(const NormOptions& options, const NormOutcome& o) {
  return o.scaled ? std::ldexp(o.norm, -options.scale_log2) : o.norm;
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
      number(coefficient(std::ldexp(r.exact_norm, options.scale_log2), options.max_norm)), number(r.exact_coefficient));
}

Grid norm_grid(const NormOptions& options, const NormResult& r, bool scaled) {
  Grid grid{scaled ? fmt::format("Gradients still multiplied by {}: the norm, unscaled afterwards for comparison",
                                 power_text(options.scale_log2))
                   : "Gradients as dumped",
            {"gradients in", "norm", "error", "clip coefficient"},
            1,
            {}};
  for (const NormOutcome& o : r.outcomes) {
    if (o.scaled != scaled) continue;
    const double norm = norm_of_dump(options, o);
    grid.rows.push_back(
        {{way_text(options, o), number(norm),
          std::isfinite(norm) && r.exact_norm > 0 ? relative_text((norm - r.exact_norm) / r.exact_norm) : "-",
          number(o.coefficient)},
         {}});
  }
  return grid;
}

}  // namespace

Result<NormResult> replay_norm(const Input& input, const NormOptions& options) {
  NormResult result;
  for (const bool scaled : {false, true}) {
    for (std::size_t f = 0; f < options.formats.size(); ++f) {
      result.outcomes.push_back({f, true, scaled, 0, 0});
      if (options.formats[f].name != "fp32") result.outcomes.push_back({f, false, scaled, 0, 0});
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
      for (NormReplay& replay : replays) replay.add_chunk(values);
    }
    for (NormReplay& replay : replays) replay.end_tensor();
  }
  for (NormReplay& replay : replays) replay.end();
  result.exact_norm = std::sqrt(squares.to_double());
  result.exact_coefficient = coefficient(result.exact_norm, options.max_norm);
  return result;
}

Report norm_report(const StepSeries& series, const NormOptions& options, const std::vector<NormResult>& results,
                   std::string_view tool_version) {
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
                            text_cell(options.formats[o.format].name), Cell{o.fp32_inside},
                            integer_cell(o.scaled ? options.scale_log2 : 0), real_cell(o.norm, ""),
                            real_cell(results[i].exact_norm, ""), real_cell(o.coefficient, ""),
                            real_cell(results[i].exact_coefficient, ""), count_cell(results[i].nonfinite)});
    }
  }
  report.tables = {tool_table(tool_version), inputs_table(series), std::move(table)};
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
      norm_grid(options, last, false),
      norm_grid(options, last, true),
      Heading{"Not covered"},
      Paragraph{"Sums as clip_grad_norm_ of PyTorch on a GPU makes them (one block of 512 threads per chunk "
                "of 65,536 values; grade D for those shapes). Reductions over ranks are not included.",
                2, 2}};
  if (last.nonfinite != 0) {
    report.story.push_back(Paragraph{
        fmt::format("{} NaN or Inf left out; a real norm would be NaN or Inf.", grouped(last.nonfinite)), 2, 2});
  }
  return report;
}

}  // namespace lowp
