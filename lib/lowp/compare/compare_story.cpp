// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>

#include "lowp/compare/compare_report.h"
#include "lowp/core/formats.h"
#include "lowp/report/humanize.h"

namespace lowp::compare {
namespace {

constexpr std::size_t most_listed = 5, most_steps = 20;

std::string decibels(const Differences& d) {
  if (d.one_sided() != 0) return "-";
  return d.snr_db ? fmt::format("{:.0f} dB", *d.snr_db) : d.squared_differences == 0 ? "exact" : "-";
}

std::string value_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  return fmt::format("{:.9g}", value);
}

std::string tolerance_text(const Settings& settings) {
  return settings.tolerance == 0 ? "" : fmt::format(" by more than {}", counted(settings.tolerance, "ulp", "ulps"));
}

// How many tensors and values, in words that fit 0, 1 and many.
std::string extent_text(const Comparison& all) {
  return fmt::format("{} of {}", counted(all.compared(), "tensor", "tensors"),
                     counted(all.total.elements, "value", "values"));
}

std::string first_text(const CompareFindings& f) {
  const TensorComparison& tensor = f.comparison.tensors[*f.comparison.first];
  const Divergence& first = *tensor.differences.first;
  std::string text = fmt::format("First difference{}: {}, element {} ({}): {} in A, {} in B", tolerance_text(f.settings),
                                 tensor.name(), grouped(first.index),
                                 step_text(f.comparison.steps[tensor.step].inputs), value_text(first.a),
                                 value_text(first.b));
  if (first.ulps)
    text += fmt::format(", {} of {} apart", counted(*first.ulps, "ulp", "ulps"), ulp_format_text(tensor, f.settings));
  return text + ".";
}

std::string answer_text(const CompareFindings& f) {
  const Comparison& all = f.comparison;
  if (all.compared() == 0) return "Nothing could be compared: no tensor has the same shape in both.";
  if (all.first) return first_text(f);
  if (all.total.equal_bits == all.total.elements) return fmt::format("Equal, bit for bit: {}.", extent_text(all));
  return fmt::format("No value differs{}: {}, {} of them equal bit for bit.",
                     f.settings.tolerance == 0 ? " by an ulp" : tolerance_text(f.settings), extent_text(all),
                     percent_text(all.total.equal_bits, all.total.elements));
}

std::string evidence_text(const Comparison& all) {
  const Differences& d = all.total;
  std::string text = fmt::format("{} of {} {}, {} of {} ({}).", grouped(all.differing()),
                                 counted(all.compared(), "tensor", "tensors"), all.differing() == 1 ? "differs" : "differ",
                                 grouped(d.differing),
                                 counted(d.elements, "value", "values"), percent_text(d.differing, d.elements));
  if (d.one_sided() == 0 && d.snr_db) text += fmt::format(" Signal to noise of all together: {}.", decibels(d));
  return text;
}

void add_count(std::string& text, std::uint64_t count, std::string_view what) {
  if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), what);
}

// What happened to values beside moving; nothing where nothing did.
std::string events_text(const Differences& d) {
  std::string text;
  add_count(text, d.lost, "not zero in A and zero in B");
  add_count(text, d.gained, "zero in A and not zero in B");
  add_count(text, d.sign_flips, "of opposite signs");
  add_count(text, d.nan_only_a, "NaN in A alone");
  add_count(text, d.nan_only_b, "NaN in B alone");
  add_count(text, d.inf_only_a, "Inf in A alone");
  add_count(text, d.inf_only_b, "Inf in B alone");
  return text.empty() ? text : "Values: " + text + ".";
}

std::string side_text(std::string_view side, const Comparison& all, const Input* InputPair::* which) {
  const Input *first = nullptr, *last = nullptr;
  std::size_t files = 0, tensors = 0;
  std::string dtypes;
  for (const StepComparison& step : all.steps) {
    const Input* input = step.inputs.*which;
    if (input == nullptr) continue;
    if (first == nullptr) first = input;
    last = input;
    ++files;
    tensors += input->tensors.size();
  }
  for (const Dtype& dtype : dtype_table) {
    const bool used = std::ranges::any_of(all.steps, [&](const StepComparison& step) {
      const Input* input = step.inputs.*which;
      return input != nullptr &&
             std::ranges::any_of(input->tensors, [&](const TensorView& view) { return view.dtype == &dtype; });
    });
    if (used) dtypes += fmt::format("{}{}", dtypes.empty() ? "" : "/", dtype.safetensors);
  }
  std::string text = fmt::format("{}: {}", side, file_text(*first));
  if (files > 1) text += fmt::format(" to {}, {}", file_text(*last), counted(files, "file", "files"));
  if (first->step) text += fmt::format(", step {}", *first->step);
  if (first->step && last->step && *first->step != *last->step) text += fmt::format(" to {}", *last->step);
  return text + fmt::format(", {} {}", counted(tensors, "tensor", "tensors"), dtypes);
}

// Larger is worse: what has no ratio because of NaN or Inf, then the least signal to noise.
double badness(const Differences& d) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (d.one_sided() != 0) return infinite;
  if (d.snr_db) return -*d.snr_db;
  return d.squared_differences == 0 ? -infinite : infinite;
}

std::string relative_text(const Differences& d) {
  if (d.relative.count == 0) return "-";
  const double value = std::bit_cast<double>(d.relative.at[2]);
  return std::isfinite(value) ? magnitude_text(value) : "beyond FP64";
}

// Far apart the digits say nothing.
std::string ulps_text(std::uint64_t ulps) {
  return ulps < 1'000'000 ? grouped(ulps) : magnitude_text(static_cast<double>(ulps));
}

// A bar for each tensor of the first step that differs.
void add_depth(const Comparison& all, std::vector<Block>& story) {
  if (!all.first) return;
  const StepComparison& step = all.steps[all.tensors[*all.first].step];
  GridRow row{{"noise"}, {}};
  for (std::size_t i = step.begin; i < step.end; ++i) {
    const Differences& d = all.tensors[i].differences;
    if (all.tensors[i].compared) row.spark.push_back(std::clamp(1 + badness(d) / 160, 0.0, 1.0));
  }
  if (row.spark.size() < 2) return;
  story.push_back(Grid{fmt::format("From the first tensor to the last, {}: blank is exact, half is 80 dB, full is 0 dB or less",
                                   step_text(step.inputs)),
                       {""}, 1, {std::move(row)}});
}

void add_tensors(const CompareFindings& f, std::vector<Block>& story) {
  const Comparison& all = f.comparison;
  std::vector<const TensorComparison*> worst;
  for (const TensorComparison& tensor : all.tensors) {
    const Differences& d = tensor.differences;
    if (tensor.compared && (d.differing != 0 || d.squared_differences != 0)) worst.push_back(&tensor);
  }
  if (worst.empty() || f.top == 0) return;
  std::ranges::stable_sort(worst, std::greater{}, [](const TensorComparison* t) { return badness(t->differences); });
  const std::size_t count = worst.size();
  worst.resize(std::min(count, f.top));
  const bool has_steps = all.steps.size() > 1;
  Grid grid{fmt::format("Tensors that differ most{}",
                        worst.size() == count ? "" : fmt::format(" ({} of {})", grouped(worst.size()), grouped(count))),
            {"tensor"},
            has_steps ? 2 : 1,
            {}};
  if (has_steps) grid.header.push_back("step");
  for (const char* title : {"SNR", "relative", "ulps p50", "p99", "largest", "lost", "signs"})
    grid.header.push_back(title);
  grid.key_column = grid.left_columns;
  for (const TensorComparison* tensor : worst) {
    const Differences& d = tensor->differences;
    GridRow row{{tensor->name()}, {}};
    if (has_steps) row.cells.push_back(step_text(all.steps[tensor->step].inputs));
    row.cells.insert(row.cells.end(), {decibels(d), relative_text(d)});
    for (const std::uint64_t ulps : {d.ulps.at[0], d.ulps.at[2], d.ulps.most})
      row.cells.push_back(d.ulps.count == 0 ? "-" : ulps_text(ulps));
    row.cells.insert(row.cells.end(), {grouped(d.lost), grouped(d.sign_flips)});
    grid.rows.push_back(std::move(row));
  }
  story.push_back(std::move(grid));
  story.push_back(Paragraph{"SNR: sum of a^2 over sum of (b - a)^2. relative: |b - a| / |a|, which 99 % of the values do "
                            "not exceed. lost: zero in B alone. signs: opposite ones.",
                            2, 0});
}

void add_steps(const Comparison& all, std::vector<Block>& story) {
  if (all.steps.size() < 2) return;
  Grid grid{"Steps", {"step", "first tensor that differs", "differing", "SNR"}, 2, {}};
  for (const StepComparison& step : all.steps) {
    if (step.inputs.a == nullptr || step.inputs.b == nullptr) continue;
    if (grid.rows.size() == most_steps) break;
    grid.rows.push_back({{step_text(step.inputs), step.first ? all.tensors[*step.first].name() : "-",
                          fmt::format("{} of {}", grouped(step.differing), grouped(step.compared)), decibels(step.total)},
                         {}});
  }
  story.push_back(std::move(grid));
}

// Names, the first few and how many more.
std::string few(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most_listed ? fmt::format("{} and {} more", text, grouped(names.size() - most_listed)) : text;
}

void add_not_compared(const Comparison& all, std::vector<Block>& story) {
  std::vector<std::string> lines, only_a, only_b;
  for (const StepComparison& step : all.steps) {
    const bool whole = step.inputs.a == nullptr || step.inputs.b == nullptr;
    if (whole)
      lines.push_back(fmt::format("{} is only in {}.", step_text(step.inputs), step.inputs.b == nullptr ? "A" : "B"));
    for (std::size_t i = step.begin; i < step.end && !whole; ++i) {
      const TensorComparison& tensor = all.tensors[i];
      if (tensor.a == nullptr) only_b.push_back(tensor.name());
      if (tensor.b == nullptr) only_a.push_back(tensor.name());
    }
  }
  for (const auto& [side, names] : {std::pair("A", &only_a), {"B", &only_b}}) {
    if (!names->empty())
      lines.push_back(fmt::format("{} only in {}: {}.", counted(names->size(), "tensor", "tensors"), side, few(*names)));
  }
  for (std::string& text : mismatch_texts(all)) lines.push_back(std::move(text) + ".");
  if (lines.empty()) return;
  story.push_back(Heading{"Not compared"});
  for (std::size_t i = 0; i < std::min(lines.size(), 2 * most_listed); ++i) story.push_back(Paragraph{lines[i], 2, 2});
  if (lines.size() > 2 * most_listed)
    story.push_back(Paragraph{fmt::format("and {} more.", grouped(lines.size() - 2 * most_listed)), 2, 2});
}

}  // namespace

std::string file_text(const Input& input) {
  return std::filesystem::path(input.path).filename().string();
}

std::string step_text(const InputPair& inputs) {
  const Input& one = inputs.a != nullptr ? *inputs.a : *inputs.b;
  if (!one.step) return file_text(one);
  if (inputs.a != nullptr && inputs.b != nullptr && inputs.b->step && *inputs.b->step != *one.step)
    return fmt::format("step {} in A, {} in B", *one.step, *inputs.b->step);
  return fmt::format("step {}", *one.step);
}

std::string ulp_format_text(const TensorComparison& tensor, const Settings& settings) {
  if (settings.ulp_format) return settings.ulp_format->name;
  return std::string(format_name(ulp_format_of({nullptr, tensor.a, nullptr, tensor.b}, settings)));  // every dtype has one
}

std::string shape_text(const TensorView& view) {
  std::string text;
  for (const std::uint64_t size : view.shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", size);
  return "[" + text + "]";
}

std::vector<std::string> mismatch_texts(const Comparison& comparison) {
  std::vector<std::string> texts;
  for (const TensorComparison& tensor : comparison.tensors) {
    if (tensor.a == nullptr || tensor.b == nullptr || tensor.compared) continue;
    texts.push_back(fmt::format("{}: shape {} in A, {} in B: not compared", tensor.name(), shape_text(*tensor.a),
                                shape_text(*tensor.b)));
  }
  return texts;
}

std::vector<Block> compare_story(const CompareFindings& f) {
  const Comparison& all = f.comparison;
  std::vector<Block> story{Paragraph{answer_text(f), 0, 2}};
  if (all.first) story.push_back(Paragraph{evidence_text(all), 2, 0});
  if (const std::string events = events_text(all.total); !events.empty()) story.push_back(Paragraph{events, 2, 0});
  story.push_back(Heading{side_text("A", all, &InputPair::a)});
  story.push_back(Paragraph{side_text("B", all, &InputPair::b), 0, 2});
  add_steps(all, story);
  add_depth(all, story);
  add_tensors(f, story);
  add_not_compared(all, story);
  story.push_back(Heading{"Not covered"});
  story.push_back(Paragraph{"Which side is right. The first tensor is the first in the file of A, which need not be the "
                            "first that ran: safetensors files are often sorted by name.",
                            2, 2});
  return story;
}

}  // namespace lowp::compare
