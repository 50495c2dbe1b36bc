// SPDX-License-Identifier: Apache-2.0
#include "format_words.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "arguments.h"
#include "did_you_mean.h"

namespace lowp::tool {
namespace {

// What people call formats that have another name here, or several.
struct LooseName {
  std::string_view word, meant;
};
constexpr std::array loose_names{
    LooseName{"half", "fp16"},           LooseName{"float", "fp32"},      LooseName{"single", "fp32"},
    LooseName{"double", "fp64"},         LooseName{"brain", "bf16"},      LooseName{"fp8", "e4m3 or e5m2"},
    LooseName{"float8", "e4m3 or e5m2"}, LooseName{"fp6", "e2m3 or e3m2"}, LooseName{"float6", "e2m3 or e3m2"},
    LooseName{"fp4", "e2m1"},            LooseName{"float4", "e2m1"},
};

const BlockFormat* find_block_format(std::string_view name) {
  for (const BlockFormat& row : block_format_table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string hint_for(std::string_view name, bool blocks_too) {
  for (const LooseName& row : loose_names) {
    if (row.word == name) return fmt::format("; did you mean {}?", row.meant);
  }
  if (find_block_format(name) != nullptr)
    return fmt::format(", a block format: `precision-audit accumulate gemm --paths ideal:{}` can use it", name);
  std::vector<std::string> known;
  for (const NamedFormat& row : format_table) known.insert(known.end(), {std::string(row.name), std::string(row.alias)});
  for (const BlockFormat& row : block_format_table) {
    if (blocks_too) known.emplace_back(row.name);
  }
  return did_you_mean(name, known);
}

}  // namespace

std::string all_format_names() {
  return names_of(format_table);
}

std::string auditable_names() {
  std::string names;
  for (const NamedFormat& row : format_table) {
    if (is_auditable(row.format)) names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  return names;
}

OneOf<Rounding> deterministic_modes() {
  OneOf<Rounding> modes = one_of<Rounding>(rounding_names, &RoundingName::mode);
  std::erase_if(modes.names, [&](const std::string& name) { return is_stochastic(*modes.find(name)); });
  modes.kind = "a deterministic mode:";
  modes.find = [all = modes.find](std::string_view word) {
    const auto mode = all(word);
    return mode && is_stochastic(*mode) ? std::nullopt : mode;
  };
  return modes;
}

Result<ChosenFormat> any_format(std::string_view word) {
  const std::string name = lower_case(std::string(word));
  const FormatLookup found = find_format(name);
  if (found.found) return ChosenFormat{name, found.format};
  return Error{"", std::nullopt, all_format_names() + ", or eXmY", quoted(word) + hint_for(name, false)};
}

Result<NamedTarget> target_format(std::string_view word) {
  auto format = auditable_format(word);
  if (!format) return format.error();
  return NamedTarget{format->name, format->format};
}

Result<ChosenFormat> auditable_format(std::string_view word) {
  const std::string name = lower_case(std::string(word));
  const FormatLookup found = find_format(name);
  if (found.found && is_auditable(found.format)) return ChosenFormat{name, found.format};
  return Error{"", std::nullopt, "a format for gradients: " + auditable_names() + ", or eXmY",
               quoted(word) + hint_for(name, false)};
}

Result<FormatOrBlock> format_or_block(std::string_view word) {
  const std::string name = lower_case(std::string(word));
  if (const BlockFormat* block = find_block_format(name)) return FormatOrBlock{{}, block};
  auto scalar = any_format(word);
  if (!scalar) {
    return Error{"", std::nullopt, "a format that `precision-audit formats` lists", quoted(word) + hint_for(name, true)};
  }
  return FormatOrBlock{std::move(*scalar), nullptr};
}

}  // namespace lowp::tool
