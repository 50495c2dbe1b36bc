// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/gemm_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lowp/report/humanize.h"
#include "lowp/training/training_words.h"

namespace lowp::training {
namespace {

const GemmOutcome& complete(const GemmResult& result, std::size_t path) {
  for (const GemmOutcome& o : result.outcomes) {
    if (o.path == path && o.k == result.k) return o;
  }
  return result.outcomes.back();
}

std::string size_text(const ErrorStatistics& error) {
  return relative_text(error.relative_size());
}

// "3.1 % in all: rounding the inputs 3.1 %, adding 0.13 %, storing in bf16 0.17 %"
std::string stages_text(const GemmResult& result, std::size_t path) {
  const GemmOutcome& o = complete(result, path);
  return fmt::format("{} in all: rounding the inputs {}, adding {}, storing in {} {}", size_text(o.total),
                     size_text(o.inputs), size_text(o.error), result.stored_in[path].name, size_text(o.storing));
}

// The least and the most exact path.
std::string headline(const GemmOptions& options, const GemmResult& result) {
  const auto error = [&](std::size_t p) { return complete(result, p).total.relative_size().value_or(0); };
  std::size_t worst = 0, best = 0, broken = 0;
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    if (error(p) > error(worst)) worst = p;
    if (error(p) < error(best)) best = p;
    broken += complete(result, p).not_finite != 0 ? 1 : 0;
  }
  std::string text = fmt::format("{} errs by {}.", options.paths[worst].name, stages_text(result, worst));
  if (best != worst) text += fmt::format(" {} errs by {}.", options.paths[best].name, stages_text(result, best));
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

// "recorded" or "recorded; split: one source"
std::string grade_words(const NamedPath& path) {
  const std::string instruction(grade_word(path.path.row->grade));
  if (path.rule == nullptr) return instruction;
  return fmt::format("{}; split: {}", instruction, grade_word(path.rule->grade));
}

Grid stage_grid(const GemmOptions& options, const GemmResult& result) {
  Grid grid{"Error of each stage, of the outputs' size (RMS): of the inputs and in all against the values as dumped",
            {"instruction path", "inputs", "instruction", "with split", "stored in", "storing", "in all", "SNR"},
            2,
            {}};
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const GemmOutcome& o = complete(result, p);
    const bool split = options.paths[p].split.parts != 1;
    grid.rows.push_back(
        {{options.paths[p].name, size_text(o.inputs), size_text(o.instruction), split ? size_text(o.error) : "-",
          result.stored_in[p].name, size_text(o.storing), size_text(o.total), decibel_text(o.total.snr_db())},
         {}});
  }
  return grid;
}

Grid error_grid(const GemmOptions& options, const GemmResult& result) {
  Grid grid{"Sums against the exact product of the same rounded inputs",
            {"instruction path", "known", "typical error", "worst 1 %", "max/mean", "bias", "SNR", "Inf/NaN"},
            2,
            {}};
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const GemmOutcome& o = complete(result, p);
    grid.rows.push_back(
        {{options.paths[p].name, grade_words(options.paths[p]), relative_text(o.error.relative_quantile(0.5)),
          relative_text(o.error.relative_quantile(0.99)), relative_text(o.error.largest_of_mean()),
          relative_text(o.error.bias()), decibel_text(o.error.snr_db()), grouped(o.not_finite)},
         {}});
  }
  return grid;
}

Grid growth_grid(const GemmOptions& options, const GemmResult& result) {
  Grid grid{"Growth with K: SNR of the sums after so many products", {"instruction path"}, 1, {}};
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

// Grade, source and note of each row in use, once; of splits too.
std::vector<std::string> evidence(const GemmOptions& options) {
  std::vector<std::pair<std::string, std::string>> names_by_text;
  const auto say = [&](const std::string& name, std::string text) {
    auto found = std::ranges::find(names_by_text, text, [](const auto& pair) { return pair.first; });
    if (found == names_by_text.end()) found = names_by_text.insert(found, {text, ""});
    found->second += (found->second.empty() ? "" : ", ") + name;
  };
  for (const NamedPath& path : options.paths) {
    const TensorCore& row = *path.path.row;
    const std::string note = row.note.empty() ? "" : fmt::format("; {}", row.note);
    say(path.name, fmt::format("{} ({}){}", grade_text(row.grade), row.source, note));
    if (path.rule != nullptr) {
      say(path.name, fmt::format("how K is split: {} ({})", grade_text(path.rule->grade), path.rule->source));
    }
  }
  std::vector<std::string> lines;
  for (const auto& [text, names] : names_by_text) lines.push_back(fmt::format("{}: {}", names, text));
  return lines;
}

std::string_view order_word(const NamedPath& path) {
  return path.split.order == TileOrder::interleaved ? "interleaved" : "contiguous";
}
std::string_view combination_word(const NamedPath& path) {
  return path.split.combination == Combination::pairwise ? "pairwise" : "serial";
}

Table paths_table(const GemmOptions& options, const GemmResult& result) {
  Table table{
      "paths",
      {"name",        "architecture", "instruction_path",  "input",        "accumulator", "promotion",        "split",
       "split_order", "split_tile",   "split_combination", "split_format", "split_grade", "split_source",     "grade",
       "source",      "note",         "a_scale_log2",      "b_scale_log2", "result",      "result_scale_log2"},
      {},
      false};
  for (std::size_t p = 0; p < options.paths.size(); ++p) {
    const NamedPath& path = options.paths[p];
    const TensorCore& row = *path.path.row;
    const auto scale = [&](int log2) {
      if (path.recipe != nullptr) return null_cell("the recipe's");
      return path.block != nullptr ? null_cell("one per block") : integer_cell(log2);
    };
    const auto of_split = [&](auto value) { return path.rule == nullptr ? null_cell("K is not split") : value(); };
    const int tile = path.split.tile == 0 ? row.instruction_k : path.split.tile;
    table.rows.push_back({text_cell(path.name),
                          text_cell(row.architecture),
                          text_cell(row.path),
                          text_cell(path.input),
                          text_cell(row.accumulator),
                          integer_cell(path.path.promotion),
                          integer_cell(path.split.parts),
                          of_split([&] { return text_cell(order_word(path)); }),
                          of_split([&] { return integer_cell(tile); }),
                          of_split([&] { return text_cell(combination_word(path)); }),
                          of_split([&] { return text_cell(format_name(path.split.partial)); }),
                          of_split([&] { return text_cell(grade_text(path.rule->grade)); }),
                          of_split([&] { return text_cell(path.rule->source); }),
                          text_cell(grade_text(row.grade)),
                          text_cell(row.source),
                          text_cell(row.note),
                          scale(result.a_scale[p]),
                          scale(result.b_scale[p]),
                          text_cell(result.stored_in[p].name),
                          integer_cell(result.result_scale[p])});
  }
  return table;
}

Table outcomes_table(const GemmOptions& options, const GemmResult& result) {
  Table table{"products",
              {"path", "k", "outputs", "not_finite", "misrounded", "exact", "relative_error.median",
               "relative_error.p99", "relative_error.max", "relative_error.max_of_mean", "bias", "snr_db",
               "inputs.relative_size", "instruction.relative_size", "sums.relative_size", "storing.relative_size",
               "total.relative_size", "total.snr_db"},
              {},
              false};
  for (const GemmOutcome& o : result.outcomes) {
    constexpr std::string_view none = "no output that is not zero";
    const auto size = [&](const ErrorStatistics& error) { return real_cell(error.relative_size(), "no signal"); };
    table.rows.push_back(
        {text_cell(options.paths[o.path].name), count_cell(o.k), count_cell(o.error.count()), count_cell(o.not_finite),
         count_cell(o.misrounded), count_cell(o.error.exact_count()), real_cell(o.error.relative_quantile(0.5), none),
         real_cell(o.error.relative_quantile(0.99), none), real_cell(o.error.largest_relative(), none),
         real_cell(o.error.largest_of_mean(), "no signal"), real_cell(o.error.bias(), "no signal"),
         real_cell(o.error.snr_db(), "no error or no signal"), size(o.inputs), size(o.instruction), size(o.error),
         size(o.storing), size(o.total), real_cell(o.total.snr_db(), "no error or no signal")});
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

Report gemm_report(const StepSeries& series, const GemmOptions& options, const GemmResult& result) {
  Report report;
  report.tables = {paths_table(options, result), outcomes_table(options, result), divergences_table(options, result)};
  report.story = {Paragraph{headline(options, result), 0, 2}, Paragraph{what_was_read(series, options, result), 0, 2},
                  stage_grid(options, result), error_grid(options, result), growth_grid(options, result)};
  if (!result.divergences.empty()) report.story.push_back(Heading{"Where paths part"});
  for (const Divergence& d : result.divergences) {
    report.story.push_back(Paragraph{divergence_text(options, d), 2, 2});
  }
  report.story.push_back(Heading{"Not covered"});
  const auto say = [&](std::string text) { report.story.push_back(Paragraph{std::move(text), 2, 2}); };
  const auto fitted = [](const NamedPath& path) { return path.recipe == nullptr; };
  if (std::ranges::any_of(options.paths, fitted)) {
    say("Scales: where no recipe is named, each tensor was multiplied by the power of two that fits it to the input "
        "format (MX and NVFP4: each block by its scale); other scales round the inputs otherwise.");
  }
  say("Which path and which split a library picks for these shapes.");
  const auto open = [](const NamedPath& path) { return has_open_zero_signs(*path.path.row); };
  if (std::ranges::any_of(options.paths, open)) say(fmt::format("Signs of zero, {}.", open_zero_signs));
  report.story.push_back(Heading{"How well the paths are known"});
  for (const std::string& text : evidence(options)) say(text);
  report.figures = {figure(series, options, result)};
  return report;
}

}  // namespace lowp::training
