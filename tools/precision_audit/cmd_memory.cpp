// SPDX-License-Identifier: Apache-2.0
// precision-audit memory: what weights, gradients and optimizer state take, term by term.
#include <fmt/format.h>

#include <cmath>

#include "arguments.h"
#include "commands.h"
#include "lowp/recipes/training_memory.h"

namespace lowp::tool {
namespace {

template <class Row>
const Row* address_of(const Row& row) {
  return &row;
}

// "7e9", "124000000": a whole number up to 2^52.
Result<std::optional<std::uint64_t>> whole_number(std::string_view word) {
  const auto value = parse_number(word);
  if (!value || *value < 0 || *value > 0x1p52 || *value != std::floor(*value)) {
    return Error{"", std::nullopt, "a whole number such as 7e9", quoted(word)};
  }
  return std::optional(static_cast<std::uint64_t>(*value));
}

Result<recipes::ModelSize> model_of(const std::string& path) {
  if (path.ends_with(".txt")) return recipes::read_shapes(path);
  auto series = open_series(std::vector<std::string>{path}, {});
  if (!series) return series.error();
  recipes::ModelSize model;
  for (const TensorView& view : series->inputs.front().tensors) {
    model.parameters += view.elements;
    model.tensors.push_back({view.name, view.shape});
  }
  return model;
}

struct MemoryTask final : Task {
  recipes::MemoryQuestion question;
  std::optional<std::uint64_t> parameters;
  std::string shapes;

  explicit MemoryTask(Options& o) {
    using recipes::OptimizerMemory;
    using recipes::Recipe;
    using recipes::TrainingScheme;
    o.value({.name = "--params", .value = "N", .help = "number of parameters, for example 7e9"}, parameters, whole_number);
    o.value({.name = "--shapes",
             .value = "FILE",
             .help = "in its place: a dump of the weights, or FILE.txt with a name and its axes in each line"},
            shapes, any_text)
        .is_file = true;
    o.choice({.name = "--kept", .help = "in which types", .initial = "autocast"}, question.scheme,
             one_of<const TrainingScheme*>(recipes::training_schemes, address_of<TrainingScheme>));
    o.choice({.name = "--optimizer", .help = "whose state is kept", .initial = "adamw"}, question.optimizer,
             one_of<const OptimizerMemory*>(recipes::optimizer_memories, address_of<OptimizerMemory>));
    o.value({.name = "--zero", .value = "STAGE", .help = "stage of ZeRO, 0 to 3", .initial = "0"}, question.zero,
            integer_between<int>(0, 3));
    o.value({.name = "--ranks", .value = "N", .help = "that ZeRO splits over", .initial = "1"}, question.ranks,
            integer_between<std::uint64_t>(1, 1 << 24));
    o.choice({.name = "--recipe", .value = "NAME", .help = "weights are also kept quantized by this one of recipes --list"},
             question.recipe, one_of<const Recipe*>(recipes::all_recipes(), address_of<Recipe>));
    o.value({.name = "--activations", .value = "BYTES", .help = "if known; never guessed"}, question.activations,
            whole_number);
  }

  std::optional<Error> check() override {
    if (parameters.has_value() == !shapes.empty()) return fault("wanted one of --params and --shapes");
    return {};
  }

  Result<Answer> run(Job&) override {
    if (parameters) {
      question.model.parameters = *parameters;
    } else {
      auto model = model_of(shapes);
      if (!model) return model.error();
      question.model = std::move(*model);
    }
    return Answer{recipes::memory_report(question)};
  }
};

}  // namespace

std::unique_ptr<Task> make_memory(Options& options) {
  return std::make_unique<MemoryTask>(options);
}

}  // namespace lowp::tool
