// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "lowp/recipes/recipe_words.h"
#include "lowp/recipes/training_memory.h"

namespace lowp::recipes {
namespace {

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 10'000) return fmt::format("{} bytes", grouped(bytes));
  if (value < 1e6) return fmt::format("{:.1f} kB", value / 1e3);
  return value < 1e9 ? fmt::format("{:.1f} MB", value / 1e6) : fmt::format("{:.1f} GB", value / 1e9);
}

// Tables that are passed on for 7e9 parameters and AdamW, in GB. Their sums differ in activations, which each guesses.
struct Published {
  std::string_view what;
  int weights, gradients, master, states, activations;
};
constexpr std::array published{
    Published{"FP32, as tutorials add it", 28, 28, 0, 56, 10},
    Published{"mixed precision, as tutorials add it", 14, 14, 28, 56, 5},
    Published{"torch.autocast, as torch allocates it", 28, 28, 0, 56, 0},
};

Grid published_grid() {
  Grid grid{"Tables for 7,000,000,000 parameters and AdamW, in GB",
            {"", "weights", "gradients", "FP32 copy", "states", "activations", "sum"},
            1,
            {}};
  for (const Published& row : published) {
    const int sum = row.weights + row.gradients + row.master + row.states + row.activations;
    grid.rows.push_back(
        {{std::string(row.what), fmt::format("{}", row.weights), fmt::format("{}", row.gradients),
          fmt::format("{}", row.master), fmt::format("{}", row.states),
          row.activations == 0 ? "not counted" : fmt::format("{} guessed", row.activations), fmt::format("{}", sum)},
         {}});
  }
  return grid;
}

// The same model and optimizer under every scheme, without activations and quantized copies.
Grid schemes_grid(const MemoryQuestion& question) {
  Grid grid{"The same model otherwise", {"--kept", "bytes a parameter", "sum", ""}, 1, {}};
  for (const TrainingScheme& scheme : training_schemes) {
    MemoryQuestion other = question;
    other.scheme = &scheme;
    other.recipe = nullptr;
    other.activations.reset();
    const int each = scheme.weight + scheme.gradient + scheme.master + scheme.state * question.optimizer->states;
    grid.rows.push_back(
        {{std::string(scheme.name), fmt::format("{}", each), bytes_text(memory_sum(memory_terms(other))),
          scheme.name == question.scheme->name ? "asked" : ""},
         {}});
  }
  return grid;
}

Table terms_table(std::span<const MemoryTerm> terms) {
  Table table{"terms", {"term", "formula", "bytes"}, {}, false};
  for (const MemoryTerm& term : terms)
    table.rows.push_back({text_cell(term.name), text_cell(term.formula), count_cell(term.bytes)});
  return table;
}

std::string headline(const MemoryQuestion& q, std::uint64_t sum) {
  std::string text =
      fmt::format("{} for {}, {} and {}{}", bytes_text(sum), counted(q.model.parameters, "parameter", "parameters"),
                  q.scheme->name, q.optimizer->name, q.activations ? "" : ", without activations");
  if (q.zero > 0) text += fmt::format(", on each of {} with ZeRO stage {}", counted(q.ranks, "rank", "ranks"), q.zero);
  return text + ".";
}

}  // namespace

Report memory_report(const MemoryQuestion& q) {
  const std::vector<MemoryTerm> terms = memory_terms(q);
  const std::uint64_t sum = memory_sum(terms);
  Report report;
  report.tables = {{"memory",
                    {"parameters", "tensors", "scheme", "optimizer", "zero", "ranks", "bytes"},
                    {{count_cell(q.model.parameters),
                      q.model.tensors.empty() ? Cell{Null{"only the number of parameters is known"}}
                                              : count_cell(q.model.tensors.size()),
                      text_cell(q.scheme->name), text_cell(q.optimizer->name), Cell{std::int64_t{q.zero}},
                      count_cell(q.ranks), count_cell(sum)}},
                    true},
                   terms_table(terms)};
  Grid grid{"", {"term", "formula", "bytes", ""}, 2, {}};
  for (const MemoryTerm& term : terms) {
    grid.rows.push_back({{term.name, term.formula, grouped(term.bytes), bytes_text(term.bytes)}, {}});
  }
  report.story = {Paragraph{headline(q, sum), 0, 2},
                  Paragraph{fmt::format("{}: {}.", q.scheme->name, q.scheme->meaning), 0, 2}, std::move(grid),
                  schemes_grid(q)};
  report.story.push_back(
      Paragraph{"Autocast saves no weights, gradients or states: 16 bytes a parameter with AdamW before "
                "and after. Half of that, 8, needs weights and states in 16 bits.",
                2, 0});
  report.story.push_back(published_grid());
  report.story.push_back(
      Paragraph{"122, 117 and 112 GB differ in activations alone: 10, 5 and none. FP16 gradients (14) "
                "beside an FP32 copy (28) add up to FP32 weights and gradients; autocast keeps no FP16 "
                "gradients.",
                2, 0});
  report.story.push_back(Heading{"Not covered"});
  if (!q.activations) {
    report.story.push_back(
        Paragraph{"Activations: they depend on batch, sequence and checkpointing; measure them and give "
                  "--activations.",
                  2, 2});
  }
  if (q.model.tensors.empty() && q.optimizer->step_bytes != 0) {
    report.story.push_back(
        Paragraph{fmt::format("{} bytes for each parameter tensor (the optimizer's step): give --shapes.",
                              q.optimizer->step_bytes),
                  2, 2});
  }
  report.story.push_back(
      Paragraph{"Buffers of modules, the cache of 16-bit weights inside autocast (2 bytes a parameter "
                "while it is entered), temporary buffers, padding and fragmentation of the allocator.",
                2, 2});
  return report;
}

}  // namespace lowp::recipes
