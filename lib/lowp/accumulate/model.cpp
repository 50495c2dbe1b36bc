// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/model.h"

#include <algorithm>
#include <array>
#include <string>

#include "lowp/core/formats.h"

namespace lowp {
namespace {

// Whether `word` is one of the space-separated words of `list`.
bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

constexpr std::array<std::string_view, 5> makers{"nvidia", "geforce", "quadro", "tesla", "amdinstinct"};
constexpr std::array<std::string_view, 15> variants{"laptopgpu", "pcie", "sxm2",  "sxm3",  "sxm4",
                                                    "sxm5",      "sxm6", "sxm",   "nvl",   "hbm2",
                                                    "hbm2e",     "hbm3", "hbm3e", "super", "ti"};

const Architecture* listed(std::string_view name) {
  const auto row = std::ranges::find_if(architecture_table, [name](const Architecture& one) {
    return name == one.name || has_word(one.gpus, name) || has_word(one.capabilities, name);
  });
  return row == architecture_table.end() ? nullptr : &*row;
}

// As listed, or without a socket, a memory size or what else drivers put behind a name: "h10080gbhbm3" is h100.
const Architecture* listed_variant(std::string_view name) {
  if (const Architecture* row = listed(name)) return row;
  for (const std::string_view end : variants) {
    if (!name.ends_with(end)) continue;
    if (const Architecture* row = listed_variant(name.substr(0, name.size() - end.size()))) return row;
  }
  if (!name.ends_with("gb")) return nullptr;
  for (const std::size_t size : {std::size_t{4}, std::size_t{5}}) {  // two or three digits and "gb"
    if (name.size() <= size) continue;
    if (const Architecture* row = listed_variant(name.substr(0, name.size() - size))) return row;
  }
  return nullptr;
}

// Lower case without blanks and dashes, without makers.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ' ' || c == '-') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (const std::string_view maker : makers) {
    if (text.starts_with(maker)) text.erase(0, maker.size());
  }
  return text;
}

}  // namespace

std::string_view grade_word(Grade grade) {
  switch (grade) {
    case Grade::recorded: return "recorded";
    case Grade::agreed: return "agreed";
    case Grade::single: return "one source";
    case Grade::inferred: return "inferred";
    case Grade::disagreement: return "unstable";
  }
  return "";
}

std::string_view grade_text(Grade grade) {
  switch (grade) {
    case Grade::recorded: return "A: recorded on hardware, no result differs";
    case Grade::agreed: return "B: independent sources agree";
    case Grade::single: return "C: one source, checked by its authors on hardware";
    case Grade::inferred: return "D: inferred";
    case Grade::disagreement: return "unstable: sources contradict each other";
  }
  return "";
}

Format accumulator_format(const TensorCore& row) {
  switch (row.finish) {
    case StepRounding::nearest_fp16: return ieee_format(5, 10);
    case StepRounding::nearest_fp64: return ieee_format(11, 52);
    case StepRounding::truncated_fp32:
    case StepRounding::truncated_e8m13:
    case StepRounding::nearest_fp32: break;
  }
  return ieee_format(8, 23);
}

bool has_open_zero_signs(const TensorCore& row) {
  return row.finish != StepRounding::truncated_e8m13;
}

bool is_narrow(std::string_view format) {
  const FormatLookup found = find_format(format);
  return found.found && found.format.width <= 8;
}

const Architecture* find_architecture(std::string_view gpu) {
  const std::string name = plain(gpu);
  return name.empty() || name.size() > 64 ? nullptr : listed_variant(name);
}

const TensorCore* find_tensor_core(std::string_view gpu, std::string_view path, std::string_view a, std::string_view b,
                                   std::string_view accumulator) {
  const Architecture* architecture = find_architecture(gpu);
  if (architecture == nullptr || (a != b && !(is_narrow(a) && is_narrow(b)))) return nullptr;
  for (const TensorCore& row : tensor_core_table) {
    if (row.architecture == architecture->name && row.path == path && row.accumulator == accumulator &&
        has_word(row.inputs, a) && has_word(row.inputs, b)) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace lowp
