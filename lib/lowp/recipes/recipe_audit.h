// SPDX-License-Identifier: Apache-2.0
// Recipes on the tensors of a dump: each tensor is read twice, a run of rows at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lowp/recipes/float_reader.h"
#include "lowp/recipes/recipe_counts.h"
#include "lowp/tensor/step_series.h"

namespace lowp::recipes {

// Facts about a tensor that decide scales before the first block is seen.
struct Largest {
  float dropped = 0, kept = 0;            // largest magnitude without NaN, and NaN if there is one
  float rotated = 0, rotated_fp32 = 0;    // of the rotated columns; only where asked for
  std::uint64_t nonfinite = 0;            // elements
};
struct RecipeOutcome {
  RecipeCounts counts;
  ScaleHistogram scales;
};
struct TensorOutcome {
  std::size_t input = 0;  // of the series
  std::string name;
  MatrixShape shape;
  Largest largest;
  std::uint64_t blocks_of_zeros = 0, tiny_blocks = 0;  // of 1x32: every element zero; largest below 1e-12, not zero
  std::vector<RecipeOutcome> recipes;                  // in the order asked for
};
struct RecipeAudit {
  std::vector<const Recipe*> recipes;
  std::vector<TensorOutcome> tensors;
};
struct RecipeAuditOptions {
  std::vector<const Recipe*> recipes;
  int threads = 0;
  std::function<void(std::uint64_t)> progress;  // bytes read since the last call; may be empty
};

// Elements of a tensor that are not FP32 are converted first. A tensor whose 128 rows have more than 2^27 elements is an
// Error. Memory: 2^18 elements of a run, or 128 rows, and its codes for each recipe.
Result<RecipeAudit> audit_recipes(const StepSeries& series, const RecipeAuditOptions& options);

// One recipe on one run of a tensor of `rows` rows. A single row has no columns to rotate: nothing is counted.
void quantize_and_count(const Recipe& recipe, const Largest& largest, std::uint64_t rows, Matrix run,
                        RecipeOutcome& outcome);

// The first pass alone.
Result<Largest> largest_of_tensor(const std::string& path, const TensorView& view, bool rotated);

// work(run, first_row) for runs of whole block rows of 128; a single row is cut at multiples of 2^18 elements.
Result<Done> for_runs(const std::string& path, const TensorView& view,
                      const std::function<Result<Done>(Matrix run, std::uint64_t first_row)>& work);

}  // namespace lowp::recipes
