// SPDX-License-Identifier: Apache-2.0
// precision-audit recipes PATH...: what FP8, FP6 and FP4 recipes make of a dump.
#include <fmt/format.h>

#include <array>

#include "arguments.h"
#include "commands.h"
#include "lowp/recipes/delayed_audit.h"
#include "lowp/recipes/recipe_report.h"

namespace lowp::tool {
namespace {

using recipes::Recipe;
using RecipeGroup = std::vector<const Recipe*>;

struct ByName {
  std::string_view name;
};
constexpr std::array by_names{ByName{"tensor"}};
struct HistoryName {
  std::string_view name;
  recipes::FromHistory algorithm;
};
constexpr std::array history_names{HistoryName{"max", recipes::FromHistory::max},
                                   HistoryName{"most_recent", recipes::FromHistory::most_recent}};

const Recipe* address_of(const Recipe& recipe) {
  return &recipe;
}

// A recipe's name, or the front of several: "mx-rceil" is every recipe whose name begins so.
Result<RecipeGroup> recipes_word(std::string_view word) {
  if (const Recipe* one = recipes::find_recipe(word)) return RecipeGroup{one};
  RecipeGroup all;
  for (const Recipe& recipe : recipes::all_recipes()) {
    if (!word.empty() && recipe.name.starts_with(word)) all.push_back(&recipe);
  }
  if (!all.empty()) return all;
  if (word.starts_with("int4") || word.starts_with("int2")) {
    return fault(fmt::format("{} has no recipe here: weights of 4 and 2 bits want a search, not a rule", quoted(word)));
  }
  return Error{"", std::nullopt, "a recipe or the front of its name (see recipes --list)", quoted(word)};
}

struct RecipesTask final : Task {
  std::vector<RecipeGroup> groups;
  std::vector<const Recipe*> pair;
  recipes::DelayedAuditOptions delayed;
  bool lists = false;
  std::string_view by;
  const Options* options;

  explicit RecipesTask(Options& o) : options(&o) {
    o.flag({.name = "--list", .help = "every recipe: rule, special values, source"}, lists);
    o.list({.name = "--recipes", .value = "NAME", .help = "recipes, or fronts of their names; see --list"}, groups,
           recipes_word);
    o.several({.name = "--diff", .value = "A B", .help = "how many bytes differ, and the first block that does"}, 2, pair,
              one_of<const Recipe*>(recipes::all_recipes(), address_of));
    o.choice({.name = "--by", .help = "each tensor too"}, by, one_of<std::string_view>(by_names, &ByName::name));
    o.group("Delayed scaling");
    o.choice({.name = "--delayed", .help = "replay it over the steps, as this implementation updates"}, delayed.by,
             one_of<recipes::DelayedBy>(recipes::delayed_names, &recipes::DelayedName::by));
    o.list({.name = "--windows", .value = "N", .help = "lengths of the history to compare", .initial = "1,16,1024"},
           delayed.windows, integer_between<std::uint32_t>(1, 65536));
    o.choice({.name = "--algorithm", .help = "what of the history counts", .initial = "max"}, delayed.algorithm,
             one_of<recipes::FromHistory>(history_names, &HistoryName::algorithm));
    o.value({.name = "--margin", .value = "N", .help = "binades kept free", .initial = "0"}, delayed.margin,
            integer_between<int>(-30, 30));
  }

  bool needs_dump() const override { return !lists; }

  Result<Answer> run(Job& job) override {
    if (lists) return Answer{recipes::recipe_list_report()};
    if (!pair.empty()) {
      auto report = recipes::recipe_difference_report(job.series, *pair[0], *pair[1]);
      if (!report) return report.error();
      return Answer{std::move(*report)};
    }
    if (options->given("--delayed")) {
      delayed.threads = job.threads;
      auto audit = recipes::audit_delayed(job.series, delayed);
      if (!audit) return audit.error();
      return Answer{recipes::delayed_report(job.series, delayed, *audit)};
    }
    std::vector<const Recipe*> asked;
    for (const RecipeGroup& group : groups) asked.insert(asked.end(), group.begin(), group.end());
    if (asked.empty()) asked = recipes::default_recipes();
    auto audit = recipes::audit_recipes(job.series, {std::move(asked), job.threads, job.progress});
    if (!audit) return audit.error();
    return Answer{recipes::recipes_report(job.series, *audit, !by.empty())};
  }
};

}  // namespace

std::unique_ptr<Task> make_recipes(Options& options) {
  return std::make_unique<RecipesTask>(options);
}

}  // namespace lowp::tool
