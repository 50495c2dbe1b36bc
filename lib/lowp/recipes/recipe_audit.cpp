// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/recipe_audit.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lowp/base/threads.h"

namespace lowp::recipes {
namespace {

constexpr std::uint64_t run_elements = std::uint64_t{1} << 18, most_elements = std::uint64_t{1} << 27;
constexpr std::uint64_t block_rows = 128;
constexpr std::size_t mx_block = 32;
constexpr float tiny = 1e-12f;

void keep_larger(float& most, float candidate) {
  if (std::isnan(candidate) || candidate > most) most = candidate;
}

// The largest magnitude that a recipe's tensor scale sees.
float largest_for(const Recipe& recipe, const Largest& largest) {
  switch (recipe.row->orientation) {
    case Orientation::rotated_columns: return largest.rotated;
    case Orientation::rotated_columns_fp32: return largest.rotated_fp32;
    case Orientation::rows:
    case Orientation::columns: break;
  }
  return recipe.row->nan == NanInAmax::dropped ? largest.dropped : largest.kept;
}

// What blocks that reach beyond a run have in common.
std::optional<float> whole_largest(const Recipe& recipe, const Largest& largest, std::uint64_t rows) {
  const BlockShape block = recipe.row->block;
  const bool whole = block.rows == 0 || (block.columns == 0 && rows == 1);
  if (!whole) return {};
  return largest_for(recipe, largest);
}

// Blocks of zeros and of next to nothing, which some implementations turn into NaN.
void count_small_blocks(Matrix run, TensorOutcome& outcome) {
  for (std::size_t r = 0; r < run.rows; ++r) {
    for (std::size_t at = 0; at < run.columns; at += mx_block) {
      const std::size_t count = std::min(mx_block, run.columns - at);
      const float most = largest_magnitude(run.values.subspan(r * run.columns + at, count), NanInAmax::dropped);
      outcome.blocks_of_zeros += most == 0;
      outcome.tiny_blocks += most != 0 && most < tiny;
    }
  }
}

Result<TensorOutcome> audit_tensor(const Input& input, const TensorView& view, const RecipeAuditOptions& options) {
  TensorOutcome outcome;
  outcome.name = view.name;
  outcome.shape = matrix_shape(view.name, view.shape);
  outcome.recipes.resize(options.recipes.size());
  const bool rotated =
      std::ranges::any_of(options.recipes, [](const Recipe* r) { return rotates(r->row->orientation); });
  auto largest = largest_of_tensor(input.path, view, rotated);
  if (!largest) return largest.error();
  outcome.largest = *largest;
  const auto report = [&](std::uint64_t elements) {
    if (options.progress) options.progress(elements * static_cast<std::uint64_t>(view.dtype->bytes));
  };
  report(view.elements);
  auto done = for_runs(input.path, view, [&](Matrix run, std::uint64_t) -> Result<Done> {
    count_small_blocks(run, outcome);
    tbb::parallel_for(std::size_t{0}, options.recipes.size(), [&](std::size_t r) {
      quantize_and_count(*options.recipes[r], outcome.largest, outcome.shape.rows, run, outcome.recipes[r]);
    });
    report(run.values.size());
    return Done{};
  });
  if (!done) return done.error();
  return outcome;
}

}  // namespace

void quantize_and_count(const Recipe& recipe, const Largest& largest, std::uint64_t rows, Matrix run,
                        RecipeOutcome& outcome) {
  if (rotates(recipe.row->orientation) && rows == 1) return;
  TensorScale tensor;
  if (recipe.row->tensor_rule != nullptr) tensor = recipe.row->tensor_rule(recipe, largest_for(recipe, largest));
  Oriented turned;
  if (recipe.row->orientation != Orientation::rows) {
    turned = oriented(run, recipe.row->orientation);
    run = {turned.rows, turned.columns, turned.values};
  }
  const BlockGrid grid = block_grid(recipe, run.rows, run.columns);
  std::vector<std::uint32_t> scales(grid.rows * grid.columns);
  std::vector<std::uint8_t> codes(run.values.size());
  quantize_rows(recipe, tensor, whole_largest(recipe, largest, rows), run, scales, codes);
  count_run(recipe, tensor, run, scales, codes, outcome.counts, &outcome.scales);
}

Result<Done> for_runs(const std::string& path, const TensorView& view,
                      const std::function<Result<Done>(Matrix run, std::uint64_t first_row)>& work) {
  const MatrixShape shape = matrix_shape(view.name, view.shape);
  if (shape.rows == 0) return Done{};
  auto reader = FloatReader::open(path, view);
  if (!reader) return reader.error();
  const bool one_row = shape.rows == 1;
  const std::uint64_t fitting = std::max<std::uint64_t>(run_elements / shape.columns / block_rows, 1) * block_rows;
  const std::uint64_t rows = one_row ? 1 : std::min(fitting, shape.rows);
  const std::uint64_t columns = one_row ? std::min(shape.columns, run_elements) : shape.columns;
  if (columns > most_elements / rows) {
    return Error{path, std::nullopt,
                 fmt::format("at most {} elements in {} rows of '{}'", most_elements, rows, view.name),
                 fmt::format("rows of {}", columns)};
  }
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (std::uint64_t row = 0; reader->left() != 0; row += one_row ? 0 : rows) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(values.size(), reader->left()));
    const std::span<float> part = std::span(values).first(count);
    if (auto done = reader->read(part); !done) return done.error();
    const Matrix run{one_row ? 1 : count / static_cast<std::size_t>(columns),
                     one_row ? count : static_cast<std::size_t>(columns), part};
    if (auto done = work(run, row); !done) return done.error();
  }
  return Done{};
}

Result<Largest> largest_of_tensor(const std::string& path, const TensorView& view, bool rotated) {
  Largest largest;
  auto done = for_runs(path, view, [&](Matrix run, std::uint64_t) -> Result<Done> {
    keep_larger(largest.dropped, largest_magnitude(run.values, NanInAmax::dropped));
    if (!std::isnan(largest.kept)) keep_larger(largest.kept, largest_magnitude(run.values, NanInAmax::kept));
    if (std::isnan(largest.kept) || std::isinf(largest.kept)) {
      largest.nonfinite +=
          static_cast<std::uint64_t>(std::ranges::count_if(run.values, [](float x) { return !std::isfinite(x); }));
    }
    if (!rotated) return Done{};
    const Oriented exact = oriented(run, Orientation::rotated_columns);
    keep_larger(largest.rotated, largest_magnitude(exact.values, NanInAmax::dropped));
    const Oriented fp32 = oriented(run, Orientation::rotated_columns_fp32);
    keep_larger(largest.rotated_fp32, largest_magnitude(fp32.values, NanInAmax::kept));
    return Done{};
  });
  if (!done) return done.error();
  return largest;
}

Result<RecipeAudit> audit_recipes(const StepSeries& series, const RecipeAuditOptions& options) {
  return on_threads(options.threads, [&]() -> Result<RecipeAudit> {
    RecipeAudit audit{options.recipes, {}};
    for (std::size_t i = 0; i < series.inputs.size(); ++i) {
      for (const TensorView& view : series.inputs[i].tensors) {
        if (view.elements == 0) continue;
        auto outcome = audit_tensor(series.inputs[i], view, options);
        if (!outcome) return outcome.error();
        outcome->input = i;
        audit.tensors.push_back(std::move(*outcome));
      }
    }
    return audit;
  });
}

}  // namespace lowp::recipes
