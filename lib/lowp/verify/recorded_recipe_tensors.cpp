// SPDX-License-Identifier: Apache-2.0
// real.json: digests and counts of whole tensors that lie elsewhere.
#include <array>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "lowp/base/sha256.h"
#include "lowp/recipes/float_reader.h"
#include "lowp/recipes/quantize.h"
#include "lowp/recipes/recipe_counts.h"
#include "lowp/tensor/readers.h"
#include "lowp/verify/recorded_recipe_files.h"

namespace lowp::recorded {
namespace {

using recipes::Matrix;
using recipes::Orientation;
using recipes::Quantized;
using recipes::Recipe;

constexpr std::uint64_t most_elements = std::uint64_t{1} << 28;

struct Loaded {
  recipes::MatrixShape shape;
  std::vector<float> values;
};

// The tensor "FILE|NAME", nothing if no directory has it.
Result<std::optional<Loaded>> find_tensor_data(const std::string& key, const std::vector<std::string>& directories) {
  const std::size_t bar = key.find('|');
  const std::string file = key.substr(0, bar), name = bar == std::string::npos ? "" : key.substr(bar + 1);
  for (const std::string& directory : directories) {
    const std::string path = (std::filesystem::path(directory) / (file + ".safetensors")).string();
    if (!exists(path)) continue;
    auto series = open_series(std::vector<std::string>{path}, {});
    if (!series) return series.error();
    for (const TensorView& view : series->inputs.front().tensors) {
      if (view.name != name) continue;
      if (view.elements > most_elements) {
        return Error{path, std::nullopt, fmt::format("at most {} elements in '{}'", most_elements, name),
                     fmt::format("{}", view.elements)};
      }
      auto reader = recipes::FloatReader::open(path, view);
      if (!reader) return reader.error();
      Loaded loaded{recipes::matrix_shape(name, view.shape), std::vector<float>(view.elements)};
      if (auto done = reader->read(loaded.values); !done) return done.error();
      return std::optional(std::move(loaded));
    }
  }
  return std::optional<Loaded>{};
}

// Recorded names of orientation and of what was measured are behind the recipe's: "rceil_colwise",
// "te_rht_colwise(error in rotated domain)".
std::string cell_name(std::string key) {
  const std::size_t bar = key.rfind('|');
  std::string front = key.substr(0, bar);
  const std::size_t remark = front.find('(');
  if (remark != std::string::npos) front = front.substr(0, remark);
  return bar == std::string::npos ? front : front + "#" + key.substr(bar + 1);
}

// All scales as recorded: bytes, or FP32; square blocks of NVFP4 repeat their byte for each of their rows.
std::string scale_digest(const Recipe& recipe, const Quantized& q) {
  const bool is_float = recipe.row->scale == recipes::ScaleKind::fp32;
  const std::size_t repeats = recipe.row->scale == recipes::ScaleKind::e4m3 ? recipe.row->block.rows : 1;
  Sha256 sum;
  for (std::size_t r = 0; r < q.grid.rows; ++r) {
    for (std::size_t again = 0; again < repeats; ++again) {
      for (std::size_t c = 0; c < q.grid.columns; ++c) {
        const std::uint32_t code = q.scales[r * q.grid.columns + c];
        sum.add(std::as_bytes(std::span(&code, 1)).first(is_float ? 4 : 1));
      }
    }
  }
  return sum.hex();
}

// Compares fields that the record has; appends "field value, recorded value".
class Fields {
 public:
  explicit Fields(const Json& record) : record_(record) {}
  void count(const char* key, std::uint64_t value) {
    const auto at = record_.find(key);
    if (at == record_.end()) return;
    if (!at->is_number_integer() || at->get<std::int64_t>() != static_cast<std::int64_t>(value)) {
      wrong(key, fmt::format("{}", value), at->dump());
    }
  }
  void text(const char* key, const std::string& value) {
    const auto at = record_.find(key);
    if (at == record_.end()) return;
    if (!at->is_string() || at->get<std::string>() != value) wrong(key, value, at->dump());
  }
  void hexadecimal(const char* key, double value) {
    const auto at = record_.find(key);
    if (at == record_.end()) return;
    const bool is_text = at->is_string();
    const double recorded = is_text ? std::strtod(at->get<std::string>().c_str(), nullptr) : 0;
    const bool same = std::bit_cast<std::uint64_t>(recorded) == std::bit_cast<std::uint64_t>(value);
    if (!is_text || !same) wrong(key, fmt::format("{:a}", value), at->dump());
  }
  const std::string& differences() const { return differences_; }

 private:
  void wrong(const char* key, const std::string& value, const std::string& recorded) {
    differences_ += fmt::format("{}{} {}, recorded {}", differences_.empty() ? "" : "; ", key, value, recorded);
  }
  const Json& record_;
  std::string differences_;
};

// `measured` is what errors are recorded against.
std::string differences(const Recipe& recipe, Matrix matrix, Matrix measured, const Json& record) {
  const Quantized q = recipes::quantize_matrix(recipe, matrix);
  recipes::RecipeCounts counts;
  recipes::count_run(recipe, q.tensor, measured, q.scales, q.codes, counts);
  Fields fields(record);
  fields.text("scale_sha256", scale_digest(recipe, q));
  fields.text("codes_sha256", sha256_hex(std::as_bytes(std::span(q.codes))));
  fields.count("n", counts.elements);
  fields.count("zero_in", counts.zero_in);
  fields.count("flushed", counts.flushed);
  fields.count("subnormal_out", counts.subnormal);
  fields.count("saturated", counts.saturated);
  fields.count("saturated_hard", counts.saturated_beyond_half);
  fields.count("zero_scale_nonzero_in", counts.in_zero_blocks);
  fields.count("nonfinite", counts.nonfinite);
  fields.hexadecimal("sq_err", counts.error.to_double());
  fields.text("dq_g_hex", fmt::format("{:08x}", std::bit_cast<std::uint32_t>(q.tensor.decode)));
  return fields.differences();
}

// Every orientation of a tensor is made once.
class Orientations {
 public:
  explicit Orientations(const Loaded& loaded) : loaded_(loaded) {}
  Matrix get(Orientation orientation) {
    if (orientation == Orientation::rows) return matrix();
    std::optional<recipes::Oriented>& slot = made_[static_cast<std::size_t>(orientation)];
    if (!slot) slot = recipes::oriented(matrix(), orientation);
    return {slot->rows, slot->columns, slot->values};
  }

 private:
  Matrix matrix() const {
    return {static_cast<std::size_t>(loaded_.shape.rows), static_cast<std::size_t>(loaded_.shape.columns),
            loaded_.values};
  }
  const Loaded& loaded_;
  std::array<std::optional<recipes::Oriented>, 4> made_;
};

}  // namespace

Result<Done> check_tensors(const std::string& path, const std::vector<std::string>& tensor_directories, Cells& cells,
                           RecordedRecipes& result) {
  auto json = read_json(path);
  if (!json) return json.error();
  const auto results = json->find("results");
  if (results == json->end() || !results->is_object()) {
    return Error{path, std::nullopt, "an object 'results'", "none"};
  }
  for (const auto& [key, record] : results->items()) {
    if (!record.is_object()) return Error{path, std::nullopt, fmt::format("an object under '{}'", key), "none"};
    ++result.tensors_named;
    auto loaded = find_tensor_data(key, tensor_directories);
    if (!loaded) return loaded.error();
    const bool found = loaded->has_value();
    result.tensors_found += found;
    if (!found) {
      result.problems.push_back(fmt::format("tensor '{}' is in none of the directories given", key));
    } else if (record.value("_raw_sha256", std::string()) !=
               sha256_hex(std::as_bytes(std::span((**loaded).values)))) {
      result.problems.push_back(fmt::format("tensor '{}' is not the recorded one: its digest differs", key));
    }
    std::optional<Orientations> orientations;
    if (found) orientations.emplace(**loaded);
    for (const auto& [entry, values] : record.items()) {
      if (entry.starts_with('_')) continue;
      RecordedCell& cell = cell_of(cells, cell_name(entry));
      if (cell.recipe.recipe == nullptr || !found) continue;
      const Orientation orientation = cell.recipe.orientation;
      const bool in_fp32 = orientation == Orientation::rotated_columns_fp32;
      const Matrix matrix = orientations->get(orientation);
      const Matrix measured = orientations->get(in_fp32 ? Orientation::rotated_columns : orientation);
      const std::string wrong = differences(*cell.recipe.recipe, matrix, measured, values);
      ++cell.tensors;
      if (wrong.empty()) continue;
      ++cell.tensor_mismatches;
      note(cell, fmt::format("tensor {}: {}", key, wrong));
    }
  }
  return Done{};
}

}  // namespace lowp::recorded
