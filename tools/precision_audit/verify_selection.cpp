// SPDX-License-Identifier: Apache-2.0
#include "verify_selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "command_line.h"
#include "lowp/core/formats.h"

namespace lowp::tool {
namespace {

using Wrong = std::optional<std::string>;

// What is chosen of each kind; what is not named is chosen by --full and the source.
struct Choice {
  std::vector<std::string_view> sources;
  std::vector<const SweepFormat*> formats;
  std::vector<Rounding> modes;
  std::vector<Overflow> rules;
};

Wrong read_sources(std::string_view list, Choice& choice) {
  static constexpr std::string_view known[] = {"fp32", "fp16", "bf16"};
  for (const std::string& word : split(list, ',')) {
    const auto* found = std::ranges::find(known, word);
    if (found == std::end(known)) return fmt::format("--source: unknown '{}'; known: fp32, fp16, bf16", word);
    choice.sources.push_back(*found);
  }
  return {};
}

Wrong read_formats(std::string_view list, Choice& choice) {
  if (list.empty()) return {};
  for (const std::string& word : split(list, ',')) {
    const SweepFormat* found = find_sweep_format(word);
    if (found == nullptr) return fmt::format("--formats: unknown '{}'; known: {}", word, names_of(sweep_formats()));
    choice.formats.push_back(found);
  }
  return {};
}

Wrong read_rules(const SelectionWords& words, Choice& choice) {
  if (!words.modes.empty()) {
    for (const std::string& word : split(words.modes, ',')) {
      const RoundingName* found = find_rounding(word);
      if (found == nullptr || is_stochastic(found->mode))
        return fmt::format("--modes: no deterministic mode '{}'; known: {}", word, names_of(rounding_names));
      choice.modes.push_back(found->mode);
    }
  }
  if (!words.overflow.empty()) {
    for (const std::string& word : split(words.overflow, ',')) {
      const OverflowName* found = find_overflow(word);
      if (found == nullptr) return fmt::format("--overflow: unknown '{}'; known: {}", word, names_of(overflow_names));
      choice.rules.push_back(found->rule);
    }
  }
  return {};
}

// Unnamed formats, modes and rules: all of them, but from FP32 the ieee rule alone and without --full only what most
// people use.
Choice completed(Choice choice, bool all, bool every_rule) {
  if (choice.formats.empty()) {
    for (const SweepFormat& row : sweep_formats()) {
      static constexpr std::string_view usual[] = {"fp16", "bf16", "e4m3", "e5m2"};
      if (all || std::ranges::find(usual, row.name) != std::end(usual)) choice.formats.push_back(&row);
    }
  }
  if (choice.modes.empty()) choice.modes.assign(swept_modes.begin(), all ? swept_modes.end() : swept_modes.begin() + 1);
  if (choice.rules.empty()) {
    for (const OverflowName& row : overflow_names) {
      if (every_rule || choice.rules.empty()) choice.rules.push_back(row.rule);
    }
  }
  return choice;
}

std::vector<SweepCase> cases_of(const Choice& named, bool full) {
  std::vector<SweepCase> cases;
  for (const std::string_view source : named.sources) {
    const Choice choice = completed(named, full || source != "fp32", source != "fp32");
    for (const SweepFormat* format : choice.formats) {
      for (const Rounding mode : choice.modes) {
        for (const Overflow rule : choice.rules) cases.push_back({source, format, mode, rule});
      }
    }
  }
  return cases;
}

}  // namespace

std::optional<std::string> select_cases(const SelectionWords& words, std::vector<SweepCase>& cases) {
  Choice choice;
  if (Wrong wrong = read_sources(words.sources, choice)) return wrong;
  if (Wrong wrong = read_formats(words.formats, choice)) return wrong;
  if (Wrong wrong = read_rules(words, choice)) return wrong;
  cases = cases_of(choice, words.full);
  return {};
}

}  // namespace lowp::tool
