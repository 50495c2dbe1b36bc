// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <map>

#include "lowp/recipes/plan.h"
#include "lowp/recipes/recipe_words.h"

namespace lowp::recipes {
namespace {

std::string outcome_text(const CandidateOutcome& o) {
  if (o.nonfinite) return "overflow";
  return o.snr_db ? fmt::format("{:.0f} dB", *o.snr_db) : "exact";
}

// The next format up that is better by a decibel or more, or loses less: what a promotion would buy.
std::optional<std::size_t> promotion(const PlanEntry& entry) {
  const std::vector<Candidate>& all = plan_candidates();
  const CandidateOutcome& now = entry.outcomes[entry.chosen];
  for (std::size_t c = entry.chosen + 1; c < all.size(); ++c) {
    if (all[c].weights_only && entry.kind != TensorKind::weight) continue;
    const CandidateOutcome& next = entry.outcomes[c];
    const bool clearer = now.snr_db && (!next.snr_db || *next.snr_db >= *now.snr_db + 1);
    if (!next.nonfinite && (clearer || next.flushed < now.flushed)) return c;
  }
  return {};
}

std::string name_with_scale(const PlanEntry& entry, std::size_t candidate) {
  const Candidate& c = plan_candidates()[candidate];
  return c.scaled ? fmt::format("{} at 2^{}", c.name, entry.outcomes[candidate].scale_log2) : c.name;
}

double total_bits(const Plan& plan) {
  double bits = 0;
  for (const PlanEntry& e : plan.entries) bits += static_cast<double>(e.elements) * plan_candidates()[e.chosen].bits;
  return bits;
}

std::string headline(const Plan& plan) {
  if (plan.entries.empty()) return "Nothing to plan: no tensor has a value.";
  std::map<std::string, std::uint64_t> tensors;
  std::uint64_t elements = 0;
  for (const PlanEntry& e : plan.entries) {
    ++tensors[plan_candidates()[e.chosen].name];
    elements += e.elements;
  }
  std::string text = fmt::format("{}", counted(plan.entries.size(), "tensor", "tensors"));
  bool first = true;
  for (const Candidate& c : plan_candidates()) {
    if (!tensors.contains(c.name)) continue;
    text += fmt::format("{}{} in {}", first ? ": " : ", ", tensors[c.name], c.name);
    first = false;
  }
  const double average = elements == 0 ? 0 : total_bits(plan) / static_cast<double>(elements);
  return fmt::format("{}; {:.1f} bits per value where FP32 takes 32.", text, average);
}

Grid plan_grid(const Plan& plan) {
  Grid grid{"The cheapest that is enough, and why the next cheaper one is not",
            {"tensor", "format", "SNR", "flushed", "promoted to", "SNR then", "not enough"},
            2,
            {}};
  for (const PlanEntry& e : plan.entries) {
    const CandidateOutcome& o = e.outcomes[e.chosen];
    const auto next = promotion(e);
    grid.rows.push_back(
        {{e.tensor, name_with_scale(e, e.chosen), outcome_text(o),
          o.flushed == 0 ? "0" : fmt::format("{:.2g} %", 100 * o.flushed), next ? name_with_scale(e, *next) : "-",
          next ? outcome_text(e.outcomes[*next]) : "-", e.reason},
         {}});
  }
  return grid;
}

// The candidates that any of these tensors may have; the two that keep everything are left out.
std::vector<std::size_t> shown_candidates(const Plan& plan) {
  const std::vector<Candidate>& all = plan_candidates();
  const auto is_weight = [](const PlanEntry& e) { return e.kind == TensorKind::weight; };
  const bool weights = std::ranges::any_of(plan.entries, is_weight);
  std::vector<std::size_t> shown;
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (all[c].bits < 32 && (weights || !all[c].weights_only)) shown.push_back(c);
  }
  return shown;
}

// Every tensor in every candidate: the ratio where the policy holds, "." where it does not, "[ ]" what was chosen.
Grid heat_grid(const Plan& plan) {
  Grid grid{"Every format, in dB ('.': not enough; [ ]: chosen)", {"tensor"}, 1, {}};
  std::vector<std::size_t> shown = shown_candidates(plan);
  // A narrow table has no room for blocks of 128 that nobody needs.
  std::erase_if(shown, [&](std::size_t c) {
    const Recipe* recipe = plan_candidates()[c].recipe;
    return recipe != nullptr && recipe->row->block == BlockShape{1, 128} &&
           std::ranges::none_of(plan.entries, [&](const PlanEntry& e) { return e.chosen == c; });
  });
  for (const std::size_t c : shown) grid.header.push_back(plan_candidates()[c].heading);
  for (const PlanEntry& e : plan.entries) {
    GridRow row{{e.tensor}, {}};
    for (const std::size_t c : shown) {
      const CandidateOutcome& o = e.outcomes[c];
      std::string cell = broken(plan.policy, o).empty() ? (o.snr_db ? fmt::format("{:.0f}", *o.snr_db) : "exact") : ".";
      row.cells.push_back(c == e.chosen ? fmt::format("[{}]", cell) : cell);
    }
    grid.rows.push_back(std::move(row));
  }
  return grid;
}

// The same as a picture: how much of each tensor becomes zero in each candidate, and where that or more is too much.
Figure plan_figure(const StepSeries& series, const Plan& plan) {
  Figure figure{
      .title = "Which format each tensor can be kept in",
      .subtitle = fmt::format("{}: non-zero values that become zero; framed: the cheapest that keeps {:.0f} dB",
                              series.inputs.front().path, plan.policy.snr_db),
      .x_label = "format or recipe, the fewest bits first",
      .y_label = "",
      .panels = {}};
  figure.marked_label = "not enough";
  Panel& panel = figure.panels.emplace_back();
  panel.title = counted(plan.entries.size(), "tensor", "tensors");
  const std::vector<std::size_t> shown = shown_candidates(plan);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    panel.x.push_back(static_cast<double>(i));
    panel.columns.push_back(plan_candidates()[shown[i]].heading);
  }
  for (const PlanEntry& e : plan.entries) {
    HeatRow row{e.tensor, {}, {}};
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const CandidateOutcome& o = e.outcomes[shown[i]];
      row.share.push_back(o.flushed);
      row.marked.push_back(!broken(plan.policy, o).empty());
      if (shown[i] == e.chosen) row.chosen = static_cast<int>(i);
    }
    panel.heat.push_back(std::move(row));
  }
  return figure;
}

Table tensors_table(const StepSeries& series, const Plan& plan) {
  Table table{"tensors",
              {"tensor", "module", "kind", "elements", "format", "scale_log2", "bits", "snr_db", "flushed", "saturated",
               "reason", "promotion", "promotion_snr_db", "promotion_extra_bits", "path"},
              {},
              false};
  for (const PlanEntry& e : plan.entries) {
    const CandidateOutcome& o = e.outcomes[e.chosen];
    const Candidate& c = plan_candidates()[e.chosen];
    const auto next = promotion(e);
    const std::string none = "nothing is better";
    table.rows.push_back(
        {text_cell(e.tensor), text_cell(e.module), text_cell(kind_text(e.kind)), count_cell(e.elements),
         text_cell(c.name), c.scaled ? Cell{std::int64_t{o.scale_log2}} : Cell{Null{"its scales come from the values"}},
         Cell{c.bits}, real_cell(o.snr_db, "exact, or no value that is not zero"), Cell{o.flushed}, Cell{o.saturated},
         text_cell(e.reason), next ? text_cell(plan_candidates()[*next].name) : Cell{Null{none}},
         next ? real_cell(e.outcomes[*next].snr_db, "exact") : Cell{Null{none}},
         next ? Cell{plan_candidates()[*next].bits - c.bits} : Cell{Null{none}},
         text_cell(series.inputs[e.input].path)});
  }
  return table;
}

// One row for each module: the dearest format of its tensors of each kind, for a filter function to read.
Table modules_table(const Plan& plan) {
  struct Module {
    std::map<TensorKind, std::size_t> format;
  };
  std::map<std::string, Module> modules;
  for (const PlanEntry& e : plan.entries) {
    auto [at, fresh] = modules[e.module].format.try_emplace(e.kind, e.chosen);
    if (!fresh) at->second = std::max(at->second, e.chosen);
  }
  Table table{"modules", {"module", "weight", "weight_gradient", "activation_gradient", "stays_16_bit"}, {}, false};
  for (const auto& [name, module] : modules) {
    bool wide = false;
    const auto cell = [&](TensorKind kind) {
      const auto at = module.format.find(kind);
      if (at == module.format.end()) return Cell{Null{"not in the dump"}};
      wide |= plan_candidates()[at->second].bits >= 16;
      return text_cell(plan_candidates()[at->second].name);
    };
    std::vector<Cell> row{text_cell(name), cell(TensorKind::weight), cell(TensorKind::weight_gradient),
                          cell(TensorKind::activation_gradient)};
    row.push_back(Cell{wide});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Report plan_report(const StepSeries& series, const Plan& plan) {
  Report report;
  report.tables = {{"policy",
                    {"snr_db", "flushed", "saturated"},
                    {{Cell{plan.policy.snr_db}, Cell{plan.policy.flushed}, Cell{plan.policy.saturated}}},
                    true},
                   modules_table(plan),
                   tensors_table(series, plan)};
  report.story = {Paragraph{headline(plan), 0, 2},
                  Paragraph{fmt::format("{}, {}. Enough: {:.0f} dB, at most {:.2g} % of the values that are not zero "
                                        "flushed and {:.2g} % saturated beyond half a unit, in every step.",
                                        std::filesystem::path(series.inputs.front().path).filename().string(),
                                        counted(series.inputs.size(), "step", "steps"), plan.policy.snr_db,
                                        100 * plan.policy.flushed, 100 * plan.policy.saturated),
                            0, 2},
                  plan_grid(plan), heat_grid(plan)};
  report.figures.push_back(plan_figure(series, plan));
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"Activations of the forward pass, sums of products, and what errors of several layers do "
                "together: a plan is where to begin, not a proof of convergence.",
                2, 2});
  return report;
}

}  // namespace lowp::recipes
