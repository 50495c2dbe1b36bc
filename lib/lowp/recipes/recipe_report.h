// SPDX-License-Identifier: Apache-2.0
// What recipes did to a dump, in words, tables and one picture.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lowp/recipes/recipe_audit.h"
#include "lowp/report/report.h"

namespace lowp::recipes {

// What is asked unless the command line names recipes.
std::vector<const Recipe*> default_recipes();

// What a tensor's name says it is.
enum class TensorKind : std::uint8_t { weight_gradient, activation_gradient, weight, activation, moment, other };
TensorKind kind_of(std::string_view name);
std::string_view kind_text(TensorKind kind);

Report recipes_report(const StepSeries& series, const RecipeAudit& audit, bool by_tensor);
// The answers to common questions that the recipes asked for can give; one paragraph each.
std::vector<std::string> recipe_verdicts(const RecipeAudit& audit);

// The table of recipes itself.
Report recipe_list_report();

// Two recipes side by side: how many scales and codes differ, and the first block whose bytes do.
Result<Report> recipe_difference_report(const StepSeries& series, const Recipe& a, const Recipe& b);

// Counts of one recipe over all tensors, or those of some kinds.
RecipeCounts total_of(const RecipeAudit& audit, std::size_t recipe);

}  // namespace lowp::recipes
