// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/gemm_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lowp/report/humanize.h"
#include "lowp/training/cells.h"

namespace lowp {
namespace {

const GemmOutcome& complete(const GemmResult& result, std::size_t path) {
  for (const GemmOutcome& o : result.outcomes) {
    if (o.path == path && o.k == result.k) return o;
  }
  return result.outcomes.back();
}

// The least and the most exact path.
std::string headline(const GemmOptions& options, const GemmResult& result) {
  const auto error = [&](std::size_t p) { return complete(result, p).error.relative_size().value_or(0); };
  std::size_t worst = 0, best = 0, broken = 0;
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    if (error(p) > error(worst)) worst = p;
    if (error(p) < error(best)) best = p;
    broken += complete(result, p).not_finite != 0 ? 1 : 0;
  }
  std::string text = fmt::format("Adding {} products per output, {} errs by {} of the outputs' size, {} by {}.",
                                 result.k, options.paths[worst].name, relative_text(error(worst)),
                                 options.paths[best].name, relative_text(error(best)));
  if (broken != 0) text += fmt::format(" {} gave Inf or NaN.", counted(broken, "path", "paths"));
  return text;
}

std::string what_was_read(const StepSeries& series, const GemmOptions& options, const GemmResult& result) {
  std::string text =
      fmt::format("{}: {} with A = {}, B = {}; {} x {} outputs of {} products each.", sources_text(series),
                  result.orientation, options.a, options.b, result.all_rows, result.all_columns, result.k);
  if (result.rows != result.all_rows || result.columns != result.all_columns) {
    text += fmt::format(" Computed: {} x {} of them, evenly chosen.", result.rows, result.columns);
  }
  return text;
}

Grid error_grid(const GemmOptions& options, const GemmResult& result) {
  Grid grid{"Error of the sums against the exact product of the same rounded inputs",
            {"instruction path", "grade", "typical error", "worst 1 %", "bias", "SNR", "Inf/NaN"},
            2,
            {}};
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const GemmOutcome& o = complete(result, p);
    grid.rows.push_back({{options.paths[p].name, std::string(grade_text(options.paths[p].path.row->grade).substr(0, 1)),
                          relative_text(o.error.relative_quantile(0.5)), relative_text(o.error.relative_quantile(0.99)),
                          relative_text(o.error.bias()), decibel_text(o.error.snr_db()), grouped(o.not_finite)},
                         {}});
  }
  return grid;
}

Grid growth_grid(const GemmOptions& options, const GemmResult& result) {
  Grid grid{"Growth with K: SNR after so many products", {"instruction path"}, 1, {}};
  for (const GemmOutcome& o : result.outcomes) {
    if (o.path == 0) grid.header.push_back(fmt::format("{}", o.k));
  }
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    GridRow row{{options.paths[p].name}, {}};
    for (const GemmOutcome& o : result.outcomes) {
      if (o.path == p) row.cells.push_back(decibel_text(o.error.snr_db()));
    }
    grid.rows.push_back(std::move(row));
  }
  return grid;
}

std::string divergence_text(const GemmOptions& options, const Divergence& d) {
  const std::string pair = fmt::format("{} and {}", options.paths[d.first].name, options.paths[d.second].name);
  if (d.differing == 0) return fmt::format("{} agree in all {} outputs looked at.", pair, d.outputs);
  const std::size_t before = (d.earliest - 1) / d.instruction;
  return fmt::format("{} part in {} of {} outputs looked at, at the earliest in instruction {} (products {} to {}).",
                     pair, d.differing, d.outputs, grouped(before + 1), grouped(before * d.instruction + 1),
                     grouped(d.earliest));
}

// Grade, source and note of each row in use, once.
std::vector<std::string> evidence(const GemmOptions& options) {
  std::vector<std::pair<std::string, std::string>> names_by_text;
  for (const NamedPath& path : options.paths) {
    const TensorCore& row = *path.path.row;
    const std::string note = row.note.empty() ? "" : fmt::format("; {}", row.note);
    const std::string text = fmt::format("{} ({}){}", grade_text(row.grade), row.source, note);
    auto found = std::ranges::find(names_by_text, text, [](const auto& pair) { return pair.first; });
    if (found == names_by_text.end()) found = names_by_text.insert(found, {text, ""});
    found->second += (found->second.empty() ? "" : ", ") + path.name;
  }
  std::vector<std::string> lines;
  for (const auto& [text, names] : names_by_text) lines.push_back(fmt::format("{}: {}", names, text));
  return lines;
}

Table paths_table(const GemmOptions& options, const GemmResult& result) {
  Table table{"paths",
              {"name", "architecture", "instruction_path", "input", "accumulator", "promotion", "split", "grade",
               "source", "note", "a_scale_log2", "b_scale_log2"},
              {},
              false};
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const NamedPath& path = options.paths[p];
    const TensorCore& row = *path.path.row;
    const auto scale = [&](int log2) { return path.block ? null_cell("one per block") : integer_cell(log2); };
    table.rows.push_back({text_cell(path.name), text_cell(row.architecture), text_cell(row.path), text_cell(path.input),
                          text_cell(row.accumulator), integer_cell(path.path.promotion), integer_cell(path.split),
                          text_cell(grade_text(row.grade)), text_cell(row.source), text_cell(row.note),
                          scale(result.a_scale[p]), scale(result.b_scale[p])});
  }
  return table;
}

Table outcomes_table(const GemmOptions& options, const GemmResult& result) {
  Table table{"products",
              {"path", "k", "outputs", "not_finite", "misrounded", "exact", "relative_error.median",
               "relative_error.p99", "relative_error.max", "bias", "snr_db"},
              {},
              false};
  for (const GemmOutcome& o : result.outcomes) {
    constexpr std::string_view none = "no output that is not zero";
    table.rows.push_back(
        {text_cell(options.paths[o.path].name), count_cell(o.k), count_cell(o.error.count()), count_cell(o.not_finite),
         count_cell(o.misrounded), count_cell(o.error.exact_count()), real_cell(o.error.relative_quantile(0.5), none),
         real_cell(o.error.relative_quantile(0.99), none), real_cell(o.error.largest_relative(), none),
         real_cell(o.error.bias(), "no signal"), real_cell(o.error.snr_db(), "no error or no signal")});
  }
  return table;
}

Table divergences_table(const GemmOptions& options, const GemmResult& result) {
  Table table{
      "divergences", {"first", "second", "outputs", "differing", "earliest_instruction", "earliest_k"}, {}, false};
  for (const Divergence& d : result.divergences) {
    table.rows.push_back({text_cell(options.paths[d.first].name), text_cell(options.paths[d.second].name),
                          count_cell(d.outputs), count_cell(d.differing),
                          d.differing == 0 ? null_cell("they agree") : count_cell((d.earliest - 1) / d.instruction + 1),
                          d.differing == 0 ? null_cell("they agree") : count_cell(d.earliest)});
  }
  return table;
}

// A panel for each input format, a line for each path.
Figure figure(const StepSeries& series, const GemmOptions& options, const GemmResult& result) {
  Figure figure{
      "Error of matrix products as they get longer",
      fmt::format("{}: {} with A = {}, B = {}", sources_text(series), result.orientation, options.a, options.b),
      "products per output (K)",
      "relative error (RMS)",
      {}};
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    auto panel = std::ranges::find(figure.panels, options.paths[p].input, &Panel::title);
    const bool is_new = panel == figure.panels.end();
    if (is_new) {
      figure.panels.emplace_back().title = options.paths[p].input;
      panel = figure.panels.end() - 1;
    }
    Line line{options.paths[p].name, {}};
    for (const GemmOutcome& o : result.outcomes) {
      if (o.path != p) continue;
      if (is_new) panel->x.push_back(std::log2(static_cast<double>(o.k)));
      line.value.push_back(o.error.relative_size().value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    panel->lines.push_back(std::move(line));
  }
  return figure;
}

}  // namespace

Report gemm_report(const StepSeries& series, const GemmOptions& options, const GemmResult& result,
                   std::string_view tool_version) {
  Report report;
  report.tables = {tool_table(tool_version), inputs_table(series), paths_table(options, result),
                   outcomes_table(options, result), divergences_table(options, result)};
  report.story = {Paragraph{headline(options, result), 0, 2}, Paragraph{what_was_read(series, options, result), 0, 2},
                  error_grid(options, result), growth_grid(options, result)};
  if (!result.divergences.empty()) report.story.push_back(Heading{"Where paths part"});
  for (const Divergence& d : result.divergences) {
    report.story.push_back(Paragraph{divergence_text(options, d), 2, 2});
  }
  report.story.push_back(Heading{"Not covered"});
  const auto say = [&](std::string text) { report.story.push_back(Paragraph{std::move(text), 2, 2}); };
  say("Rounding the inputs: each tensor was multiplied by the power of two that fits it to the input format (mx, nv: "
      "each block by its scale), rounded, and the product of the rounded numbers is the truth here.");
  say("Which path, tile order and split a library picks; k is taken in order.");
  say(fmt::format("Signs of zero, {}.", open_zero_signs));
  report.story.push_back(Heading{"How well the paths are known"});
  for (const std::string& text : evidence(options)) say(text);
  report.figures = {figure(series, options, result)};
  return report;
}

}  // namespace lowp
