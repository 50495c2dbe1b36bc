// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/recorded_recipes.h"

#include <algorithm>
#include <filesystem>

#include "lowp/tensor/file.h"
#include "lowp/verify/recorded_recipe_files.h"

namespace lowp {
namespace recorded {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 28;

}  // namespace

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<Json> read_json(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > most_bytes) {
    return Error{path, std::nullopt, "at most 256 MiB of JSON", fmt::format("{} bytes", (*file)->size())};
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>((*file)->size()));
  if (auto done = (*file)->read(0, bytes); !done) return done.error();
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  Json json = Json::parse(text, text + bytes.size(), nullptr, false);
  if (json.is_discarded()) return Error{path, std::nullopt, "valid JSON", "none"};
  return json;
}

RecordedCell& cell_of(Cells& cells, const std::string& name) {
  const auto found = cells.find(name);
  if (found != cells.end()) return found->second;
  return cells.emplace(name, RecordedCell{.name = name, .recipe = recipes::find_cell(name), .first = {}})
      .first->second;
}

void note(RecordedCell& cell, std::string line) {
  if (cell.first.size() < 3) cell.first.push_back(std::move(line));
}

}  // namespace recorded

std::uint64_t RecordedRecipes::mismatches() const {
  std::uint64_t sum = stochastic_mismatches + delayed_mismatches;
  for (const RecordedCell& cell : cells) sum += cell.edge_mismatches + cell.tensor_mismatches;
  return sum;
}

std::uint64_t RecordedRecipes::unknown_cells() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(cells, [](const RecordedCell& cell) { return cell.recipe.recipe == nullptr; }));
}

Result<RecordedRecipes> check_recorded_recipes(const std::string& directory,
                                               const std::vector<std::string>& tensor_directories) {
  RecordedRecipes result;
  result.directory = directory;
  recorded::Cells cells;
  const auto at = [&](const char* name) { return (std::filesystem::path(directory) / name).string(); };
  if (auto done = recorded::check_edges(directory, cells); !done) return done.error();
  if (!recorded::exists(at("real.json"))) {
    result.missing.emplace_back("real.json");
  } else if (auto done = recorded::check_tensors(at("real.json"), tensor_directories, cells, result); !done) {
    return done.error();
  }
  struct Optional {
    const char* name;
    Result<Done> (*check)(const std::string& path, RecordedRecipes& result);
  };
  constexpr Optional optional[] = {{"fp4_sr.json", recorded::check_stochastic},
                                   {"philox.json", recorded::check_philox},
                                   {"delayed.json", recorded::check_delayed}};
  for (const Optional& file : optional) {
    if (!recorded::exists(at(file.name))) {
      result.missing.emplace_back(file.name);
    } else if (auto done = file.check(at(file.name), result); !done) {
      return done.error();
    }
  }
  for (auto& [name, cell] : cells) result.cells.push_back(std::move(cell));
  return result;
}

}  // namespace lowp
