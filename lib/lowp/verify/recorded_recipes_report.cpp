// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/recorded_recipes_report.h"

#include <fmt/format.h>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

std::string headline(const RecordedRecipes& r) {
  std::uint64_t rows = 0, tensors = 0;
  for (const RecordedCell& cell : r.cells) {
    rows += cell.edge_rows;
    tensors += cell.tensors;
  }
  const std::uint64_t known = r.cells.size() - r.unknown_cells();
  const std::string what = fmt::format("{} of {} recorded cells belong to a recipe: {} of edge cases and {}", known,
                                       r.cells.size(), counted(rows, "row", "rows"),
                                       counted(tensors, "digest of a tensor", "digests of tensors"));
  if (r.findings() == 0) return what + " are reproduced bit for bit.";
  return fmt::format("{} were compared, {} differ.", what, grouped(r.mismatches()));
}

// Cells of one row of the table, all element formats together.
Grid recipes_grid(const RecordedRecipes& r) {
  Grid grid{"", {"recipe", "cells", "rows", "differ", "tensors", "differ"}, 1, {}};
  for (const recipes::RecipeRow& row : recipes::recipe_rows()) {
    std::uint64_t cells = 0, rows = 0, wrong_rows = 0, tensors = 0, wrong_tensors = 0;
    const bool first = &row == recipes::recipe_rows().data() || (&row)[-1].name != row.name;
    for (const RecordedCell& cell : r.cells) {
      if (!first || cell.recipe.recipe == nullptr || cell.recipe.recipe->row->name != row.name) continue;
      ++cells;
      rows += cell.edge_rows;
      wrong_rows += cell.edge_mismatches;
      tensors += cell.tensors;
      wrong_tensors += cell.tensor_mismatches;
    }
    if (cells == 0) continue;
    grid.rows.push_back({{std::string(row.name), grouped(cells), grouped(rows), grouped(wrong_rows), grouped(tensors),
                          grouped(wrong_tensors)},
                         {}});
  }
  return grid;
}

std::vector<Block> story(const RecordedRecipes& r) {
  std::vector<Block> blocks{Paragraph{headline(r), 0, 2}, recipes_grid(r)};
  if (r.stochastic != 0) {
    blocks.push_back(Paragraph{fmt::format("Stochastic rounding and its random words: {} compared, {} differ.",
                                           grouped(r.stochastic), grouped(r.stochastic_mismatches)),
                               0, 2});
  }
  if (r.delayed_steps != 0) {
    blocks.push_back(Paragraph{fmt::format("Delayed scaling: {} compared, {} differ.",
                                           counted(r.delayed_steps, "step", "steps"), grouped(r.delayed_mismatches)),
                               0, 2});
  }
  if (r.findings() != 0) blocks.push_back(Heading{"What differs"});
  for (const RecordedCell& cell : r.cells) {
    if (cell.recipe.recipe == nullptr) {
      blocks.push_back(Paragraph{fmt::format("{}: no recipe of the table has this cell", cell.name), 2, 2});
    }
    for (const std::string& line : cell.first) {
      blocks.push_back(Paragraph{fmt::format("{}: {}", cell.name, line), 2, 2});
    }
  }
  for (const std::string& problem : r.problems) blocks.push_back(Paragraph{problem, 2, 2});
  blocks.push_back(Heading{"Not covered"});
  for (const std::string& name : r.missing) {
    blocks.push_back(Paragraph{fmt::format("{} is not in {}.", name, r.directory), 2, 2});
  }
  blocks.push_back(Paragraph{"te-jax has no recorded results: it follows the source alone.", 2, 2});
  return blocks;
}

Table cells_table(const RecordedRecipes& r) {
  Table table{"cells",
              {"cell", "recipe", "edge_rows", "edge_mismatches", "tensors", "tensor_mismatches", "first"},
              {},
              false};
  for (const RecordedCell& cell : r.cells) {
    CellList first;
    for (const std::string& line : cell.first) first.push_back(text_cell(line));
    table.rows.push_back({text_cell(cell.name),
                          cell.recipe.recipe == nullptr ? null_cell("no recipe has this cell")
                                                        : text_cell(cell.recipe.recipe->name),
                          Cell{cell.edge_rows}, Cell{cell.edge_mismatches}, Cell{cell.tensors},
                          Cell{cell.tensor_mismatches}, Cell{std::move(first)}});
  }
  return table;
}

Table summary_table(const RecordedRecipes& r) {
  CellList problems, missing;
  for (const std::string& line : r.problems) problems.push_back(text_cell(line));
  for (const std::string& line : r.missing) missing.push_back(text_cell(line));
  return {"summary",
          {"cells", "unknown_cells", "mismatches", "tensors_named", "tensors_found", "stochastic", "delayed_steps",
           "problems", "missing"},
          {{Cell{std::uint64_t{r.cells.size()}}, Cell{r.unknown_cells()}, Cell{r.mismatches()}, Cell{r.tensors_named},
            Cell{r.tensors_found}, Cell{r.stochastic}, Cell{r.delayed_steps}, Cell{std::move(problems)},
            Cell{std::move(missing)}}},
          true};
}

}  // namespace

Report recorded_recipes_report(const RecordedRecipes& recorded) {
  Report report;
  report.tables = {summary_table(recorded), cells_table(recorded)};
  report.story = story(recorded);
  return report;
}

}  // namespace lowp
