// SPDX-License-Identifier: Apache-2.0
// The parts of the recorded recipe results: one function per file of the layout. Include in .cpp files of verify only.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/verify/recorded_recipes.h"

namespace lowp::recorded {

using Json = nlohmann::json;
using Cells = std::map<std::string, RecordedCell, std::less<>>;

// The whole file as JSON, at most 256 MiB.
Result<Json> read_json(const std::string& path);
bool exists(const std::string& path);
// The cell of that name, made when first asked for.
RecordedCell& cell_of(Cells& cells, const std::string& name);
void note(RecordedCell& cell, std::string line);

Result<Done> check_edges(const std::string& directory, Cells& cells);
Result<Done> check_tensors(const std::string& path, const std::vector<std::string>& tensor_directories, Cells& cells,
                           RecordedRecipes& result);
Result<Done> check_stochastic(const std::string& path, RecordedRecipes& result);
Result<Done> check_philox(const std::string& path, RecordedRecipes& result);
Result<Done> check_delayed(const std::string& path, RecordedRecipes& result);

}  // namespace lowp::recorded
