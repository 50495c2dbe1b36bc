// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/recipe_report.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "lowp/recipes/recipe_words.h"

namespace lowp::recipes {
namespace {

constexpr std::array asked_by_default{"fp8-current-te-e4m3",
                                      "fp8-current-te-e5m2",
                                      "fp8-delayed-first-step-e5m2",
                                      "fp8-block-1x128-te-e4m3",
                                      "fp8-block-1x128-pow2-te-e4m3",
                                      "fp8-block-1x128-te-e5m2",
                                      "fp8-block-128x128-te-e4m3",
                                      "mx-floor-torchao-e4m3",
                                      "mx-even-torchao-e4m3",
                                      "mx-rceil-te-e4m3",
                                      "mx-rceil-te-e5m2",
                                      "mx-rceil-te-e2m1",
                                      "nvfp4-te",
                                      "nvfp4-te-2d",
                                      "nvfp4-te-rht",
                                      "nvfp4-torchao-1level"};

struct Kind {
  std::string_view prefix;
  TensorKind kind;
};
constexpr std::array kinds{
    Kind{"grad/", TensorKind::weight_gradient}, Kind{"act_grad/", TensorKind::activation_gradient},
    Kind{"param/", TensorKind::weight},         Kind{"weight/", TensorKind::weight},
    Kind{"act/", TensorKind::activation},       Kind{"exp_avg", TensorKind::moment}};

double flushed_share(const RecipeCounts& counts) {
  return counts.nonzero() == 0 ? 0 : static_cast<double>(counts.flushed) / static_cast<double>(counts.nonzero());
}

// The tensor of which a recipe loses the largest share; nullptr if it loses nothing.
const TensorOutcome* worst_tensor(const RecipeAudit& audit, std::size_t recipe) {
  const TensorOutcome* worst = nullptr;
  double most = 0;
  for (const TensorOutcome& tensor : audit.tensors) {
    const double share = flushed_share(tensor.recipes[recipe].counts);
    if (share > most) {
      most = share;
      worst = &tensor;
    }
  }
  return worst;
}

// Half of the tensors with a signal-to-noise ratio have at least this one.
std::optional<double> median_snr(const RecipeAudit& audit, std::size_t recipe) {
  std::vector<double> all;
  for (const TensorOutcome& tensor : audit.tensors) {
    if (const auto snr = tensor.recipes[recipe].counts.snr_db()) all.push_back(*snr);
  }
  if (all.empty()) return {};
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

Grid totals_grid(const RecipeAudit& audit) {
  Grid grid{"What each recipe loses, of the values that are not zero",
            {"recipe", "loses most of", "saturated", "scale 0", "SNR", "flushed"},
            2,
            {}};
  for (std::size_t r = 0; r < audit.recipes.size(); ++r) {
    const RecipeCounts total = total_of(audit, r);
    const TensorOutcome* worst = worst_tensor(audit, r);
    grid.rows.push_back(
        {{audit.recipes[r]->name, worst == nullptr ? "-" : worst->name,
          share_text(total.saturated_beyond_half, total.nonzero()), share_text(total.in_zero_blocks, total.nonzero()),
          decibels(median_snr(audit, r)), share_text(total.flushed, total.nonzero())},
         {}});
  }
  return grid;
}

// Tensors that lose most by the recipe that loses most, one grid for each recipe.
Grid tensors_grid(const RecipeAudit& audit, std::size_t recipe) {
  Grid grid{audit.recipes[recipe]->name,
            {"tensor", "values", "flushed", "saturated", "blocks with scale 0", "scales from", "to", "SNR"},
            1,
            {}};
  std::vector<std::size_t> order(audit.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t t) { return flushed_share(audit.tensors[t].recipes[recipe].counts); });
  for (const std::size_t t : order) {
    const TensorOutcome& tensor = audit.tensors[t];
    const RecipeOutcome& outcome = tensor.recipes[recipe];
    const auto used = [](std::uint64_t blocks) { return blocks != 0; };
    const auto first = std::ranges::find_if(outcome.scales.blocks, used);
    const auto last = std::find_if(outcome.scales.blocks.rbegin(), outcome.scales.blocks.rend(), used);
    const bool any = first != outcome.scales.blocks.end();
    const int low = ScaleHistogram::lowest + static_cast<int>(first - outcome.scales.blocks.begin());
    const int high =
        ScaleHistogram::lowest + ScaleHistogram::count - 1 - static_cast<int>(last - outcome.scales.blocks.rbegin());
    grid.rows.push_back(
        {{tensor.name, grouped(outcome.counts.elements), share_text(outcome.counts.flushed, outcome.counts.nonzero()),
          share_text(outcome.counts.saturated_beyond_half, outcome.counts.nonzero()),
          share_text(outcome.counts.lost_blocks, outcome.counts.blocks), any ? power_text(low) : "-",
          any ? power_text(high) : "-", snr_text(outcome.counts)},
         {}});
  }
  return grid;
}

const std::vector<std::string> count_keys{"elements",
                                          "zero_in",
                                          "flushed",
                                          "flushed_of_nonzero",
                                          "zero_codes",
                                          "subnormal",
                                          "saturated",
                                          "saturated_beyond_half",
                                          "in_zero_scale_blocks",
                                          "nonfinite",
                                          "nonfinite_zeros",
                                          "blocks",
                                          "zero_blocks",
                                          "lost_blocks",
                                          "sum_of_squared_errors",
                                          "sum_of_squares",
                                          "snr_db"};
std::vector<Cell> count_cells(const RecipeCounts& c) {
  return {count_cell(c.elements),
          count_cell(c.zero_in),
          count_cell(c.flushed),
          c.nonzero() == 0 ? Cell{Null{"every value is zero"}} : Cell{flushed_share(c)},
          count_cell(c.zero_codes),
          count_cell(c.subnormal),
          count_cell(c.saturated),
          count_cell(c.saturated_beyond_half),
          count_cell(c.in_zero_blocks),
          count_cell(c.nonfinite),
          count_cell(c.nonfinite_zeros),
          count_cell(c.blocks),
          count_cell(c.zero_blocks),
          count_cell(c.lost_blocks),
          Cell{c.error.to_double()},
          Cell{c.signal.to_double()},
          real_cell(c.snr_db(), "no error, or nothing that is not zero")};
}

Table recipes_table(const RecipeAudit& audit) {
  Table table{"recipes", {"recipe", "elements_format", "block", "scale_format"}, {}, false};
  table.keys.insert(table.keys.end(), count_keys.begin(), count_keys.end());
  for (std::size_t r = 0; r < audit.recipes.size(); ++r) {
    const Recipe& recipe = *audit.recipes[r];
    std::vector<Cell> row{text_cell(recipe.name), text_cell(recipe.element_name),
                          text_cell(block_text(recipe.row->block)), text_cell(scale_text(recipe.row->scale))};
    std::ranges::move(count_cells(total_of(audit, r)), std::back_inserter(row));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Exponents and counts of the scales that occur, as [[exponent, blocks], ...].
Cell histogram_cell(const ScaleHistogram& histogram) {
  CellList list;
  for (std::size_t i = 0; i < histogram.blocks.size(); ++i) {
    if (histogram.blocks[i] == 0) continue;
    list.push_back(Cell{CellList{Cell{std::int64_t{ScaleHistogram::lowest} + static_cast<std::int64_t>(i)},
                                 count_cell(histogram.blocks[i])}});
  }
  return Cell{std::move(list)};
}

Table tensors_table(const StepSeries& series, const RecipeAudit& audit) {
  Table table{"tensors", {"path", "tensor", "kind", "rows", "columns", "recipe"}, {}, false};
  table.keys.insert(table.keys.end(), count_keys.begin(), count_keys.end());
  table.keys.insert(table.keys.end(), {"scales_log2", "scales_zero", "scales_nonfinite"});
  for (const TensorOutcome& tensor : audit.tensors) {
    for (std::size_t r = 0; r < audit.recipes.size(); ++r) {
      const RecipeOutcome& outcome = tensor.recipes[r];
      std::vector<Cell> row{text_cell(series.inputs[tensor.input].path),
                            text_cell(tensor.name),
                            text_cell(kind_text(kind_of(tensor.name))),
                            count_cell(tensor.shape.rows),
                            count_cell(tensor.shape.columns),
                            text_cell(audit.recipes[r]->name)};
      std::ranges::move(count_cells(outcome.counts), std::back_inserter(row));
      row.push_back(histogram_cell(outcome.scales));
      row.push_back(count_cell(outcome.scales.zero));
      row.push_back(count_cell(outcome.scales.nonfinite));
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

Table verdicts_table(const std::vector<std::string>& verdicts) {
  Table table{"verdicts", {"text"}, {}, false};
  for (const std::string& verdict : verdicts) table.rows.push_back({text_cell(verdict)});
  return table;
}

// Scales of blocks over powers of two, one panel for each recipe with more than one scale.
Figure scales_figure(const RecipeAudit& audit) {
  Figure figure{"Scales of blocks",
                "share of blocks with a scale of 2^x or more but less than 2^(x+1)",
                "log2(scale)",
                "share of blocks",
                {}};
  for (std::size_t r = 0; r < audit.recipes.size(); ++r) {
    ScaleHistogram all;
    for (const TensorOutcome& tensor : audit.tensors) all.merge(tensor.recipes[r].scales);
    const std::uint64_t blocks = std::accumulate(all.blocks.begin(), all.blocks.end(), all.zero + all.nonfinite);
    if (blocks == 0) continue;
    Panel panel{audit.recipes[r]->name, {}, {Band{"blocks", {}}}};
    const auto used = [](std::uint64_t count) { return count != 0; };
    const auto first = std::ranges::find_if(all.blocks, used);
    const auto last = std::find_if(all.blocks.rbegin(), all.blocks.rend(), used).base();
    for (auto at = first; at < last; ++at) {
      panel.x.push_back(ScaleHistogram::lowest + static_cast<double>(at - all.blocks.begin()));
      panel.bands[0].share.push_back(static_cast<double>(*at) / static_cast<double>(blocks));
    }
    if (panel.x.empty()) continue;
    if (all.zero != 0) panel.remark = fmt::format("{} have a scale of 0", percent_text(all.zero, blocks));
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

std::string base_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}
std::string what_was_read(const StepSeries& series, const RecipeAudit& audit) {
  std::uint64_t values = 0, zeros = 0, odd = 0;
  for (const TensorOutcome& tensor : audit.tensors) {
    values += tensor.shape.rows * tensor.shape.columns;
    if (!tensor.recipes.empty()) zeros += tensor.recipes[0].counts.zero_in;
    odd += tensor.largest.nonfinite;
  }
  const std::string first = base_name(series.inputs.front().path), last = base_name(series.inputs.back().path);
  return fmt::format("{}: {}, {} values ({} exact zeros, {}).",
                     series.inputs.size() == 1 ? first : first + " to " + last,
                     counted(audit.tensors.size(), "tensor", "tensors"), grouped(values), percent_text(zeros, values),
                     odd == 0 ? "no NaN or Inf" : grouped(odd) + " NaN or Inf");
}

}  // namespace

std::vector<const Recipe*> default_recipes() {
  std::vector<const Recipe*> all;
  for (const std::string_view name : asked_by_default) {
    const Recipe* recipe = find_recipe(name);
    assert(recipe != nullptr);
    all.push_back(recipe);
  }
  return all;
}

TensorKind kind_of(std::string_view name) {
  for (const Kind& row : kinds) {
    if (name.starts_with(row.prefix)) return row.kind;
  }
  return TensorKind::other;
}

std::string_view kind_text(TensorKind kind) {
  switch (kind) {
    case TensorKind::weight_gradient: return "weight gradient";
    case TensorKind::activation_gradient: return "activation gradient";
    case TensorKind::weight: return "weight";
    case TensorKind::activation: return "activation";
    case TensorKind::moment: return "optimizer moment";
    case TensorKind::other: return "other";
  }
  return "";
}

RecipeCounts total_of(const RecipeAudit& audit, std::size_t recipe) {
  RecipeCounts total;
  for (const TensorOutcome& tensor : audit.tensors) total.merge(tensor.recipes[recipe].counts);
  return total;
}

Report recipes_report(const StepSeries& series, const RecipeAudit& audit, bool by_tensor) {
  const std::vector<std::string> verdicts = recipe_verdicts(audit);
  Report report;
  report.tables = {recipes_table(audit), verdicts_table(verdicts)};
  report.story = {Paragraph{verdicts.empty() ? "Nothing to judge." : verdicts.front(), 0, 2},
                  Paragraph{what_was_read(series, audit), 0, 2}, totals_grid(audit)};
  report.story.push_back(
      Paragraph{"flushed: code times scale is zero. saturated: beyond the largest number and half of "
                "its unit. scale 0: in blocks whose scale is 0. SNR: median over the tensors.",
                2, 0});
  if (verdicts.size() > 1) report.story.push_back(Heading{"Verdicts"});
  for (std::size_t i = 1; i < verdicts.size(); ++i) report.story.push_back(Paragraph{verdicts[i], 2, 2});
  if (by_tensor) {
    report.tables.push_back(tensors_table(series, audit));
    report.story.push_back(Heading{"Tensors"});
    for (std::size_t r = 0; r < audit.recipes.size(); ++r) report.story.push_back(tensors_grid(audit, r));
  }
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"Matrix products: only what each operand becomes is counted. Scales stored beside "
                "codes in a file are not checked against them.",
                2, 2});
  report.figures = {scales_figure(audit)};
  return report;
}

Report recipe_list_report() {
  Table table{
      "recipes",
      {"name", "element_format", "scale_format", "block", "tensor_scale", "rule", "specials", "source", "cells"},
      {},
      false};
  for (const Recipe& recipe : all_recipes()) {
    const RecipeRow& row = *recipe.row;
    table.rows.push_back({text_cell(recipe.name), text_cell(recipe.element_name), text_cell(scale_text(row.scale)),
                          text_cell(block_text(row.block)), Cell{row.tensor_rule != nullptr}, text_cell(row.rule),
                          text_cell(row.specials), text_cell(row.source), text_cell(row.cells)});
  }
  Report report;
  report.story = {
      Paragraph{fmt::format("{} recipes, each equal to an implementation bit for bit: scale bytes and codes.",
                            all_recipes().size()),
                0, 2}};
  const RecipeRow* last = nullptr;
  for (const RecipeRow& row : recipe_rows()) {
    if (last == nullptr || last->name != row.name) {
      report.story.push_back(
          Paragraph{fmt::format("{} ({}; {} scale{} of {})", row.name, row.elements, scale_text(row.scale),
                                row.tensor_rule != nullptr ? " and FP32 of the tensor" : "", block_text(row.block)),
                    0, 2});
      report.story.push_back(Paragraph{fmt::format("{}. {}. {}.", row.rule, row.specials, row.source), 4, 0});
    }
    last = &row;
  }
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"INT2 weights and lookup tables such as NF4: no recipe here. MS-AMP and DeepSeek's own "
                "kernels were not read.",
                2, 2});
  report.tables = {std::move(table)};
  return report;
}

}  // namespace lowp::recipes
