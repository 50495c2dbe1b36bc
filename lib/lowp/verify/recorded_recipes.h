// SPDX-License-Identifier: Apache-2.0
// Results that libraries returned, compared with the table of recipes: scale bytes, codes, counts and digests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/recipes/recipe.h"

namespace lowp {

// One recorded cell, for example "mx/e4m3/rceil#te_host": rows of edge cases and whole tensors.
struct RecordedCell {
  std::string name;
  recipes::CellRecipe recipe;  // recipe nullptr: no row of the table lists it
  std::uint64_t edge_rows = 0, edge_mismatches = 0;
  std::uint64_t tensors = 0, tensor_mismatches = 0;
  std::vector<std::string> first;  // at most three mismatches, a line each
};

struct RecordedRecipes {
  std::string directory;
  std::vector<RecordedCell> cells;    // sorted by name
  std::vector<std::string> problems;  // tensors not found, digests of data that differ, rounding bytes that differ
  std::vector<std::string> missing;   // optional files that are not there
  std::uint64_t tensors_found = 0, tensors_named = 0;
  std::uint64_t stochastic = 0, stochastic_mismatches = 0;  // inputs times random bytes, Philox words
  std::uint64_t delayed_steps = 0, delayed_mismatches = 0;

  std::uint64_t mismatches() const;
  std::uint64_t unknown_cells() const;
  std::uint64_t findings() const { return mismatches() + unknown_cells() + problems.size(); }
};

// Reads DIR/edge.safetensors with edge_index.json, and real.json, fp4_sr.json, philox.json and delayed.json where they
// are. Tensors "FILE|NAME" are looked for as FILE.safetensors in `tensor_directories`. A file that is there but not of
// the layout is an Error.
Result<RecordedRecipes> check_recorded_recipes(const std::string& directory,
                                               const std::vector<std::string>& tensor_directories);

}  // namespace lowp
