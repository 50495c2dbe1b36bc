// SPDX-License-Identifier: Apache-2.0
// precision-audit verify recipes --vectors DIR: what libraries returned against the table of recipes.
#include <filesystem>

#include "arguments.h"
#include "commands.h"
#include "lowp/verify/recorded_recipes_report.h"

namespace lowp::tool {
namespace {

struct RecipeVectorsTask final : Task {
  std::string folder;
  std::vector<std::string> tensors;

  explicit RecipeVectorsTask(Options& o) {
    o.value({.name = "--vectors",
             .value = "DIR",
             .help = "folder with edge.safetensors and edge_index.json and, where they are, real.json, fp4_sr.json, "
                     "philox.json and delayed.json",
             .required = true},
            folder, any_text)
        .is_file = true;
    o.repeated({.name = "--tensors", .value = "DIR", .help = "folder of the tensors of real.json, DIR/../gradients if none "
                                                            "is given"},
               tensors, any_text)
        .is_file = true;
    o.footer() = "Exit codes: 0 fine, 1 a mismatch, an unknown cell or a missing tensor, 2 usage, 3 input.";
  }

  Result<Answer> run(Job&) override {
    if (tensors.empty()) tensors.push_back((std::filesystem::path(folder) / ".." / "gradients").string());
    auto checked = check_recorded_recipes(folder, tensors);
    if (!checked) return checked.error();
    return Answer{recorded_recipes_report(*checked), checked->findings() != 0};
  }
};

}  // namespace

std::unique_ptr<Task> make_verify_recipes(Options& options) {
  return std::make_unique<RecipeVectorsTask>(options);
}

}  // namespace lowp::tool
