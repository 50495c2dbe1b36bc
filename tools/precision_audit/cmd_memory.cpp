// SPDX-License-Identifier: Apache-2.0
// precision-audit memory: what weights, gradients and optimizer state take, term by term.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <string>

#include "command_line.h"
#include "commands.h"
#include "lowp/recipes/training_memory.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/step_series.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::string params, shapes, scheme = "autocast", optimizer = "adamw", recipe, activations, output = "text";
  int zero = 0;
  std::uint64_t ranks = 1;
};

// "7e9", "124000000": a whole number up to 2^52.
std::optional<std::uint64_t> whole_number(const std::string& word) {
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (word.empty() || *end != '\0' || !(value >= 0) || value > 0x1p52 || value != std::floor(value)) return {};
  return static_cast<std::uint64_t>(value);
}

template <class Rows>
auto row_of(const Rows& rows, std::string_view name) -> decltype(&rows[0]) {
  for (const auto& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::optional<std::string> read_words(const Words& words, recipes::MemoryQuestion& question) {
  if (words.params.empty() == words.shapes.empty()) return "wanted one of --params and --shapes";
  question.scheme = row_of(recipes::training_schemes, words.scheme);
  if (!question.scheme) {
    return fmt::format("--kept: unknown '{}'; known: {}", words.scheme, names_of(recipes::training_schemes));
  }
  question.optimizer = row_of(recipes::optimizer_memories, words.optimizer);
  if (!question.optimizer) {
    return fmt::format("--optimizer: unknown '{}'; known: {}", words.optimizer, names_of(recipes::optimizer_memories));
  }
  if (!words.recipe.empty()) {
    question.recipe = recipes::find_recipe(words.recipe);
    if (!question.recipe) return fmt::format("--recipe: unknown '{}' (see recipes --list)", words.recipe);
  }
  if (words.zero < 0 || words.zero > 3) return "--zero: wanted 0 to 3";
  if (words.ranks < 1 || words.ranks > 1u << 24) return "--ranks: wanted 1 to 2^24";
  question.zero = words.zero;
  question.ranks = words.ranks;
  if (!words.activations.empty()) {
    question.activations = whole_number(words.activations);
    if (!question.activations) return fmt::format("--activations: wanted bytes, found '{}'", words.activations);
  }
  if (words.params.empty()) return {};
  const auto parameters = whole_number(words.params);
  if (!parameters) return fmt::format("--params: wanted a whole number such as 7e9, found '{}'", words.params);
  question.model.parameters = *parameters;
  return {};
}

// Shapes of a dump, or of a text file.
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

int fail(std::string_view message, int code) {
  complain(message);
  return code;
}

}  // namespace

int cmd_memory(int argc, char** argv) {
  Words words;
  CLI::App app{"Bytes that training keeps: weights, gradients, copies and optimizer state, each with its formula.", argv[0]};
  app.add_option("--params", words.params, "number of parameters, for example 7e9");
  app.add_option("--shapes", words.shapes, "a dump of the weights, or FILE.txt with a name and its axes in each line");
  app.add_option("--kept", words.scheme, names_of(recipes::training_schemes))->capture_default_str();
  app.add_option("--optimizer", words.optimizer, names_of(recipes::optimizer_memories))->capture_default_str();
  app.add_option("--zero", words.zero, "stage of ZeRO, 0 to 3")->capture_default_str();
  app.add_option("--ranks", words.ranks, "that ZeRO splits over")->capture_default_str();
  app.add_option("--recipe", words.recipe, "weights are also kept quantized by this recipe");
  app.add_option("--activations", words.activations, "bytes, if known; never guessed");
  app.add_option("--output", words.output, "text, json, csv, markdown")->capture_default_str();
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  recipes::MemoryQuestion question;
  if (const auto wrong = read_words(words, question)) return fail(*wrong, exit_usage);
  const Writer* writer = find_writer(words.output);
  if (writer == nullptr || writer->name == "svg") {
    return fail(fmt::format("--output: wanted text, json, csv or markdown, found '{}'", words.output), exit_usage);
  }
  if (!words.shapes.empty()) {
    auto model = model_of(words.shapes);
    if (!model) return fail(model.error().message(), exit_input);
    question.model = std::move(*model);
  }
  Report report = recipes::memory_report(question);
  report.tables.insert(report.tables.begin(),
                       Table{"tool",
                             {"name", "version"},
                             {{Cell{std::string("precision-audit")}, Cell{std::string(version)}}},
                             true});
  std::string document;
  writer->write(report, stdout_style(), document);
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error, exit_input);
  return exit_fine;
}

}  // namespace lowp::tool
