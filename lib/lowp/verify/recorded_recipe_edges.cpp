// SPDX-License-Identifier: Apache-2.0
// edge.safetensors: each row of `x` is a tensor of its own, cells are CELL#scale, CELL#codes, CELL#g and CELL#ok.
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "lowp/recipes/element_cast.h"
#include "lowp/recipes/quantize.h"
#include "lowp/recipes/recipe_counts.h"
#include "lowp/tensor/checked.h"
#include "lowp/tensor/file.h"
#include "lowp/tensor/safetensors.h"
#include "lowp/verify/recorded_recipe_files.h"

namespace lowp::recorded {
namespace {

using recipes::Recipe;

struct EdgeFile {
  std::string path;
  SafetensorsHeader header;
  std::vector<std::byte> data;

  const SafetensorsEntry* entry(std::string_view name) const {
    for (const SafetensorsEntry& e : header.entries) {
      if (e.name == name) return &e;
    }
    return nullptr;
  }
  std::uint32_t element(const SafetensorsEntry& e, std::size_t i) const {
    const std::size_t size = e.dtype == "F32" ? 4 : 1;
    return static_cast<std::uint32_t>(
        little_endian(std::span(data).subspan(static_cast<std::size_t>(e.begin) + i * size, size)));
  }
};

Result<EdgeFile> load(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  EdgeFile edges{path, std::move(*header), {}};
  edges.data.resize(static_cast<std::size_t>((*file)->size() - edges.header.data_begin));
  if (auto done = (*file)->read(edges.header.data_begin, edges.data); !done) return done.error();
  return edges;
}

// The arrays of one cell.
struct CellArrays {
  const SafetensorsEntry* scale = nullptr;
  const SafetensorsEntry* codes = nullptr;
  const SafetensorsEntry* g = nullptr;
  const SafetensorsEntry* ok = nullptr;
  std::size_t blocks = 0;
};

Result<CellArrays> arrays_of(const EdgeFile& edges, const std::string& cell, std::size_t rows, std::size_t columns) {
  CellArrays arrays{edges.entry(cell + "#scale"), edges.entry(cell + "#codes"), edges.entry(cell + "#g"),
                    edges.entry(cell + "#ok")};
  const auto of = [&](const SafetensorsEntry* e, std::string_view what, std::initializer_list<const char*> dtypes,
                      std::optional<std::size_t> per_row) -> std::optional<Error> {
    bool known = e != nullptr && !e->shape.empty() && e->shape[0] == rows;
    if (known && per_row) known = e->shape.size() == 2 ? e->shape[1] == *per_row : *per_row == 1;
    if (known) known = std::ranges::find(dtypes, e->dtype) != dtypes.end();
    if (known) return {};
    return Error{edges.path, std::nullopt, fmt::format("{} of '{}' with {} rows", what, cell, rows),
                 e == nullptr ? "none" : fmt::format("{} [{}]", e->dtype, fmt::join(e->shape, ", "))};
  };
  if (auto wrong = of(arrays.scale, "scales", {"U8", "F32"}, std::nullopt)) return *wrong;
  if (auto wrong = of(arrays.codes, "codes", {"U8"}, columns)) return *wrong;
  if (arrays.g != nullptr) {
    if (auto wrong = of(arrays.g, "factors", {"F32"}, std::size_t{1})) return *wrong;
  }
  if (arrays.ok != nullptr) {
    if (auto wrong = of(arrays.ok, "flags", {"U8", "BOOL"}, std::size_t{1})) return *wrong;
  }
  arrays.blocks = arrays.scale->shape.size() == 2 ? static_cast<std::size_t>(arrays.scale->shape[1]) : 1;
  return arrays;
}

// FP32 bits where any NaN stands for any other.
std::uint32_t one_nan(std::uint32_t bits) {
  return std::isnan(std::bit_cast<float>(bits)) ? 0x7fc00000u : bits;
}

std::string hex_of(std::span<const std::uint32_t> words) {
  std::string text;
  for (const std::uint32_t word : words) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", word);
  return text;
}

// What is different in one row; empty if nothing is.
std::string difference(const EdgeFile& edges, const CellArrays& arrays, std::size_t row, const Recipe& recipe,
                       const recipes::Quantized& q) {
  if (arrays.blocks != q.scales.size()) return fmt::format("{} scales, recorded {}", q.scales.size(), arrays.blocks);
  std::vector<std::uint32_t> recorded;
  const bool is_float = recipe.row->scale == recipes::ScaleKind::fp32;
  if (is_float != (arrays.scale->dtype == "F32")) return fmt::format("scales recorded as {}", arrays.scale->dtype);
  std::vector<std::uint32_t> scales = q.scales;
  for (std::size_t b = 0; b < arrays.blocks; ++b) {
    recorded.push_back(edges.element(*arrays.scale, row * arrays.blocks + b));
    if (!is_float) continue;
    recorded[b] = one_nan(recorded[b]);
    scales[b] = one_nan(scales[b]);
  }
  if (recorded != scales) return fmt::format("scale {}, recorded {}", hex_of(scales), hex_of(recorded));
  for (std::size_t i = 0; i < q.columns; ++i) {
    const std::uint32_t code = edges.element(*arrays.codes, row * q.columns + i);
    if (code == q.codes[i]) continue;
    return fmt::format("element {}: code {:02x}, recorded {:02x}", i, q.codes[i], code);
  }
  if (arrays.g != nullptr) {
    const std::uint32_t g = one_nan(edges.element(*arrays.g, row));
    const std::uint32_t ours = one_nan(std::bit_cast<std::uint32_t>(q.tensor.decode));
    if (g != ours) return fmt::format("factor {:08x}, recorded {:08x}", ours, g);
  }
  return {};
}

}  // namespace

Result<Done> check_edges(const std::string& directory, Cells& cells) {
  namespace fs = std::filesystem;
  auto edges = load((fs::path(directory) / "edge.safetensors").string());
  if (!edges) return edges.error();
  const std::string index_path = (fs::path(directory) / "edge_index.json").string();
  auto index = read_json(index_path);
  if (!index) return index.error();
  const SafetensorsEntry* x = edges->entry("x");
  if (x == nullptr || x->dtype != "F32" || x->shape.size() != 2) {
    return Error{edges->path, std::nullopt, "F32 inputs 'x' of two axes", "none"};
  }
  const auto rows = static_cast<std::size_t>(x->shape[0]), columns = static_cast<std::size_t>(x->shape[1]);
  const Json names = index->value("rows", Json::array());
  if (!names.is_array() || names.size() != rows) {
    return Error{index_path, std::nullopt, fmt::format("names of {} rows", rows), fmt::format("{}", names.size())};
  }
  std::vector<float> inputs(rows * columns);
  std::memcpy(inputs.data(), edges->data.data() + x->begin, inputs.size() * sizeof(float));
  std::set<std::string> listed;
  for (const SafetensorsEntry& entry : edges->header.entries) {
    const std::size_t last = entry.name.rfind('#');
    if (last != std::string::npos) listed.insert(entry.name.substr(0, last));
  }
  for (const std::string& name : listed) {
    RecordedCell& cell = cell_of(cells, name);
    if (cell.recipe.recipe == nullptr) continue;
    auto arrays = arrays_of(*edges, name, rows, columns);
    if (!arrays) return arrays.error();
    for (std::size_t row = 0; row < rows; ++row) {
      if (arrays->ok != nullptr && edges->element(*arrays->ok, row) == 0) continue;
      const recipes::Matrix matrix{1, columns, std::span(inputs).subspan(row * columns, columns)};
      const recipes::Quantized q = recipes::quantize_matrix(*cell.recipe.recipe, matrix);
      const std::string wrong = difference(*edges, *arrays, row, *cell.recipe.recipe, q);
      ++cell.edge_rows;
      if (wrong.empty()) continue;
      ++cell.edge_mismatches;
      note(cell, fmt::format("row {}: {}", names[row].is_string() ? names[row].get<std::string>() : "", wrong));
    }
  }
  return Done{};
}

}  // namespace lowp::recorded
