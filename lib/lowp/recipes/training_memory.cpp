// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/training_memory.h"

#include <charconv>

#include "lowp/recipes/float_reader.h"
#include "lowp/recipes/quantize.h"
#include "lowp/recipes/recipe_words.h"
#include "lowp/tensor/checked.h"
#include "lowp/tensor/file.h"

namespace lowp::recipes {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 26, most_lines = std::uint64_t{1} << 20;
constexpr std::uint64_t most_parameters = std::uint64_t{1} << 52;

std::uint64_t split(std::uint64_t bytes, bool is_split, std::uint64_t ranks) {
  return is_split ? (bytes + ranks - 1) / ranks : bytes;
}

std::uint64_t scale_bytes(ScaleKind kind) {
  return kind == ScaleKind::fp32 ? 4 : 1;
}

// Codes and scales of one copy of a matrix.
std::uint64_t copy_bytes(const Recipe& recipe, std::uint64_t rows, std::uint64_t columns) {
  const auto bits = static_cast<std::uint64_t>(recipe.element.width);
  const BlockGrid grid = block_grid(recipe, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns));
  const std::uint64_t codes = (rows * columns * bits + 7) / 8;
  return codes + grid.rows * grid.columns * scale_bytes(recipe.row->scale) +
         (recipe.row->tensor_rule != nullptr ? sizeof(float) : 0);
}

// A copy along rows and one along columns, unless the blocks are square.
MemoryTerm quantized_term(const MemoryQuestion& q) {
  const Recipe& recipe = *q.recipe;
  const BlockShape block = recipe.row->block;
  const bool square = block.rows == block.columns;
  const std::uint64_t copies = square ? 1 : 2;
  std::uint64_t bytes = 0;
  for (const ParameterShape& tensor : q.model.tensors) {
    if (tensor.shape.size() < 2) continue;
    const MatrixShape shape = matrix_shape(tensor.name, tensor.shape);
    bytes += copy_bytes(recipe, shape.rows, shape.columns);
    if (copies == 2) bytes += copy_bytes(recipe, shape.columns, shape.rows);
  }
  const std::uint64_t per_scale =
      block.rows == 0 || block.columns == 0 ? 0 : std::uint64_t{block.rows} * std::uint64_t{block.columns};
  if (q.model.tensors.empty()) {
    const std::uint64_t codes = (q.model.parameters * static_cast<std::uint64_t>(recipe.element.width) + 7) / 8;
    bytes = copies *
            (codes +
             (per_scale == 0 ? 0 : (q.model.parameters + per_scale - 1) / per_scale * scale_bytes(recipe.row->scale)));
  }
  return {fmt::format("weights in {}", recipe.name),
          fmt::format("{} x ({} bits{}){}", counted(copies, "copy", "copies"), recipe.element.width,
                      per_scale == 0 ? std::string()
                                     : fmt::format(" + {} for every {} elements",
                                                   counted(scale_bytes(recipe.row->scale), "byte", "bytes"), per_scale),
                      q.model.tensors.empty() ? ", of every parameter" : ", of matrices"),
          bytes};
}

std::string formula(std::uint64_t parameters, int bytes, int tensors, bool is_split, std::uint64_t ranks) {
  std::string text = fmt::format("{} x {} bytes", grouped(parameters), bytes);
  if (tensors != 1) text += fmt::format(" x {}", tensors);
  if (is_split) text += fmt::format(" / {} ranks", ranks);
  return text;
}

}  // namespace

std::vector<MemoryTerm> memory_terms(const MemoryQuestion& q) {
  const std::uint64_t n = q.model.parameters;
  const bool split_states = q.zero >= 1 && q.ranks > 1, split_gradients = q.zero >= 2 && q.ranks > 1;
  const bool split_weights = q.zero >= 3 && q.ranks > 1;
  std::vector<MemoryTerm> terms;
  const auto add = [&](std::string name, int bytes, int tensors, bool is_split) {
    const std::uint64_t whole = n * static_cast<std::uint64_t>(bytes) * static_cast<std::uint64_t>(tensors);
    if (whole != 0) {
      terms.push_back(
          {std::move(name), formula(n, bytes, tensors, is_split, q.ranks), split(whole, is_split, q.ranks)});
    }
  };
  add("weights", q.scheme->weight, 1, split_weights);
  add("gradients", q.scheme->gradient, 1, split_gradients);
  add("FP32 copy of the weights", q.scheme->master, 1, split_states);
  add("optimizer state", q.scheme->state, q.optimizer->states, split_states);
  const std::uint64_t steps = q.model.tensors.size() * static_cast<std::uint64_t>(q.optimizer->step_bytes);
  if (steps != 0) {
    terms.push_back(
        {"optimizer steps",
         fmt::format("{} x {} bytes", counted(q.model.tensors.size(), "tensor", "tensors"), q.optimizer->step_bytes),
         steps});
  }
  if (q.recipe != nullptr) terms.push_back(quantized_term(q));
  if (q.activations && *q.activations != 0) terms.push_back({"activations", "as given", *q.activations});
  return terms;
}

std::uint64_t memory_sum(std::span<const MemoryTerm> terms) {
  std::uint64_t sum = 0;
  for (const MemoryTerm& term : terms) sum += term.bytes;
  return sum;
}

Result<ModelSize> read_shapes(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > most_bytes) {
    return Error{path, std::nullopt, "at most 64 MiB of shapes", fmt::format("{} bytes", (*file)->size())};
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>((*file)->size()));
  if (auto done = (*file)->read(0, bytes); !done) return done.error();
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ModelSize model;
  for (std::uint64_t line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    ParameterShape tensor;
    const auto wrong = [&](std::string found) {
      return Error{path, std::nullopt, fmt::format("a name and its axes in line {}", line_number), std::move(found)};
    };
    for (bool first = true; !line.empty(); first = false) {
      const std::size_t begin = line.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) break;
      line.remove_prefix(begin);
      const std::string_view one = line.substr(0, line.find_first_of(" \t\r"));
      line.remove_prefix(one.size());
      if (first) {
        tensor.name = one;
        continue;
      }
      std::uint64_t axis = 0;
      const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), axis);
      if (error != std::errc{} || end != one.data() + one.size()) return wrong(std::string(one));
      tensor.shape.push_back(axis);
    }
    if (tensor.name.empty()) continue;
    const auto count = element_count(tensor.shape);
    if (!count || *count > most_parameters || model.parameters > most_parameters) return wrong("too many elements");
    if (model.tensors.size() == most_lines) return wrong("more than 2^20 lines");
    model.parameters += *count;
    model.tensors.push_back(std::move(tensor));
  }
  if (model.tensors.empty()) return Error{path, std::nullopt, "lines of a name and its axes", "none"};
  return model;
}

}  // namespace lowp::recipes
